"""What a condition means depends on who asks, where and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.accounts.actor import acting
from core.calendars import Calendar
from core.site.reader import preferences


@dataclass(frozen=True)
class Context:
    """The day, the calendar, the time zone (an IANA name) and the user that relative conditions are about.

    ``user_id`` is whom "me" means; with None it is nobody, and matches nothing.
    """

    today: dt.date
    calendar: Calendar = "gregorian"
    timezone: str = "UTC"
    user_id: int | None = None

    def midnight(self, day: dt.date) -> dt.datetime:
        """The moment in UTC at which ``day`` begins."""
        return dt.datetime.combine(day, dt.time(), ZoneInfo(self.timezone)).astimezone(dt.UTC)


def current_context() -> Context:
    """The context of the current actor, as he reads dates, at this moment."""
    chosen = preferences()
    today = dt.datetime.now(ZoneInfo(chosen.timezone)).date()
    return Context(today, chosen.calendar, chosen.timezone, acting().user_id)
