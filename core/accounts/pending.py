"""Somebody whose password was right and who still owes the code of the second step.

There is no session yet. The browser's cookie holds a token of its own, the database its hash; it lives five minutes and
five wrong codes, and ends when the password changes or the user is deactivated.
"""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.models import Base, User, now
from core.accounts.sessions import token_hash
from core.database.types import UtcDateTime

LIFETIME = dt.timedelta(minutes=5)
MOST_FAILURES = 5
COOKIE_KEY = "pending_sign_in"  # under which the signed cookie holds the token


class PendingSignIn(Base):
    """One browser that has shown a password."""

    __tablename__ = "core_pending_sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    uniquifier: Mapped[str] = mapped_column(sa.String(64))
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)


def start(session: Session, user: User) -> str:
    """Note that the password of ``user`` was right; returns the token for the cookie. The caller commits."""
    session.execute(sa.delete(PendingSignIn).where(PendingSignIn.expires_at <= now()))
    token = secrets.token_urlsafe(32)
    session.add(
        PendingSignIn(
            user_id=user.id,
            token_hash=token_hash(token),
            uniquifier=user.fs_uniquifier,
            expires_at=now() + LIFETIME,
        )
    )
    session.flush()
    return token


def find(session: Session, token: str) -> User | None:
    """The user who owes a code in the browser that holds ``token``."""
    found: User | None = session.scalar(
        sa.select(User)
        .join(PendingSignIn, PendingSignIn.user_id == User.id)
        .where(
            PendingSignIn.token_hash == token_hash(token),
            PendingSignIn.expires_at > now(),
            PendingSignIn.failures < MOST_FAILURES,
            PendingSignIn.uniquifier == User.fs_uniquifier,
            User.active.is_(True),
        )
    )
    return found


def fail(session: Session, token: str) -> None:
    """Count a wrong code; after five the password is asked for again. The caller commits."""
    counted = sa.update(PendingSignIn).where(PendingSignIn.token_hash == token_hash(token))
    session.connection().execute(counted.values(failures=PendingSignIn.failures + 1))


def finish(session: Session, token: str) -> bool:
    """Use ``token`` up; False where another request was faster. The caller commits."""
    used = sa.delete(PendingSignIn).where(PendingSignIn.token_hash == token_hash(token))
    return bool(session.connection().execute(used).rowcount)
