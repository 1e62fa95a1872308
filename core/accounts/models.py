"""Users, their roles, and the sign-ins that are alive."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.database.base import plugin_base
from core.database.types import UtcDateTime
from core.parts import ADMINISTRATOR, USER

Base = plugin_base("core")


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


user_role = sa.Table(
    "core_user_role",
    Base.metadata,
    sa.Column("user_id", sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role_id", sa.ForeignKey("core_role.id", ondelete="CASCADE"), primary_key=True),
)


class _Names(AsaList):
    cache_ok = True  # without this SQLAlchemy writes every statement with such a column anew


class Role(Base, RoleMixin):
    """A named set of rights (``core.accounts.roles``). Grants of a plugin that is gone stay, without effect, until it
    is back. ``rights_version`` grows with every change of what the role grants.
    """

    __tablename__ = "core_role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80), unique=True)
    description: Mapped[str | None] = mapped_column(sa.String(255))
    # Flask-Security asks for it; what a role grants stands in core_role_grant.
    permissions: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(_Names()), default=list)
    # Who has this role signs in with a second step, and does nothing before it is set up.
    two_factor_required: Mapped[bool] = mapped_column(default=False)
    rights_version: Mapped[int] = mapped_column(default=1)
    update_datetime: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


def role_label(name: str) -> str:
    """The name of a role as people read it; the built-in ones are translated."""
    return {ADMINISTRATOR: _("Administrator"), USER: _("User")}.get(name, name)


class User(Base, UserMixin):
    """A person who signs in. ``language``, ``calendar``, ``digits`` and ``theme`` are separate choices; empty follows
    the browser or the language."""

    __tablename__ = "core_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120), default="")
    password: Mapped[str | None] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    # Flask-Security signs sessions with this; a new value ends every session of the user.
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # Since when the second step of sign-in is on (``core.accounts.second_factor``).
    two_factor_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_sign_in_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    calendar: Mapped[str] = mapped_column(sa.String(10), default="")
    digits: Mapped[str] = mapped_column(sa.String(8), default="")
    theme: Mapped[str] = mapped_column(sa.String(8), default="")
    timezone: Mapped[str] = mapped_column(sa.String(40), default="")
    create_datetime: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    update_datetime: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    roles: Mapped[list[Role]] = relationship(secondary=user_role, lazy="selectin")  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_administrator(self) -> bool:
        return any(role.name == ADMINISTRATOR for role in self.roles)

    @property
    def role_label(self) -> str:
        """The user's roles, as the menu of the account shows them."""
        return _(", ").join(role_label(role.name) for role in self.roles)


def called(user: Any) -> sa.ColumnElement[str]:
    """The name of ``user``, the class or an alias of it, as SQL has it; the same as ``str()`` of one."""
    return sa.func.coalesce(sa.func.nullif(user.name, ""), user.email)


CALLED = called(User)


# The first that fits: every browser also claims to be some of the others.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


class SignIn(Base):
    """One signed-in browser. The cookie holds the token, this row its hash: no row, no session."""

    __tablename__ = "core_sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    browser: Mapped[str] = mapped_column(sa.String(200), default="")

    @property
    def browser_name(self) -> str:
        """Which browser on which system, as far as what it says of itself tells; otherwise just that."""
        browser = next((name for mark, name in _BROWSERS if mark in self.browser), "")
        system = next((name for mark, name in _SYSTEMS if mark in self.browser), "")
        return _("%(browser)s on %(system)s", browser=browser, system=system) if browser and system else self.browser


class SetUpLink(Base):
    """The one-time link by which the first administrator is made. Only its hash is stored."""

    __tablename__ = "core_set_up_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
