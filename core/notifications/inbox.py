"""The inbox of one person: reading, setting aside, counting what is new."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.notifications.models import Notification

COUNTED = 100  # more is shown as "99+"


def unread_count(session: Session, user_id: int) -> int:
    """How many notifications are new, ``COUNTED`` at most."""
    some = sa.select(Notification.id).where(*_new(user_id)).limit(COUNTED).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def page(
    session: Session, user_id: int, limit: int, *, before: int | None = None, unread: bool = False
) -> Sequence[Notification]:
    """The newest notifications of one person; what is snoozed comes back when its time has come.

    Args:
        before: the id from which to read on.
        unread: only those that are new.
    """
    statement = sa.select(Notification).where(Notification.user_id == user_id, _awake())
    if unread:
        statement = statement.where(Notification.read_at.is_(None))
    if before is not None:
        statement = statement.where(Notification.id < before)
    return session.scalars(statement.order_by(Notification.id.desc()).limit(limit)).all()


def own(session: Session, user_id: int, number: int) -> Notification | None:
    """The notification with this id, if it is this person's."""
    return session.scalars(
        sa.select(Notification).where(Notification.id == number, Notification.user_id == user_id)
    ).one_or_none()


def mark_all_read(session: Session, user_id: int, upto: int) -> None:
    """Mark everything read up to the id ``upto``: what came in since has not been seen."""
    session.execute(
        sa.update(Notification).where(*_new(user_id), Notification.id <= upto).values(read_at=now())
    )


def snooze(notification: Notification, until: dt.datetime) -> None:
    """Take it out of the inbox until then; it comes back as new."""
    notification.snoozed_until = until
    notification.read_at = None


def _new(user_id: int) -> tuple[Any, ...]:
    return Notification.user_id == user_id, Notification.read_at.is_(None), _awake()


def _awake() -> Any:
    return sa.or_(Notification.snoozed_until.is_(None), Notification.snoozed_until <= now())
