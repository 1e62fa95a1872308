"""Writing a mail down, in the transaction of its cause; a job sends it after the commit."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.accounts.models import now
from core.jobs.models import insert_once
from core.jobs.queue import enqueue
from core.mail.message import one_line
from core.mail.models import MAILS, QUEUED

SEND_MAIL = "core.send_mail"


def send_mail(
    session: Session,
    *,
    key: str,
    address: str,
    subject: str,
    text: str,
    html: str = "",
    language: str = "en",
    user_id: int | None = None,
) -> bool:
    """Have a mail sent once the current transaction is committed.

    Args:
        session: the unit of work of what the mail is about.
        key: what makes it the same mail when it is written again, such as ``digest-7-2026-11-26``.
        address: the one recipient.
        subject: its subject.
        text: the plain text.
        html: the same as HTML, made by an autoescaping template.
        language: ``en`` or ``fa``.
        user_id: the user it goes to, if it is one.

    Returns:
        Whether it was written now, and not already.
    """
    values = {
        "key": key[:200],
        "user_id": user_id,
        "address": address,
        "subject": one_line(subject),
        "text": text,
        "html": html,
        "language": language,
        "state": QUEUED,
        "attempts": 0,
        "error": "",
        "created_at": now(),
    }
    if not insert_once(session.connection(), MAILS, values):
        return False
    with as_system("mail"):
        enqueue(SEND_MAIL, key=f"send-{key}"[:200], mail=key[:200])
    return True
