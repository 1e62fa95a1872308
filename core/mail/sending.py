"""The job that sends one mail, and knows at every moment whether it may have left."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import current_app

from core.accounts.models import now
from core.config import Config
from core.database.engine import reading
from core.database.secrets import Secrets
from core.errors import Blocked, PeyvandError
from core.mail.message import compose, sender_of
from core.mail.models import DONE, FAILED, IN_DOUBT, MAILS, QUEUED, STARTED, body_of
from core.mail.server import MailServer, find_server

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
    with reading(), engine.connect() as connection:
        server = find_server(connection, config)
        if server is None:
            raise Blocked("Mail is not set up; set it up under Administration, Mail, and run the job again.")
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
        text = _written(server, row, _body(config, engine, row))
        with connected(server) as line:
            _envelope(line, server, row.address)
            # From here on nobody can take it back, so it is written down first.
            if not _settle(engine, row.id, QUEUED, STARTED, "", started_at=now(), attempts=row.attempts + 1):
                return STARTED
            _data(line, text)
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
def connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A session with the server, signed in where a user is configured.

    Raises:
        TryLater: there is no such server now, or it does not let us in.
    """
    line: smtplib.SMTP | None = None
    try:
        context = ssl.create_default_context()
        if server.security == "tls":
            line = _EncryptedLine(server, context)
        else:
            line = _Line(server)
            if server.security == "starttls":
                line.starttls(context=context)
        if server.user:
            line.login(server.user, server.password)
    except (smtplib.SMTPException, OSError, Blocked, UnicodeError) as error:
        if line is not None:
            line.close()
        raise TryLater(f"The mail server cannot be used: {_words(error)}") from error
    try:
        yield line
    finally:
        # QUIT is a courtesy: whatever becomes of it, the mail's state is known.
        try:
            line.quit()
        except (smtplib.SMTPException, OSError):
            line.close()


class _Line(smtplib.SMTP):
    """Connects to an address that was checked."""

    def __init__(self, server: MailServer) -> None:
        self._to = server
        super().__init__(server.host, server.port, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        return self._to.connect(timeout)


class _EncryptedLine(smtplib.SMTP_SSL):
    """The same, encrypted from the first word on."""

    def __init__(self, server: MailServer, context: ssl.SSLContext) -> None:
        self._to = server
        super().__init__(server.host, server.port, timeout=TIMEOUT, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        return self.context.wrap_socket(self._to.connect(timeout), server_hostname=host)


def _envelope(line: smtplib.SMTP, server: MailServer, address: str) -> None:
    """Name sender and recipient; up to here nothing has left.

    Raises:
        _Refused: the server will never take it.
        TryLater: it will not take it now.
    """
    try:
        for code, answer in (_mail_from(line, server), line.rcpt(address)):
            _judge(code, answer)
    except UnicodeError as error:
        raise _Refused(_words(error)) from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(_words(error)) from error


def _mail_from(line: smtplib.SMTP, server: MailServer) -> tuple[int, bytes]:
    line.ehlo_or_helo_if_needed()
    return line.mail(sender_of(server.sender).addr_spec)


def _body(config: Config, engine: Any, row: Any) -> tuple[str, str]:
    """The mail's words as text and as HTML."""
    if not row.private:
        return row.text, row.html
    with reading(), engine.connect() as connection:
        body = Secrets(config).read(connection, body_of(row.key))
    if body is None:
        raise _Refused("Its text is gone; have it written again.")
    words = json.loads(body)
    return words["text"], words["html"]


def _written(server: MailServer, row: Any, body: tuple[str, str]) -> bytes:
    """The whole mail as it travels.

    Raises:
        _Refused: its address is none.
    """
    sender = sender_of(server.sender)
    try:
        message = compose(
            sender=sender,
            address=row.address,
            subject=row.subject,
            text=body[0],
            html=body[1],
            language=row.language,
            message_id=f"<{row.id}.{int(row.created_at.timestamp())}@{sender.domain}>",
        )
        return message.as_bytes()
    except (ValueError, UnicodeError) as error:
        raise _Refused(_words(error)) from error


def _data(line: smtplib.SMTP, text: bytes) -> None:
    """Hand over the text.

    Raises:
        _Refused: the server refused it.
        _Lost: whether it took it is unknown.
        TryLater: it said that it did not.
    """
    try:
        code, answer = line.data(text)
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
        if not connection.execute(moved).rowcount:
            return False
        if state in (DONE, FAILED, IN_DOUBT):
            # Of a mail that is not private there is none.
            Secrets.forget(connection, body_of(connection.scalar(sa.select(MAILS.c.key).where(MAILS.c.id == number))))
    return True
