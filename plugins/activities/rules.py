"""What is true of every activity that is stored, whichever door it came through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from core import User, ValidationError, acting, latin_digits, now, session
from plugins.activities.about import record_about
from plugins.activities.models import OUTCOMES_OF, TASK, Activity

LONGEST = 7 * 24 * 60  # minutes
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.٫]?([0-5][0-9])")

Changes = Mapping[str, tuple[Any, Any]]


def settle(activity: Activity, changes: Changes) -> None:
    """Bring an activity in order that is about to be saved.

    Raises:
        ValidationError: it may not be saved like this; one sentence per field.
    """
    with session.no_autoflush:
        new = activity.id is None
        if activity.due_time:
            activity.due_time = clock_time(activity.due_time)
        errors = dict(_problems(activity, changes, new=new))
        if errors:
            raise ValidationError(**errors)
        _keep_in_step(activity, changes, new=new)
        if "reminder_at" in changes and activity.reminded_at is not None:
            activity.reminded_at = None
        if "due" in changes and activity.overdue_told_at is not None:
            activity.overdue_told_at = None
        if new and activity.assignee is None and activity.assignee_id is None and acting().user_id is not None:
            # Not only the key: where a form said that nobody is chosen, the link would empty it again.
            activity.assignee = session.get(User, acting().user_id)


def _keep_in_step(activity: Activity, changes: Changes, *, new: bool) -> None:
    """What has an outcome was done at some moment, and the other way round."""
    if activity.outcome is not None:
        activity.done_at = activity.done_at or now()
    elif activity.done_at is not None and ("outcome" not in changes or new):
        activity.outcome = outcomes_of(activity.kind)[0]
    else:
        activity.done_at = None


def clock_time(text: str) -> str:
    """A time of day as it is stored, HH:MM, out of what people type: 9:05, 0905, ۱۴:۳۰.

    Raises:
        ValidationError: on ``due_time``.
    """
    match = _CLOCK.fullmatch(latin_digits(text).strip())
    if match is None:
        raise ValidationError(due_time=_("Write hours and minutes, such as 14:30."))
    return f"{int(match[1]):02d}:{match[2]}"


def outcomes_of(kind: str | None) -> tuple[str, ...]:
    """The codes of what may come of an activity of this kind."""
    return OUTCOMES_OF.get(kind or TASK, OUTCOMES_OF[TASK])


def _problems(activity: Activity, changes: Changes, *, new: bool) -> Any:
    if activity.due_time and activity.due is None:
        yield "due", _("A time needs a day.")
    if activity.duration is not None and not 0 < activity.duration <= LONGEST:
        yield "duration", _("Write a number of minutes, a week at most.")
    if activity.outcome is not None and activity.outcome not in outcomes_of(activity.kind):
        yield "outcome", _("This cannot come of an activity of this kind.")
    if activity.previous is not None and activity.previous is activity:
        yield "previous", _("Nothing follows on itself.")
    if activity.assignee is not None and "assignee" in changes and not _can_work(activity.assignee):
        yield "assignee", _("This person cannot sign in.")
    if (activity.about_type is None) != (activity.about_id is None):
        yield "about_type", _("The kind and the number of a record go together.")
    elif activity.about_type is not None and (new or {"about_type", "about_id"} & set(changes)):
        known = record_about(activity.about_type, activity.about_id) is not None
        yield from () if known else (("about_type", _("There is no such record.")),)


def _can_work(user: User) -> bool:
    return bool(user.active)
