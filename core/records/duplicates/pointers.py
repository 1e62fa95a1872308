"""Where merged records went, and whose story a record goes on telling."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.duplicates.models import Merged
from core.records.record import Record

MOST = 50  # records merged into one


def merged_into(session: Session, record: Record) -> list[int]:
    """The ids of the records that were merged into ``record`` and that the actor may see."""
    name, model = record.__record_type__, type(record)
    ids = session.scalars(
        sa.select(Merged.merged_id).where(Merged.record_type == name, Merged.into_id == record.id).limit(MOST)
    ).all()
    if not ids:
        return []
    # One that came back out of the bin tells its own story again.
    still = sa.select(model.id).where(model.id.in_(ids), model.archived_at.is_not(None))
    return list(session.scalars(still.execution_options(include_archived=True)))


def survivor_of(session: Session, model: type[Any], record_id: int) -> int | None:
    """The id of the record that the one with ``record_id`` was merged into last, or None."""
    name = model.__record_type__
    where = sa.select(Merged.into_id).where(Merged.record_type == name, Merged.merged_id == record_id)
    return session.scalar(where.order_by(Merged.id.desc()).limit(1))
