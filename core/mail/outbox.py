"""Writing a mail down, in the transaction of its cause; a job sends it after the commit."""

from __future__ import annotations

import json

from flask import current_app
from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.accounts.models import now
from core.database.secrets import Secrets
from core.jobs.models import insert_once
from core.jobs.queue import enqueue
from core.mail.message import one_line
from core.mail.models import MAILS, QUEUED, body_of

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
    private: bool = False,
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
        private: whether the text is kept sealed and forgotten once it has left, because it opens an account.

    Returns:
        Whether it was written now, and not already.

    Raises:
        SecretError: it is private, and there is no key to seal it with.
    """
    values = {
        "key": key[:200],
        "user_id": user_id,
        "address": address,
        "subject": one_line(subject),
        "text": "" if private else text,
        "html": "" if private else html,
        "private": private,
        "language": language,
        "state": QUEUED,
        "attempts": 0,
        "error": "",
        "created_at": now(),
    }
    if not insert_once(session.connection(), MAILS, values):
        return False
    if private:
        body = json.dumps({"text": text, "html": html})
        Secrets(current_app.config["PEYVAND"]).keep(session.connection(), body_of(key[:200]), body)
    with as_system("mail"):
        enqueue(SEND_MAIL, key=f"send-{key}"[:200], mail=key[:200])
    return True
