"""Where merged records went, and whose story a record goes on telling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.records.duplicates.models import Merged
from core.records.followers import Follower
from core.records.record import Record

MOST = 50  # records merged into one


def merged_into(session: Session, record: Record) -> list[int]:
    """The ids of the records that were merged into ``record`` and that the actor may see."""
    name, model = record.__record_type__, type(record)
    ids = session.scalars(
        sa.select(Merged.merged_id).where(Merged.record_type == name, Merged.into_id == record.id).limit(MOST)
    ).all()
    return _still_merged(session, model, ids)


def followed_and_merged(session: Session, record: Record) -> tuple[bool, list[int]]:
    """Whether the actor follows ``record``, and what ``merged_into`` says, with one query: a page wants both."""
    name, model = record.__record_type__, type(record)
    merged = sa.select(Merged.merged_id).where(Merged.record_type == name, Merged.into_id == record.id).limit(MOST)
    mine = sa.select(Follower.user_id).where(
        Follower.record_type == name, Follower.record_id == record.id, Follower.user_id == (acting().user_id or 0)
    )
    both = sa.union_all(
        sa.select(sa.literal("merged").label("what"), merged.subquery().c.merged_id),
        sa.select(sa.literal("followed"), mine.subquery().c.user_id),
    )
    rows = session.execute(both).all()
    ids = [number for what, number in rows if what == "merged"]
    return any(what == "followed" for what, _number in rows), _still_merged(session, model, ids)


def _still_merged(session: Session, model: Any, ids: Sequence[int]) -> list[int]:
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
