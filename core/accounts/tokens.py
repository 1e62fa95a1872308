"""Access tokens: secrets by which a program acts for a user, with a part of what he may do.

    Authorization: Bearer pvd_…  ──find──▶ AccessToken ──actor_of_token──▶ Actor

A token holds no rights of its own. It narrows those that its user has at the moment of each request: to reading, to
some of his roles, to some record types; so a role that is taken from him, or his deactivation, counts at once. The
database holds a hash of the secret, which was shown once. Nothing here commits, but for the note that a token was used.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, contains_eager, joinedload, mapped_column, relationship

from core.accounts.actor import Actor
from core.accounts.acts import TOKEN_MADE, TOKEN_REVOKED, note
from core.accounts.models import Base, Role, User, now
from core.accounts.rights import Rights, rights_of
from core.accounts.sessions import token_hash
from core.database.engine import Database
from core.database.marks import GENERATION
from core.database.types import UtcDateTime
from core.errors import Blocked, ValidationError
from core.text import clean

PREFIX = "pvd_"  # by which people, and programs that look for leaked secrets, know what it is
HINT = len(PREFIX) + 4  # characters that are kept to tell tokens apart
LONGEST_NAME = 80
LIFETIMES = (7, 30, 90, 180, 365)  # days
USUAL_LIFETIME = 90
MOST = 50  # live ones of a user
KEPT = dt.timedelta(days=90)  # for which the list shows one that has ended
NOTED_EVERY = dt.timedelta(minutes=1)
READING = frozenset({"see", "export"})  # the verbs of a token that only reads

token_role = sa.Table(
    "core_access_token_role",
    Base.metadata,
    sa.Column("token_id", sa.ForeignKey("core_access_token.id", ondelete="CASCADE"), primary_key=True),
    # Not the number alone: SQLite gives the number of a role that was deleted to another one.
    sa.Column("role_id", sa.ForeignKey("core_role.id", ondelete="CASCADE"), primary_key=True),
)


class AccessToken(Base):
    """One token. With ``every_role`` it has all roles of its user, whichever those are; else those of ``roles`` that he
    still has. ``record_types`` are the types it is narrowed to, None for all."""

    __tablename__ = "core_access_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    hint: Mapped[str] = mapped_column(sa.String(12))
    writes: Mapped[bool] = mapped_column(default=False)
    every_role: Mapped[bool] = mapped_column(default=True)
    record_types: Mapped[list[str] | None] = mapped_column(sa.JSON(none_as_null=True))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_used_from: Mapped[str] = mapped_column(sa.String(64), default="")
    user: Mapped[User] = relationship()
    roles: Mapped[list[Role]] = relationship(secondary=token_role)

    @property
    def state(self) -> str:
        """``live``, ``revoked`` or ``expired``."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.expires_at > now() else "expired"


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a new token.

    ``roles`` are ids of his own roles, None for all that he has; ``record_types`` names of types that he may see, None
    for all; ``days`` is how long it lives.
    """

    name: str
    days: int = USUAL_LIFETIME
    writes: bool = False
    roles: Collection[int] | None = None
    record_types: Collection[str] | None = None


# --- making and ending


def make(session: Session, user: User, wish: Wish) -> tuple[AccessToken, str]:
    """A new token of ``user``.

    Returns:
        The row, and the secret, which is stored nowhere.

    Raises:
        ValidationError: on ``name``, ``days``, ``roles`` and ``record_types``.
        Blocked: the user has too many.
    """
    name = " ".join(clean(wish.name).split())[:LONGEST_NAME]
    errors: dict[str, object] = {}
    if not name:
        errors["name"] = _("Say what the token is for.")
    if wish.days not in LIFETIMES:
        errors["days"] = _("Please choose from the list.")
    roles = [] if wish.roles is None else [role for role in user.roles if role.id in wish.roles]
    if wish.roles is not None and (not roles or len(roles) < len(set(wish.roles))):
        errors["roles"] = _("Choose one or more of your roles.")
    types = None if wish.record_types is None else sorted(set(wish.record_types))
    if types is not None and (not types or not set(types) <= set(types_of(session, user))):
        errors["record_types"] = _("Choose one or more record types.")
    if errors:
        raise ValidationError(**errors)
    mine = AccessToken.user_id == user.id
    session.execute(sa.delete(AccessToken).where(mine, AccessToken.expires_at < now() - KEPT))
    live = sa.select(sa.func.count()).where(mine, AccessToken.revoked_at.is_(None), AccessToken.expires_at > now())
    if (session.scalar(live) or 0) >= MOST:
        raise Blocked(_("You have too many tokens. Revoke those that nothing uses."))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken(
        user=user,
        name=name,
        token_hash=token_hash(secret),
        hint=secret[:HINT],
        writes=wish.writes,
        every_role=wish.roles is None,
        roles=roles,
        record_types=types,
        expires_at=now() + dt.timedelta(days=wish.days),
    )
    session.add(token)
    session.flush()
    told = {"token": name, "writes": "✓" if wish.writes else "–", "expires_at": token.expires_at.date()}
    if roles:
        told["roles"] = ", ".join(role.name for role in roles)
    if types is not None:
        told["record_types"] = ", ".join(types)
    note(session, TOKEN_MADE, user, {key: (None, value) for key, value in told.items()})
    return token, secret


def types_of(session: Session, user: User) -> list[str]:
    """The names of the record types that ``user`` may see now, in the order of the Catalog."""
    rights = rights_of(session, user.roles)
    return [entry.name for entry in _catalog() if f"{entry.name}.see" in rights.grants]


def revoke(session: Session, user: User, number: int) -> AccessToken | None:
    """End one token of ``user`` for good; the row, or None where it is not his or has ended."""
    live = AccessToken.id == number, AccessToken.user_id == user.id, AccessToken.revoked_at.is_(None)
    found = session.scalar(sa.select(AccessToken).where(*live))
    if found is None or found.state != "live":
        return None
    found.revoked_at = now()
    session.flush()
    note(session, TOKEN_REVOKED, user, {"token": (found.name, None)})
    return found


def revoke_all(session: Session, user: User) -> int:
    """End every token of ``user`` for good; how many that were."""
    ended = sa.update(AccessToken).where(
        AccessToken.user_id == user.id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > now()
    )
    count = session.connection().execute(ended.values(revoked_at=now())).rowcount
    if count:
        note(session, TOKEN_REVOKED, user, {"count": (None, count)})
    return count


def of_user(session: Session, user: User) -> Sequence[AccessToken]:
    """The tokens of ``user``, the newest first; those that ended long ago are left out."""
    statement = sa.select(AccessToken).where(AccessToken.user_id == user.id, AccessToken.expires_at > now() - KEPT)
    ordered = statement.options(joinedload(AccessToken.roles)).order_by(AccessToken.id.desc())
    return session.scalars(ordered.limit(4 * MOST)).unique().all()


# --- using


@dataclass(frozen=True)
class Shown:
    """The token that a program showed, good or not, and the generation of the same moment (``core.database.marks``)."""

    token: AccessToken
    generation: int


def find(session: Session, secret: str) -> Shown | None:
    """The token with this secret, its user and roles as they are now: one indexed query."""
    found = session.execute(_shown(), {"token": token_hash(secret)}).unique().one_or_none()
    return Shown(*found) if found is not None else None


@lru_cache(maxsize=1)
def _shown() -> Any:
    return (
        sa.select(AccessToken, GENERATION.scalar_subquery())
        .join(AccessToken.user)
        .where(AccessToken.token_hash == sa.bindparam("token"))
        .options(contains_eager(AccessToken.user).joinedload(User.roles), joinedload(AccessToken.roles))
        .execution_options(populate_existing=True)
    )


def note_use(database: Database, token: AccessToken, address: str) -> None:
    """Remember when and from where a token was used, at most once a minute, and never by waiting for other writers."""
    then = now() - NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > then:
        return
    table: Any = AccessToken.__table__
    unsaid = sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at <= then)
    used = sa.update(table).where(table.c.id == token.id, unsaid)
    try:
        with database.at_once() as connection:
            connection.execute(used.values(last_used_at=now(), last_used_from=address[:64]))
    except OperationalError:
        return  # somebody else is writing; one of the next requests will tell


def actor_of_token(session: Session, token: AccessToken, *, address: str = "") -> Actor:
    """The user of ``token`` with that part of his rights of this moment to which the token is narrowed."""
    user, chosen = token.user, {role.id for role in token.roles}
    roles = [role for role in user.roles if token.every_role or role.id in chosen]
    rights = narrowed(rights_of(session, roles), writes=token.writes, record_types=token.record_types)
    return Actor(
        user.id,
        str(user),
        frozenset(role.name for role in roles),
        rights.permissions,
        rights=rights,
        source="api",
        address=address,
        reason=f"{token.name} (#{token.id})",
        read_only=not token.writes,
    )


def narrowed(rights: Rights, *, writes: bool, record_types: Collection[str] | None) -> Rights:
    """That part of ``rights`` which is about records, and of it the verbs and types that are wanted.

    What administers the installation is never part of it; what comes with a wanted right is, as for a role
    (``core.Permission``).
    """
    types = None if record_types is None else frozenset(record_types)
    key = ("token", writes, types)
    if key not in rights.kept:
        possible = {name for name in rights.grants if _is_wanted(name, writes=writes, types=None)}
        wanted = {name for name in possible if _is_wanted(name, writes=writes, types=types)}
        permissions = current_app.extensions["peyvand"].permissions
        wanted |= {name for name in possible if name in permissions and permissions[name].comes_with in wanted}
        grants = {name: found for name, found in rights.grants.items() if name in wanted}
        rights.kept[key] = Rights(MappingProxyType(grants), rights.fields)
    part: Rights = rights.kept[key]
    return part


def _is_wanted(permission: str, *, writes: bool, types: frozenset[str] | None) -> bool:
    record_type, _dot, verb = permission.rpartition(".")
    if record_type.partition(".")[0] == "core" or (types is not None and record_type not in types):
        return False
    return writes or verb in READING


def _catalog() -> Any:
    return current_app.extensions["peyvand"].catalog
