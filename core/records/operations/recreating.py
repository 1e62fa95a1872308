"""Making a record again that was removed for good, from what its history tells."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.database.bulk import among
from core.records.audit import Audit
from core.records.operations.restoring import put
from core.records.operations.running import write_each
from core.records.operations.tracing import Trace, combined
from core.records.privacy.marks import is_erased
from core.records.record import Record

if TYPE_CHECKING:
    from core.records.operations.batch import Batch


def recreate(batch: Batch, model: type[Record], traces: Sequence[Trace]) -> None:
    """Make the records of these traces again, with their old ids; those whose id is taken are left out."""
    if not traces:
        return
    session = batch.session
    ids = [trace.record_id for trace in traces]
    table = sa.inspect(model).local_table
    connection = session.connection()
    there = sa.select(table.c.id).where(among(table.c.id, ids, connection.dialect))
    taken = set(connection.execute(there).scalars())
    stories = _stories(session, model.__record_type__, ids, before={trace.record_id: trace.rows[1] for trace in traces})
    free: list[Trace] = []
    for trace in traces:
        if trace.record_id in taken:
            batch.left(trace, _("Another record has its number now."))
        elif trace.record_id not in stories:
            batch.left(trace, _("Its history does not go back far enough."))
        else:
            free.append(trace)

    def make(trace: Trace) -> None:
        values, made_at, made_by = stories[trace.record_id]
        record = model()
        record.id, record.created_at, record.created_by_id = trace.record_id, made_at, made_by
        session.add(record)
        for name, (_old, new) in values.items():
            put(record, name, new, None)

    for trace, reason in write_each(session, free, make):
        batch.count(trace, reason)


Story = tuple[dict[str, tuple[Any, Any]], dt.datetime, int | None]


def _stories(session: Session, record_type: str, ids: Sequence[int], *, before: dict[int, int]) -> dict[int, Story]:
    """What each record held at last: its changes from the making on, taken together."""
    rows = session.execute(
        sa.select(Audit.id, Audit.at, Audit.record_id, Audit.action, Audit.changes, User.id.label("maker"))
        .outerjoin(User, User.id == Audit.actor_id)
        .where(Audit.record_type == record_type, ~is_erased())
        .where(among(Audit.record_id, ids, session.get_bind().dialect))
        .order_by(Audit.id)
    )
    stories: dict[int, Story] = {}
    told: dict[int, dict[str, tuple[Any, Any]]] = defaultdict(dict)
    for row in rows:
        if row.id >= before[row.record_id]:
            continue
        if row.action == "created":
            told[row.record_id] = {}
            stories[row.record_id] = (told[row.record_id], row.at, row.maker)
        for name, (old, new) in row.changes.items():
            told[row.record_id][name] = combined(told[row.record_id].get(name), old, new)
    return stories
