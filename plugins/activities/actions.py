"""What can be done with chosen activities of a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core import Action, format_number, reader_today
from plugins.activities.models import Activity
from plugins.activities.services import complete, postpone


def _postpone(days: int) -> Callable[[Sequence[Activity]], str]:
    """Move the chosen activities to so many days from today."""

    def run(activities: Sequence[Activity]) -> str:
        moved = postpone(activities, reader_today() + dt.timedelta(days=days))
        count = format_number(moved)
        return str(ngettext("%(count)s activity was moved.", "%(count)s activities were moved.", moved, count=count))

    return run


def _complete(activities: Sequence[Activity]) -> str:
    """Tick off those of the chosen activities that are open."""
    still_open = [activity for activity in activities if activity.is_open]
    for activity in still_open:
        complete(activity)
    done = len(still_open)
    count = format_number(done)
    return str(ngettext("%(count)s activity is done.", "%(count)s activities are done.", done, count=count))


ACTIONS = (
    Action(name="complete", label=_l("Mark as done"), run=_complete),
    Action(name="today", label=_l("Move to today"), run=_postpone(0)),
    Action(name="tomorrow", label=_l("Move to tomorrow"), run=_postpone(1)),
    Action(name="next_week", label=_l("Move by a week"), run=_postpone(7)),
)
