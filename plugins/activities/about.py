"""The records that activities are about: looked up one type at a time, and hidden together with their activities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask import g

from core import Actor, Record, current_site, find_records, row_criterion, session
from plugins.activities.models import Activity

OWN_TYPE = "activities.activity"


def model_named(record_type: str | None) -> type[Record] | None:
    """The class of a record type that is on and that an activity can be about, or None."""
    catalog = current_site().catalog
    if not record_type or record_type == OWN_TYPE or record_type not in catalog:
        return None
    return catalog.find(record_type).model


def record_about(record_type: str | None, record_id: int | None) -> Record | None:
    """The record of this type and id, if the actor may see it."""
    model = model_named(record_type)
    if model is None or record_id is None:
        return None
    return session.scalars(sa.select(model).where(model.id == record_id)).unique().one_or_none()


def records_about(activities: Iterable[Activity]) -> Mapping[int, Record]:
    """What each activity is about, by the activity's id: one query for each type of record."""
    keys = {
        activity.id: (activity.about_type, activity.about_id)
        for activity in activities
        if activity.about_type and activity.about_id is not None
    }
    found = find_records(session, keys.values())
    return {number: found[key] for number, key in keys.items() if key in found}


def visible_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The criterion that hides activities about records which ``actor`` may not see.

    It is asked for at every query of a page, so it is made once for each.
    """
    kept: dict[Actor, Any] = g.setdefault("_activities_visible", {})
    if actor not in kept:
        kept[actor] = _visible()
    return kept[actor]


def _visible() -> sa.ColumnElement[bool]:
    free: list[str] = []
    narrowed = []
    for record_type in current_site().catalog:
        if record_type.name == OWN_TYPE:
            continue
        criterion = row_criterion(record_type.model)
        if criterion is None:
            free.append(record_type.name)
        elif not isinstance(criterion, sa.False_):
            narrowed.append(_sees_one_of(record_type.model, criterion))
    return sa.or_(_about_free(tuple(free)), *narrowed) if narrowed else _about_free(tuple(free))


@lru_cache(maxsize=64)
def _about_free(types: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """About nothing, or about a record of a type of which everything is seen. Most people see these same types."""
    return sa.or_(Activity.about_type.is_(None), Activity.about_type.in_(types))


def _sees_one_of(model: Any, criterion: Any) -> sa.ColumnElement[bool]:
    """About a record of ``model`` that fits ``criterion``: looked up by its key, row by row."""
    one = sa.select(sa.literal(1)).select_from(model).where(model.id == Activity.about_id, criterion)
    return sa.and_(Activity.about_type == model.__record_type__, one.correlate_except(model).exists())
