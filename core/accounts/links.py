"""Links by which somebody proves to read the mail of an account: an invitation, or a password that was forgotten.

A link works once, for a while, and is stored as a hash. It ends when a newer one is made, when the password changes
and when the user is deactivated. Looking at it changes nothing, because programs that check mail open every link.
Nothing here commits: the caller's unit of work does.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from core.accounts.models import Base, User, now
from core.accounts.sessions import token_hash
from core.config import Config
from core.database.types import UtcDateTime
from core.errors import Blocked

INVITATION, RESET = "invitation", "reset"
LIFETIMES = {INVITATION: dt.timedelta(days=7), RESET: dt.timedelta(minutes=60)}
USED, REVOKED, REPLACED = "used", "revoked", "replaced"


class AccountLink(Base):
    """One link. ``ended_as`` says how it ended: used, revoked, or replaced by a newer one or another password."""

    __tablename__ = "core_account_link"
    __table_args__ = (
        sa.Index("ix_core_account_link_user_id", "user_id", "purpose"),
        sa.Index("ix_core_account_link_purpose", "purpose", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.String(12))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_as: Mapped[str] = mapped_column(sa.String(10), default="")
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    created_by: Mapped[User | None] = relationship(foreign_keys=[created_by_id])

    @property
    def state(self) -> str:
        """``open``, ``used``, ``revoked``, ``replaced`` or ``expired``."""
        if self.ended_as:
            return self.ended_as
        return "open" if self.expires_at > now() else "expired"


def make(session: Session, user: User, purpose: str, *, by: int | None = None) -> tuple[AccountLink, str]:
    """A new link for ``user``; earlier ones of the same purpose end.

    Args:
        session: the unit of work.
        user: whose account it opens.
        purpose: ``INVITATION`` or ``RESET``.
        by: the id of the user who makes it.

    Returns:
        The row, and the token, which is stored nowhere.
    """
    end(session, user, REPLACED, purpose)
    token = secrets.token_urlsafe(32)
    link = AccountLink(
        purpose=purpose,
        user_id=user.id,
        token_hash=token_hash(token),
        created_by_id=by,
        expires_at=now() + LIFETIMES[purpose],
    )
    session.add(link)
    session.flush()
    return link, token


def address_of(config: Config, purpose: str, token: str) -> str:
    """Where the link leads: to the host of the configuration, whatever a request says."""
    return f"{config.public_url}/{purpose}/{token}"


def find(session: Session, token: str, purpose: str) -> AccountLink | None:
    """The link that is still good."""
    found: AccountLink | None = session.scalar(
        sa.select(AccountLink)
        .join(User, AccountLink.user_id == User.id)
        .where(*_good(token, purpose), User.active.is_(True))
        .options(joinedload(AccountLink.user))
    )
    return found


def use(session: Session, token: str, purpose: str) -> User:
    """Use the link up. Of several requests at once one succeeds.

    Raises:
        Blocked: it was used, has ended, or never was.
    """
    link = find(session, token, purpose)
    used = sa.update(AccountLink).where(*_good(token, purpose)).values(ended_at=now(), ended_as=USED)
    if link is None or not session.connection().execute(used).rowcount:
        raise Blocked(_("This link was used or has expired."))
    return link.user


def end(session: Session, user: User, how: str, purpose: str | None = None) -> int:
    """End the open links of ``user``, all of them or those of one purpose; how many that were."""
    ended = sa.update(AccountLink).where(AccountLink.user_id == user.id, AccountLink.ended_at.is_(None))
    if purpose is not None:
        ended = ended.where(AccountLink.purpose == purpose)
    return session.connection().execute(ended.values(ended_at=now(), ended_as=how)).rowcount


def invitations(session: Session, limit: int, before: int | None = None) -> Sequence[AccountLink]:
    """The invitations, the latest first, with whom they are for; ``before`` is the id of one to go on from."""
    statement = sa.select(AccountLink).where(
        AccountLink.purpose == INVITATION, AccountLink.ended_as.notin_([REPLACED])
    )
    if before is not None:
        statement = statement.where(AccountLink.id < before)
    options = joinedload(AccountLink.user), joinedload(AccountLink.created_by)
    return session.scalars(statement.options(*options).order_by(AccountLink.id.desc()).limit(limit)).all()


def _good(token: str, purpose: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        AccountLink.token_hash == token_hash(token),
        AccountLink.purpose == purpose,
        AccountLink.ended_at.is_(None),
        AccountLink.expires_at > now(),
    )
