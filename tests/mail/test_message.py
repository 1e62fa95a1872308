"""No text breaks out of a header, and no address out of its place."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.mail.message import compose, sender_of

SENDER = sender_of("Peyvand <crm@company.com>")


def sent(subject: str = "Subject", address: str = "sara@example.com", html: str = "") -> EmailMessage:
    message = compose(
        sender=SENDER, address=address, subject=subject, text="Text", html=html, language="fa", message_id="<1@company>"
    )
    return email.message_from_bytes(message.as_bytes(), policy=default)  # type: ignore[return-value]


@given(st.text(max_size=400))
def test_any_subject_stays_in_its_header(subject: str) -> None:
    message = sent(subject)
    assert sorted(message.keys()) == sorted(sent().keys())
    assert message["To"] == "sara@example.com"


@pytest.mark.parametrize("address", ["", "sara", "a@b\r\nBcc: c@d.example", "a@b, c@d", "<a@b>"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="."):
        sent(address=address)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("crm@company.com", "", "crm@company.com"),
        ("Sales <crm@company.com>", "Sales", "crm@company.com"),
        ('"فروش، تهران" <crm@company.com>', "فروش، تهران", "crm@company.com"),
    ],
)
def test_a_sender_is_an_address_with_or_without_a_name(text: str, name: str, address: str) -> None:
    sender = sender_of(text)
    assert (sender.display_name, sender.addr_spec) == (name, address)
