"""A mail as it travels (RFC 5322): headers that no text can break out of, and the same words as text and as HTML."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.accounts.models import now

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
LONGEST_SUBJECT = 300
RIGHT_TO_LEFT = frozenset({"fa"})


def one_line(text: str) -> str:
    """``text`` as a header may hold it: without line breaks or other control characters."""
    return _CONTROL.sub(" ", text).strip()[:LONGEST_SUBJECT]


def sender_of(text: str) -> Address:
    """The sender out of a setting such as ``Sales <crm@company.com>``.

    Raises:
        ValueError: there is no address in it.
    """
    name, _less, rest = text.rpartition("<")
    address = rest.rstrip("> ").strip()
    if "@" not in address:
        raise ValueError(text)
    return Address(display_name=one_line(name.strip(' "')), addr_spec=address)


def compose(
    *, sender: Address, address: str, subject: str, text: str, html: str, language: str, message_id: str
) -> EmailMessage:
    """The message to one address.

    Args:
        sender: who it is from.
        address: the recipient's address.
        subject: its subject; line breaks are taken out.
        text: the plain text.
        html: the same as HTML, or empty.
        language: ``en`` or ``fa``; decides the direction of the HTML.
        message_id: the Message-ID with its angle brackets; the same whenever this mail is tried.

    Raises:
        ValueError: the address is none.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _recipient(address)
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id
    # So that no absence notice answers it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if html:
        message.add_alternative(_page(html, language), subtype="html")
    # Setting the content forgets headers about it.
    message["Content-Language"] = language
    return message


def _recipient(address: str) -> Address:
    try:
        return Address(addr_spec=address)
    except (HeaderParseError, IndexError) as error:
        raise ValueError(f"{address[:80]!r} is no address.") from error


def _page(html: str, language: str) -> str:
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return (
        f'<!DOCTYPE html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8"></head>'
        f'<body dir="{direction}" style="font-family: Vazirmatn, Tahoma, Arial, sans-serif; line-height: 1.7">'
        f"{html}</body></html>"
    )
