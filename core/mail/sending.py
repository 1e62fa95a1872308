"""The job that sends one mail, and knows at every moment whether it may have left."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import current_app

from core.accounts.models import now
from core.config import Config
from core.database.engine import reading
from core.errors import Blocked, PeyvandError
from core.mail.message import compose, sender_of
from core.mail.models import DONE, FAILED, IN_DOUBT, MAILS, QUEUED, STARTED

TIMEOUT = 30  # seconds for each word with the server


class TryLater(PeyvandError):
    """The mail has not left: the server is away or asked to come back. The job tries again after a pause."""


class _Lost(PeyvandError):
    """The server has the text, and its answer never came."""


class _Refused(PeyvandError):
    """The server refused this mail for good."""


def send_one(progress: Any, mail: str) -> str:
    """Send the mail with this key; returns the state in which it ended.

    Raises:
        TryLater: it has not left, and may later.
        Blocked: mail is not set up.
    """
    site = current_app.extensions["peyvand"]
    config: Config = site.runtime.config
    engine = site.runtime.database.engine
    if not config.smtp_host:
        raise Blocked("Mail is not set up; set PEYVAND_SMTP_HOST and run the job again.")
    with reading(), engine.connect() as connection:
        row = connection.execute(sa.select(MAILS).where(MAILS.c.key == mail)).first()
    if row is None:
        return "gone"
    if row.state == STARTED:
        # A run before this one ended after the text was on its way: perhaps it arrived.
        _settle(engine, row.id, STARTED, IN_DOUBT, "The process that sent it was stopped in the middle.")
        return IN_DOUBT
    if row.state != QUEUED:
        return str(row.state)
    try:
        text = _written(config, row)
        with connected(config) as server:
            _envelope(server, config, row.address)
            # From here on nobody can take it back, so it is written down first.
            if not _settle(engine, row.id, QUEUED, STARTED, "", started_at=now(), attempts=row.attempts + 1):
                return STARTED
            _data(server, text)
    except _Refused as refused:
        _settle(engine, row.id, (QUEUED, STARTED), FAILED, str(refused))
        return FAILED
    except _Lost as lost:
        _settle(engine, row.id, STARTED, IN_DOUBT, str(lost))
        return IN_DOUBT
    except TryLater as later:
        _settle(engine, row.id, (QUEUED, STARTED), QUEUED, str(later))
        raise
    _settle(engine, row.id, STARTED, DONE, "")
    return DONE


@contextmanager
def connected(config: Config) -> Iterator[smtplib.SMTP]:
    """A session with the configured server, signed in where a user is configured.

    Raises:
        TryLater: there is no such server now, or it does not let us in.
    """
    server: smtplib.SMTP | None = None
    try:
        context = ssl.create_default_context()
        if config.smtp_security == "tls":
            server = smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=TIMEOUT)
            if config.smtp_security == "starttls":
                server.starttls(context=context)
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
    except (smtplib.SMTPException, OSError) as error:
        if server is not None:
            server.close()
        raise TryLater(f"The mail server cannot be used: {_words(error)}") from error
    try:
        yield server
    finally:
        # QUIT is a courtesy: whatever becomes of it, the mail's state is known.
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            server.close()


def _envelope(server: smtplib.SMTP, config: Config, address: str) -> None:
    """Name sender and recipient; up to here nothing has left.

    Raises:
        _Refused: the server will never take it.
        TryLater: it will not take it now.
    """
    try:
        for code, answer in (_mail_from(server, config), server.rcpt(address)):
            _judge(code, answer)
    except UnicodeError as error:
        raise _Refused(_words(error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(_words(error)) from error


def _mail_from(server: smtplib.SMTP, config: Config) -> tuple[int, bytes]:
    server.ehlo_or_helo_if_needed()
    return server.mail(sender_of(config.smtp_from).addr_spec)


def _written(config: Config, row: Any) -> bytes:
    """The whole mail as it travels.

    Raises:
        _Refused: its address is none.
    """
    sender = sender_of(config.smtp_from)
    try:
        message = compose(
            sender=sender,
            address=row.address,
            subject=row.subject,
            text=row.text,
            html=row.html,
            language=row.language,
            message_id=f"<{row.id}.{int(row.created_at.timestamp())}@{sender.domain}>",
        )
        return message.as_bytes()
    except (ValueError, UnicodeError) as error:
        raise _Refused(_words(error)) from error


def _data(server: smtplib.SMTP, text: bytes) -> None:
    """Hand over the text.

    Raises:
        _Refused: the server refused it.
        _Lost: whether it took it is unknown.
        TryLater: it said that it did not.
    """
    try:
        code, answer = server.data(text)
    except smtplib.SMTPDataError as error:
        # The server said no before it was given the text.
        _judge(error.smtp_code, error.smtp_error)
        raise TryLater(_words(error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _Lost(f"The connection broke before the server answered: {_words(error)}") from error
    _judge(code, answer)


def _judge(code: int, answer: bytes | str) -> None:
    if 200 <= code < 300:
        return
    text = f"{code} {answer.decode('utf-8', 'replace') if isinstance(answer, bytes) else answer}"[:400]
    if code >= 500:
        raise _Refused(text)
    raise TryLater(text)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:400] or error.__class__.__name__


def _settle(engine: Any, number: int, before: str | tuple[str, ...], state: str, error: str, **values: Any) -> bool:
    """Move a mail on, in a transaction of its own; False where somebody else already has."""
    states = (before,) if isinstance(before, str) else before
    ended = {"ended_at": now()} if state in (DONE, FAILED, IN_DOUBT) else {}
    moved = (
        sa.update(MAILS)
        .where(MAILS.c.id == number, MAILS.c.state.in_(states))
        .values(state=state, error=error[:500], **ended, **values)
    )
    with engine.begin() as connection:
        return bool(connection.execute(moved).rowcount)
