"""What each person wants to be told of, and through which channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from core.notifications.models import NotificationChoice, RecordMute
from core.parts import CHANNELS, NotificationType


def types() -> Mapping[str, NotificationType]:
    """The types of the current Site by name."""
    found: Mapping[str, NotificationType] = current_app.extensions["peyvand"].notification_types
    return found


def channels_of(session: Session, user_id: int) -> dict[str, str]:
    """What one person chose, by the name of every type there is."""
    rows = session.execute(
        sa.select(NotificationChoice.type, NotificationChoice.channel).where(NotificationChoice.user_id == user_id)
    )
    chosen: dict[str, str] = dict(rows.all())
    return {name: chosen.get(name, kind.channel) for name, kind in types().items()}


def choose(session: Session, user_id: int, choices: Mapping[str, str]) -> None:
    """Store what one person wants.

    Raises:
        KeyError: there is no such type.
        ValueError: there is no such channel.
    """
    known = types()
    for name, channel in choices.items():
        if name not in known:
            raise KeyError(name)
        if channel not in CHANNELS:
            raise ValueError(channel)
        session.merge(NotificationChoice(user_id=user_id, type=name, channel=channel))


def channel_for(session: Session, user_ids: Iterable[int], name: str) -> dict[int, str]:
    """Through which channel each person wants to hear of the type ``name``."""
    ids = list(user_ids)
    rows = session.execute(
        sa.select(NotificationChoice.user_id, NotificationChoice.channel).where(
            NotificationChoice.type == name, NotificationChoice.user_id.in_(ids)
        )
    )
    chosen: dict[int, str] = dict(rows.all())
    default = types()[name].channel
    return {number: chosen.get(number, default) for number in ids}


def mute(session: Session, user_id: int, record_type: str, record_id: int) -> None:
    """Tell this person nothing about the record any more."""
    session.merge(RecordMute(user_id=user_id, record_type=record_type, record_id=record_id))


def muted_by(session: Session, record_type: str, record_id: int) -> set[int]:
    """The ids of those who want to hear nothing about a record."""
    muted = sa.select(RecordMute.user_id).where(
        RecordMute.record_type == record_type, RecordMute.record_id == record_id
    )
    return set(session.scalars(muted))
