"""What is planned about records of other modules: for their lists, boards and cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from core import session
from plugins.activities.models import Activity


def has_plan(record_type: str, id_column: Any) -> sa.ColumnElement[bool]:
    """The criterion that something open is about the record whose id stands in ``id_column``."""
    return (
        sa.select(Activity.id)
        .where(Activity.about_type == record_type, Activity.about_id == id_column, Activity.done_at.is_(None))
        .correlate_except(Activity)
        .exists()
    )


def next_plans(record_type: str, ids: Sequence[int]) -> Mapping[int, Activity]:
    """The earliest open activity about each of these records; one query for all."""
    if not ids:
        return {}
    place = sa.func.row_number().over(
        partition_by=Activity.about_id,
        order_by=(Activity.due.nulls_last(), Activity.due_time.nulls_last(), Activity.id),
    )
    first = (
        sa.select(Activity.id, place.label("place"))
        .where(Activity.about_type == record_type, Activity.about_id.in_(ids), Activity.done_at.is_(None))
        .subquery()
    )
    found = session.scalars(sa.select(Activity).join(first, first.c.id == Activity.id).where(first.c.place == 1))
    return {activity.about_id: activity for activity in found if activity.about_id is not None}
