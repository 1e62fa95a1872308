"""What somebody has to do: overdue, today, in the days to come, and what was done today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import joinedload

from core import Record, acting, current_site, may, reader_day, reader_today, session
from plugins.activities.about import records_about
from plugins.activities.models import ICONS, KINDS, OUTCOMES, Activity

AHEAD = dt.timedelta(days=7)
COUNTED = 100  # more is said as "99+"

OVERDUE, TODAY, UPCOMING, UNDATED, DONE_TODAY = "overdue", "today", "upcoming", "undated", "done"
GROUPS = (OVERDUE, TODAY, UPCOMING, UNDATED, DONE_TODAY)
# How many of each group the card of the home page has room for.
ON_CARD = {OVERDUE: 5, TODAY: 7, UPCOMING: 4, DONE_TODAY: 3}


@dataclass(frozen=True)
class Line:
    """An activity as a row shows it."""

    id: int
    subject: str
    icon: str
    kind: str
    url: str
    about: str
    about_url: str
    due: dt.date | None
    due_time: str
    late: bool
    is_high: bool
    is_open: bool
    outcome: str
    color: str
    may_edit: bool


def mine(group: str, limit: int, offset: int = 0) -> Sequence[Activity]:
    """The activities of the current actor in one of ``GROUPS``, in the order in which they are due."""
    statement = _of_group(sa.select(Activity), group).options(joinedload(Activity.assignee))
    if group == DONE_TODAY:
        statement = statement.order_by(Activity.done_at.desc(), Activity.id.desc())
    elif group == UNDATED:
        statement = statement.order_by(Activity.id.desc())
    else:
        statement = statement.order_by(Activity.due, Activity.due_time.nulls_last(), Activity.id)
    return session.scalars(statement.limit(limit).offset(offset)).all()


def count(group: str) -> int:
    """How many there are in a group, ``COUNTED`` at most."""
    some = _of_group(sa.select(Activity.id), group).limit(COUNTED).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _of_group(statement: Any, group: str) -> Any:
    today = reader_today()
    statement = statement.where(Activity.assignee_id == acting().user_id)
    if group == DONE_TODAY:
        start, end = reader_day(today)
        return statement.where(Activity.done_at >= start, Activity.done_at < end)
    statement = statement.where(Activity.done_at.is_(None))
    if group == OVERDUE:
        return statement.where(Activity.due < today)
    if group == TODAY:
        return statement.where(Activity.due == today)
    if group == UPCOMING:
        return statement.where(Activity.due > today)
    return statement.where(Activity.due.is_(None))


def lines(activities: Iterable[Activity]) -> list[Line]:
    """``activities`` as rows; what they are about costs one query for each type of record."""
    activities = list(activities)
    found = records_about(activities)
    today = reader_today()
    return [_line(activity, found.get(activity.id), today) for activity in activities]


def _line(activity: Activity, subject: Record | None, today: dt.date) -> Line:
    outcome = next((option for option in OUTCOMES if option.code == activity.outcome), None)
    return Line(
        id=activity.id,
        subject=activity.subject,
        icon=ICONS.get(activity.kind, "checklist"),
        kind=str(next((option.label for option in KINDS if option.code == activity.kind), activity.kind)),
        url=url_for("activities_activity.details_view", id=activity.id),
        about=str(subject) if subject is not None else "",
        about_url=url_of(subject) if subject is not None else "",
        due=activity.due,
        due_time=activity.due_time or "",
        late=activity.is_open and activity.due is not None and activity.due < today,
        is_high=activity.priority == "high",
        is_open=activity.is_open,
        outcome=str(outcome.label) if outcome is not None else "",
        color=outcome.color if outcome is not None else "gray",
        may_edit=may("activities.activity.edit", activity),
    )


def url_of(record: Record) -> str:
    """The address of a record's page, empty where its type has none."""
    screen = current_site().screens.get(record.__record_type__)
    return url_for(f"{screen.endpoint}.details_view", id=record.id) if screen is not None else ""


def my_day_card() -> dict[str, Any]:
    """The card of the home page."""
    today = reader_today()
    groups = {name: mine(name, limit) for name, limit in ON_CARD.items()}
    groups[UPCOMING] = [found for found in groups[UPCOMING] if found.due is not None and found.due <= today + AHEAD]
    rows = iter(lines([activity for found in groups.values() for activity in found]))
    return {
        "groups": {name: [next(rows) for _activity in found] for name, found in groups.items()},
        # Only what the card has no room for must be counted.
        "counts": {
            name: count(name) if len(groups[name]) == ON_CARD[name] else len(groups[name]) for name in (OVERDUE, TODAY)
        },
        "counted": COUNTED,
        "all_url": url_for("activities.mine"),
        "new_url": url_for("activities_activity.create_view", due=today.isoformat(), url=url_for("home.page"))
        if may("activities.activity.create")
        else None,
    }
