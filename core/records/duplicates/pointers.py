"""Where merged records went."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.duplicates.models import Merged


def survivor_of(session: Session, model: type[Any], record_id: int) -> int | None:
    """The id of the record that the one with ``record_id`` was merged into last, or None."""
    name = model.__record_type__
    where = sa.select(Merged.into_id).where(Merged.record_type == name, Merged.merged_id == record_id)
    return session.scalar(where.order_by(Merged.id.desc()).limit(1))
