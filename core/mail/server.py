"""The mail server: named by the environment, or else by an administrator in the browser.

What the browser names is checked when it is connected to, so that nobody reaches into the network of the house with it;
what the environment names comes from whoever owns the machine.
"""

from __future__ import annotations

import datetime as dt
import socket
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.models import Base, now
from core.config import Config
from core.database.keyring import Place
from core.database.secrets import Secrets
from core.database.types import UtcDateTime
from core.errors import ValidationError
from core.outbound import connect, is_refused
from core.records.audit import record_act
from core.text import clean, latin_digits
from core.variables import SAME_MACHINE, SECURITIES, SENDER

ROW = 1
PASSWORD = Place("core_mail_server", str(ROW), "password")
FIELDS = ("host", "port", "security", "user_name", "sender")


class MailServerRow(Base):
    """The server that an administrator named; one row or none. Its password is a secret (``core.database.secrets``)."""

    __tablename__ = "core_mail_server"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    host: Mapped[str] = mapped_column(sa.String(253))
    port: Mapped[int] = mapped_column()
    security: Mapped[str] = mapped_column(sa.String(10))
    user_name: Mapped[str] = mapped_column(sa.String(254), default="")
    sender: Mapped[str] = mapped_column(sa.String(320))
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


@dataclass(frozen=True)
class MailServer:
    """How mail leaves. ``security`` is ``starttls``, ``tls`` or ``none``; ``allowed`` as in ``core.outbound``."""

    host: str
    port: int
    security: str
    user: str
    sender: str
    password: str = field(default="", repr=False)
    from_environment: bool = False
    allowed: tuple[str, ...] = ()

    def connect(self, timeout: float) -> socket.socket:
        """A TCP connection to it.

        Raises:
            Blocked: the host is one that the browser may not name.
            OSError: it cannot be reached.
        """
        if self.from_environment:
            return socket.create_connection((self.host, self.port), timeout)
        return connect(self.host, self.port, timeout, self.allowed)


def known_server(work: Connection | Session, config: Config) -> MailServer | None:
    """The server in force, without its password."""
    if config.smtp_host:
        return MailServer(
            config.smtp_host,
            config.smtp_port,
            config.smtp_security,
            config.smtp_user,
            config.smtp_from,
            config.smtp_password,
            from_environment=True,
        )
    row = work.execute(sa.select(MailServerRow.__table__)).first()
    if row is None:
        return None
    return MailServer(row.host, row.port, row.security, row.user_name, row.sender, allowed=config.private_hosts)


def find_server(work: Connection | Session, config: Config) -> MailServer | None:
    """The server in force, with its password.

    Raises:
        SecretError: its password cannot be opened.
    """
    server = known_server(work, config)
    if server is None or server.from_environment or not server.user:
        return server
    return replace(server, password=Secrets(config).read(work, PASSWORD) or "")


def has_server(work: Connection | Session, config: Config) -> bool:
    """Whether mail is set up."""
    return bool(config.smtp_host) or work.scalar(sa.select(MailServerRow.__table__.c.id).limit(1)) is not None


def save_server(session: Session, config: Config, typed: dict[str, str]) -> None:
    """Store the server that an administrator typed. The caller commits.

    Args:
        session: the unit of work.
        config: the installation's, which has the keys.
        typed: what ``FIELDS`` names, and ``password``, which stays when it is empty.

    Raises:
        ValidationError: with every field that cannot be stored.
    """
    values = _checked(config, typed)
    row = session.get(MailServerRow, ROW)
    before: dict[str, Any] = {name: getattr(row, name) if row else None for name in FIELDS}
    connection, secrets, password = session.connection(), Secrets(config), typed.get("password", "")
    had = secrets.has(connection, PASSWORD)
    # Whoever could send the stored password to a server of his own would have it.
    elsewhere = any(values[name] != before[name] for name in ("host", "port", "security", "user_name"))
    if values["user_name"] and not password and (not had or elsewhere):
        raise ValidationError(password=_("Please type the password; it is asked for again when anything else changes."))
    if row is None:
        session.add(MailServerRow(id=ROW, **values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.changed_at = now()
    session.flush()
    changes: dict[str, tuple[Any, Any]] = {
        name: (before[name], values[name]) for name in FIELDS if before[name] != values[name]
    }
    if not values["user_name"]:
        secrets.forget(connection, PASSWORD)
    elif password:
        secrets.keep(connection, PASSWORD, password)
        changes["password"] = ("set" if had else None, "changed" if had else "set")
    if changes:
        record_act(session, "core.mail_server", "changed", changes)


def remove_server(session: Session) -> None:
    """Forget the server and its password. The caller commits."""
    row = session.get(MailServerRow, ROW)
    if row is None:
        return
    record_act(session, "core.mail_server", "deleted", {"host": (row.host, None)})
    session.delete(row)
    Secrets.forget(session.connection(), PASSWORD)


def _checked(config: Config, typed: dict[str, str]) -> dict[str, Any]:
    errors: dict[str, object] = {}
    host, port = typed.get("host", "").strip().lower(), latin_digits(typed.get("port", "")).strip()
    security, sender = typed.get("security", ""), clean(typed.get("sender", "")).strip()
    user = typed.get("user_name", "").strip()
    if not host or len(host) > 253 or any(ord(sign) < 33 or sign in "/@\\" for sign in host):
        errors["host"] = _("This is not the name of a server.")
    elif is_refused(host, config.private_hosts):
        errors["host"] = _(
            "This lies in a private network. Whoever runs the installation can allow it by PEYVAND_PRIVATE_HOSTS."
        )
    if security not in SECURITIES:
        errors["security"] = _("Please choose from the list.")
    elif security == "none" and user and host not in SAME_MACHINE:
        errors["security"] = _("A password may leave this machine only encrypted.")
    if not port:
        port = "465" if security == "tls" else "587"
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        errors["port"] = _("Please type a number from 1 to 65535.")
    if not SENDER.fullmatch(sender) or len(sender) > 320:
        errors["sender"] = _("Please type an address, or a name with one: Sales <crm@company.com>")
    if len(user) > 254 or not user.isprintable():
        errors["user_name"] = _("This name is too long.")
    if len(typed.get("password", "")) > 1000:
        errors["password"] = _("The password is too long.")
    if errors:
        raise ValidationError(**errors)
    return {"host": host, "port": int(port), "security": security, "user_name": user, "sender": sender}
