"""Who wants to hear what happens to a record."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session

from core.accounts.actor import acting
from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime
from core.records.policy import require
from core.records.record import Record


class Follower(Base):
    """Somebody who follows a record."""

    __tablename__ = "core_follower"

    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    record_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True, index=True, autoincrement=False
    )
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


def follow(record: Record) -> None:
    """The actor follows ``record`` from now on; asking twice changes nothing.

    Raises:
        Forbidden: the actor may not see the record, or is nobody.
    """
    require(f"{record.__record_type__}.see", record)
    session, user_id = _session(record), acting().user_id
    if user_id is not None and not follows(record):
        session.add(Follower(record_type=record.__record_type__, record_id=record.id, user_id=user_id))


def unfollow(record: Record) -> None:
    """The actor no longer follows ``record``."""
    session = _session(record)
    found = session.get(Follower, (record.__record_type__, record.id, acting().user_id or 0))
    if found is not None:
        session.delete(found)


def follows(record: Record) -> bool:
    """Whether the actor follows ``record``."""
    key = (record.__record_type__, record.id, acting().user_id or 0)
    return _session(record).get(Follower, key) is not None


def followers(record: Record) -> list[int]:
    """The ids of the active users who follow ``record``. Whether each may still see it is for the caller to ask."""
    return list(
        _session(record).scalars(
            sa.select(Follower.user_id)
            .join(User, User.id == Follower.user_id)
            .where(Follower.record_type == record.__record_type__, Follower.record_id == record.id, User.active)
            .order_by(Follower.user_id)
        )
    )


def _session(record: Record) -> Session:
    session = object_session(record)
    assert session is not None, "only a record that a session holds is followed"
    return session
