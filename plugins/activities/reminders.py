"""Telling people of what is due: at the moment they asked for, and when it was not done in time.

Both are found by an index of what is open, in bounded batches, every minute; that nobody is told twice is the key's
doing, so a run that is cut off may be repeated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from core import (
    NotificationType,
    User,
    as_system,
    format_digits,
    format_local_date,
    notify,
    now,
    preferences,
    reading_as,
    session,
)
from plugins.activities.about import OWN_TYPE
from plugins.activities.models import Activity

REMIND = "activities.remind"
REMINDER, OVERDUE = "activities.reminder", "activities.overdue"
BATCH = 200
# What was due before that is no news; an import of old tasks must not fill anybody's inbox.
OLDEST = dt.timedelta(days=7)


def _due(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The day and the time in the reader's calendar and digits."""
    day = format_local_date(dt.date.fromisoformat(data["due"])) if data.get("due") else ""
    return {"due": " ".join(part for part in (day, format_digits(data.get("due_time"))) if part)}


TYPES = (
    NotificationType(
        name=REMINDER,
        label=_l("A reminder you asked for"),
        texts={"": _l("Remember: “%(record)s”"), "due": _l("Remember: “%(record)s”, due %(due)s")},
        icon="clock",
        prepare=_due,
    ),
    NotificationType(
        name=OVERDUE,
        label=_l("An activity of yours is overdue"),
        texts={"": _l("“%(record)s” was due %(due)s.")},
        icon="alert-triangle",
        prepare=_due,
    ),
)


def remind(progress: Any) -> int:
    """The job: remind people of what they asked to be reminded of, and of what is overdue. Returns how many rows."""
    with as_system("remind"):
        return _reminders(now()) + _overdue(now())


def _reminders(moment: dt.datetime) -> int:
    due = (
        sa.select(Activity)
        .where(Activity.reminder_at <= moment, Activity.done_at.is_(None), Activity.reminded_at.is_(None))
        .order_by(Activity.reminder_at)
        .limit(BATCH)
    )
    activities = session.scalars(due).all()
    told = 0
    for activity in activities:
        assert activity.reminder_at is not None, "the query asks for it"
        if activity.assignee_id is not None and activity.reminder_at > moment - OLDEST:
            key = f"reminder-{activity.id}-{activity.reminder_at.isoformat()}"
            told += _tell(activity, REMINDER, key, "due" if activity.due else "")
    _mark(activities, reminded_at=moment)
    return told


def _overdue(moment: dt.datetime) -> int:
    """Tell those whose day is over; a day ends at the assignee's own midnight."""
    # In no time zone is it a later day than fourteen hours from now.
    latest = (moment + dt.timedelta(hours=14)).date()
    open_ = (Activity.done_at.is_(None), Activity.assignee_id.is_not(None), Activity.overdue_told_at.is_(None))
    candidates = (
        sa.select(Activity)
        .where(*open_, Activity.due >= (moment - OLDEST).date(), Activity.due < latest)
        .order_by(Activity.due, Activity.id)
        .limit(BATCH)
    )
    rows = session.scalars(candidates).all()
    today = _todays({row.assignee_id for row in rows if row.assignee_id is not None}, moment)
    # Whoever cannot sign in any more is told nothing, and does not keep the others waiting.
    late = [row for row in rows if row.due is not None and row.due < today.get(row.assignee_id or 0, latest)]
    told = 0
    for row in late:
        assert row.due is not None, "what is late has a day"
        told += _tell(row, OVERDUE, f"overdue-{row.id}-{row.due.isoformat()}", "")
    _mark(late, overdue_told_at=moment)
    return told


def _mark(activities: Sequence[Activity], **values: dt.datetime) -> None:
    """Note that somebody was told, past the unit of work: it is no change of the record, and no new version of it."""
    if activities:
        session.execute(
            sa.update(Activity)
            .where(Activity.id.in_([activity.id for activity in activities]))
            .values(updated_at=Activity.updated_at, **values)
            .execution_options(synchronize_session=False)
        )


def _todays(ids: Iterable[int], moment: dt.datetime) -> dict[int, dt.date]:
    """The day it is where each of these people is."""
    days = {}
    for user in session.scalars(sa.select(User).where(User.id.in_(list(ids)), User.active)):
        with reading_as(user):
            days[user.id] = moment.astimezone(ZoneInfo(preferences().timezone)).date()
    return days


def _tell(activity: Activity, type_: str, key: str, text: str) -> int:
    data = {"due": activity.due.isoformat() if activity.due else None, "due_time": activity.due_time}
    assert activity.assignee_id is not None, "somebody has to do it"
    return notify(session, [activity.assignee_id], type_, key=key, text=text, record=(OWN_TYPE, activity.id), data=data)
