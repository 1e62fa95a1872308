"""Which browsers are signed in. The cookie holds a random token, the database its hash: no row, no session.

Flask's own sessions live in the cookie and survive a sign-out in every copy of it; these do not.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from core.accounts.models import Role, SignIn, User, now, user_role
from core.database.engine import ONE_PLAN
from core.database.held import from_row
from core.database.marks import ARRANGEMENT, GENERATION

LIFETIME = dt.timedelta(days=14)


def token_hash(token: str) -> str:
    """The stored form of a token. It has 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def start(session: Session, user: User, *, address: str = "", browser: str = "") -> str:
    """Note that ``user`` signed in and return the token for the browser's cookie. The caller commits."""
    session.execute(sa.delete(SignIn).where(SignIn.user_id == user.id, SignIn.expires_at <= now()))
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            user_id=user.id,
            token_hash=token_hash(token),
            expires_at=now() + LIFETIME,
            address=address[:64],
            browser=browser[:200],
        )
    )
    session.flush()
    return token


@dataclass(frozen=True)
class SignedIn:
    """The user of a browser, and the installation's marks of the same moment (``core.database.marks``)."""

    user: User
    generation: int
    arrangement: int


def find(session: Session, token: str, uniquifier: str) -> SignedIn | None:
    """The active user whom this token still signs in, with the roles of this moment: one indexed query."""
    asked = {"token": token_hash(token), "uniquifier": uniquifier, "now": now()}
    rows = session.execute(_signed_in(), asked).all()
    if not rows:
        return None
    width = len(_USER)
    user = from_row(session, User, rows[0][2 : 2 + width])
    roles = [from_row(session, Role, row[2 + width :]) for row in rows if row[2 + width] is not None]
    set_committed_value(user, "roles", roles)
    return SignedIn(user, *rows[0][:2])


_USER, _ROLE = User.__table__.c, Role.__table__.c


@lru_cache(maxsize=1)
def _signed_in() -> Any:
    """Every request runs this query; it is made once. Of columns, because objects took a fifth of its time."""
    user, role, signed_in = User.__table__, Role.__table__, SignIn.__table__
    given = user_role.join(role, user_role.c.role_id == role.c.id)
    return (
        sa.select(GENERATION.scalar_subquery(), ARRANGEMENT.scalar_subquery(), *_USER, *_ROLE)
        .select_from(signed_in.join(user, signed_in.c.user_id == user.c.id))
        .outerjoin(given, user_role.c.user_id == user.c.id)
        .where(
            signed_in.c.token_hash == sa.bindparam("token"),
            signed_in.c.expires_at > sa.bindparam("now"),
            user.c.fs_uniquifier == sa.bindparam("uniquifier"),
            user.c.active.is_(True),
        )
        .order_by(role.c.id)
        .execution_options(**{ONE_PLAN: True})
    )


def end(session: Session, token: str) -> None:
    """Sign out the browser that holds ``token``. The caller commits."""
    session.execute(sa.delete(SignIn).where(SignIn.token_hash == token_hash(token)))


def end_all(session: Session, user: User, *, but: str | None = None) -> int:
    """Sign out every browser of ``user`` except the one holding the token ``but``. The caller commits.

    Returns:
        How many were signed out.
    """
    statement = sa.delete(SignIn).where(SignIn.user_id == user.id)
    if but is not None:
        statement = statement.where(SignIn.token_hash != token_hash(but))
    result = session.execute(statement)
    return int(result.rowcount)  # type: ignore[attr-defined]


def end_one(session: Session, user: User, number: int) -> SignIn | None:
    """Sign out one browser of ``user``; the row that was, or None where it is not the user's. The caller commits."""
    found = session.scalar(sa.select(SignIn).where(SignIn.id == number, SignIn.user_id == user.id))
    if found is not None:
        session.execute(sa.delete(SignIn).where(SignIn.id == number))
        session.expunge(found)
    return found


def places_of(session: Session, email: str) -> Sequence[str]:
    """The addresses from which the user with this e-mail address is signed in."""
    statement = sa.select(SignIn.address).join(User, SignIn.user_id == User.id)
    return session.scalars(statement.where(User.email == email, SignIn.expires_at > now()).distinct().limit(200)).all()


def of_user(session: Session, user: User, limit: int = 50) -> Sequence[SignIn]:
    """The browsers in which ``user`` is signed in, the latest first."""
    statement = sa.select(SignIn).where(SignIn.user_id == user.id, SignIn.expires_at > now())
    return session.scalars(statement.order_by(SignIn.created_at.desc(), SignIn.id.desc()).limit(limit)).all()
