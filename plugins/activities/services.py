"""Verbs on activities. Rights, history and events follow when the session writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy.orm import object_session

from core import Record, User, ValidationError, acting, now, session
from plugins.activities.models import CALL, CANCELLED, KINDS, TASK, Activity
from plugins.activities.rules import outcomes_of

FOLLOW_UP = dt.timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """What to do after an activity is done; what is left empty is taken from that activity."""

    due: dt.date
    subject: str = ""
    kind: str = ""
    due_time: str | None = None
    assignee: User | None = None


def suggest_next(activity: Activity, today: dt.date) -> NextStep:
    """The follow-up that is offered: the same again in three days."""
    kind = activity.kind if activity.kind in (TASK, CALL) else TASK
    return NextStep(due=today + FOLLOW_UP, subject=activity.subject, kind=kind)


def complete(
    activity: Activity, outcome: str | None = None, note: str | None = None, next_step: NextStep | None = None
) -> Activity | None:
    """Say what came of ``activity``, and plan what comes next.

    Args:
        activity: an open activity; one that is done gets another outcome and keeps the moment it was done.
        outcome: one of ``rules.outcomes_of(activity.kind)``; by default that it went well.
        note: what was said or agreed; added to the note that is there.
        next_step: what follows, or None.

    Returns:
        The activity that follows, added to the session.
    """
    activity.outcome = outcome or outcomes_of(activity.kind)[0]
    activity.done_at = activity.done_at or now()
    if note and note.strip():
        activity.note = "\n".join(text for text in (activity.note, note.strip()) if text)
    return follow_up(activity, next_step) if next_step is not None else None


def follow_up(activity: Activity, step: NextStep) -> Activity:
    """Plan ``step`` after ``activity``, about the same record."""
    made = Activity(
        kind=step.kind or activity.kind,
        subject=step.subject.strip() or activity.subject,
        due=step.due,
        due_time=step.due_time,
        assignee_id=step.assignee.id if step.assignee is not None else activity.assignee_id,
        priority=activity.priority,
        about_type=activity.about_type,
        about_id=activity.about_id,
        previous=activity,
    )
    (object_session(activity) or session).add(made)
    return made


def plan(record: Record | None, kind: str, subject: str, due: dt.date | None, **values: object) -> Activity:
    """A new activity about ``record``, added to the session; ``values`` are further fields."""
    made = Activity(kind=kind, subject=subject.strip() or label_of_kind(kind), due=due, **values)
    _put_about(made, record)
    session.add(made)
    return made


def log(
    record: Record | None,
    kind: str,
    outcome: str,
    note: str = "",
    *,
    subject: str = "",
    next_step: NextStep | None = None,
) -> Activity:
    """Write down something that was just done, and plan what comes next.

    Raises:
        ValidationError: it did not take place, so there is nothing to log.
    """
    if outcome == CANCELLED:
        raise ValidationError(outcome=_("What was cancelled did not take place."))
    made = Activity(kind=kind, subject=subject.strip() or label_of_kind(kind), due=None, assignee_id=acting().user_id)
    _put_about(made, record)
    session.add(made)
    complete(made, outcome, note, next_step)
    return made


def reschedule(activity: Activity, due: dt.date, due_time: str | None = None) -> None:
    """Move an open activity to another day; its reminder moves by as much. Without ``due_time`` the time stays.

    Raises:
        ValidationError: it is done.
    """
    if not activity.is_open:
        raise ValidationError(due=_("It is done already. Reopen it first."))
    if activity.reminder_at is not None and activity.due is not None:
        activity.reminder_at += due - activity.due
    activity.due = due
    if due_time is not None:
        activity.due_time = due_time or None


def postpone(activities: Iterable[Activity], due: dt.date) -> int:
    """Move those of ``activities`` that are open to another day; how many that were."""
    moved = 0
    for activity in activities:
        if activity.is_open:
            reschedule(activity, due)
            moved += 1
    return moved


def reopen(activity: Activity) -> None:
    """Take back that ``activity`` is done."""
    activity.outcome = None
    activity.done_at = None


def label_of_kind(kind: str) -> str:
    """What an activity of this kind is called, in the reader's language."""
    return str(next((option.label for option in KINDS if option.code == kind), kind))


def _put_about(activity: Activity, record: Record | None) -> None:
    if record is not None:
        activity.about_type, activity.about_id = record.__record_type__, record.id
