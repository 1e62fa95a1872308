"""What is planned about records of other modules: for their lists, boards and cards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from core import ONE_PLAN, among_parameter, as_parameter, session
from plugins.activities.models import Activity


def has_plan(record_type: str, id_column: Any) -> sa.ColumnElement[bool]:
    """The criterion that something open is about the record whose id stands in ``id_column``."""
    return (
        sa.select(Activity.id)
        .where(Activity.about_type == record_type, Activity.about_id == id_column, Activity.done_at.is_(None))
        .correlate_except(Activity)
        .exists()
    )


@dataclass(frozen=True)
class Plan:
    """What is planned next: just what a card tells of it."""

    kind: str
    subject: str
    due: dt.date | None


def next_plans(record_type: str, ids: Sequence[int]) -> Mapping[int, Plan]:
    """The earliest open activity about each of these records; one query for all, and no record made of any row."""
    if not ids:
        return {}
    postgresql = session.get_bind().dialect.name == "postgresql"
    asked = {"type": record_type, "ids": as_parameter(ids, postgresql=postgresql)}
    rows = session.execute(_next_plans(postgresql=postgresql), asked).all()
    return {about_id: Plan(*told) for about_id, *told in rows}


@cache
def _next_plans(*, postgresql: bool) -> sa.Select[Any]:
    """The statement, which is made once; every board asks it."""
    place = sa.func.row_number().over(
        partition_by=Activity.about_id,
        order_by=(Activity.due.nulls_last(), Activity.due_time.nulls_last(), Activity.id),
    )
    wanted = among_parameter(Activity.about_id, "ids", postgresql=postgresql)
    told = (Activity.about_id, Activity.kind, Activity.subject, Activity.due)
    found = (
        sa.select(*told, place.label("place"))
        .where(Activity.about_type == sa.bindparam("type"), wanted, Activity.done_at.is_(None))
        .subquery()
    )
    columns = (found.c.about_id, found.c.kind, found.c.subject, found.c.due)
    return sa.select(*columns).where(found.c.place == 1).execution_options(**{ONE_PLAN: True})
