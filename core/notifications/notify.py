"""Telling people something: a row in the inbox of each, in the transaction of its cause."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.accounts.models import now
from core.jobs.queue import enqueue
from core.mail.server import has_server
from core.notifications.audience import people, seeing
from core.notifications.choices import channel_for, muted_by, types
from core.notifications.models import Notification
from core.parts import MAIL, OFF

MAIL_ONE = "core.mail_notification"


def notify(
    session: Session,
    user_ids: Iterable[int],
    type: str,
    *,
    key: str,
    text: str = "",
    record: tuple[str, int] | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Tell each of these people once, unless they do not want to hear of it or may not see the record.

    Args:
        session: the unit of work of what there is to tell; the rows are written in its transaction.
        user_ids: whom to tell.
        type: the name of a ``NotificationType``.
        key: what makes it the same thing when it is told again, such as ``overdue-17-2026-11-26``.
        text: which of the type's texts.
        record: type and id of the record it is about.
        data: plain values in the text.

    Returns:
        How many people were told.

    Raises:
        KeyError: no plugin that is on has a type of this name.
    """
    kind = types()[type]
    if text not in kind.texts:
        raise KeyError(f"{type} has no text {text!r}.")
    with as_system("notify"):
        users = people(session, user_ids)
        if record is not None:
            quiet = muted_by(session, *record)
            users = seeing(session, [user for user in users if user.id not in quiet], *record)
        channels = channel_for(session, [user.id for user in users], type)
        told = 0
        for user in users:
            channel = channels[user.id]
            if channel == OFF:
                continue
            values = {
                "user_id": user.id,
                "key": key[:200],
                "type": type,
                "text": text,
                "data": json.loads(json.dumps(dict(data or {}))),
                "record_type": record[0] if record else None,
                "record_id": record[1] if record else None,
                "channel": channel,
                "created_at": now(),
            }
            number = _insert_once(session, values)
            if number is None:
                continue
            told += 1
            if channel == MAIL and has_server(session, current_app.config["PEYVAND"]):
                enqueue(MAIL_ONE, key=f"mail-notification-{number}", notification=number)
    return told


def _insert_once(session: Session, values: dict[str, Any]) -> int | None:
    """The id of the new row, or None where this person was told before."""
    connection = session.connection()
    table: Any = Notification.__table__
    insert: Any = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    statement = insert.values(**values).on_conflict_do_nothing(index_elements=["user_id", "key"])
    number: int | None = connection.execute(statement.returning(table.c.id)).scalar()
    return number
