"""A real mail server, and an installation that sends through it."""

from __future__ import annotations

import asyncio
import email
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.testing.installation import TestInstallation
from core.testing.serving import free_port


class Postman:
    """What the server does with mail: keeps it, unless ``rcpt`` or ``data`` say what to answer instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.rcpt: dict[str, str] = {}
        self.data = ""
        self.hangs_up = False
        self.waits = False

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: Any) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.data:
            return self.data
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(email.message_from_bytes(content, policy=default))  # type: ignore[arg-type]
        self.recipients += envelope.rcpt_tos
        while self.waits:
            await asyncio.sleep(0.05)
        if self.hangs_up:
            # It has taken the mail, and the answer never arrives.
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def postman() -> Postman:
    """What the server does."""
    return Postman()


class MailServer:
    """A server on a port of its own, which can be stopped and started again."""

    def __init__(self, postman: Postman) -> None:
        self.postman = postman
        self.port = free_port()
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen."""
        self._controller = Controller(self.postman, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture
def server(postman: Postman) -> Iterator[MailServer]:
    """The server, listening."""
    server = MailServer(postman)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def installation(make_site: Callable[..., TestInstallation], server: MailServer, dialect: str) -> TestInstallation:
    """An installation that sends its mail through the server."""
    return make_site(
        "contacts",
        dialect=dialect,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_security="none",
        smtp_from="Peyvand <crm@company.com>",
        public_url="https://crm.company.com/office",
    )
