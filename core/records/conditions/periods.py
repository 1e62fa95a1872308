"""Days and periods of a condition: fixed ones, and ones that move with today.

A day is a date in either calendar, ``today``, ``today+7`` or ``today-30``. A period is one of
``core.calendars.PERIOD_KINDS`` or a run of days up to or from today, which always holds today itself:
``last_7_days``, ``next_2_weeks``, ``last_3_months``. Months and longer are those of the reader's calendar.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from core.calendars import PERIOD_KINDS, Period, add_months, parse_date, period
from core.records.conditions.context import Context
from core.text import clean, latin_digits

# A hundred years, so that no sum leaves what a date can hold.
FARTHEST = {"days": 36_500, "weeks": 5_200, "months": 1_200}
# In an address that somebody wrote by hand a plus arrives as a space.
_RELATIVE = re.compile("today(?:([+ -])([0-9]{1,5}))?")
_RUN = re.compile("(last|next)_([0-9]{1,5})_(days|weeks|months)")
_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class RelativeDay:
    """So many days after today, or before it."""

    offset: int

    def __str__(self) -> str:
        return f"today{self.offset:+d}" if self.offset else "today"


@dataclass(frozen=True)
class Run:
    """So many days, weeks or months that end with today (``last``) or begin with it (``next``)."""

    direction: str
    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.direction}_{self.number}_{self.unit}"


Day = dt.date | RelativeDay
Span = str | Run
"""The name of a period of the calendar, or a run of days."""


def read_day(text: str) -> Day:
    """The day written in ``text``.

    Raises:
        ValueError: it is no day, or farther than a hundred years from today.
    """
    plain = latin_digits(clean(text)).strip()
    match = _RELATIVE.fullmatch(plain)
    if match is None:
        return parse_date(plain)
    offset = int(match[2] or 0)
    if offset > FARTHEST["days"]:
        raise ValueError("At most a hundred years from today.")
    return RelativeDay(-offset if match[1] == "-" else offset)


def read_span(text: str) -> Span:
    """The period named in ``text``.

    Raises:
        ValueError: there is no such period, or it is longer than a hundred years.
    """
    plain = latin_digits(clean(text)).strip()
    if plain in PERIOD_KINDS:
        return plain
    match = _RUN.fullmatch(plain)
    if match is None:
        raise ValueError("No such period.")
    number = int(match[2])
    if not 1 <= number <= FARTHEST[match[3]]:
        raise ValueError("Between one day and a hundred years.")
    return Run(match[1], number, match[3])


def day_of(day: Day, context: Context) -> dt.date:
    """The date of ``day`` as seen from today."""
    return context.today + dt.timedelta(days=day.offset) if isinstance(day, RelativeDay) else day


def days_of(span: Span, context: Context) -> Period:
    """The first and the last day of ``span`` as seen from today, in the reader's calendar."""
    today = context.today
    if not isinstance(span, Run):
        kind = next(kind for kind in PERIOD_KINDS if kind == span)
        return period(kind, context.calendar, today)
    sign = -1 if span.direction == "last" else 1
    if span.unit == "months":
        far = add_months(today, sign * span.number, context.calendar) - sign * _ONE_DAY
    else:
        days = span.number * (7 if span.unit == "weeks" else 1)
        far = today + sign * dt.timedelta(days=days - 1)
    return Period(min(far, today), max(far, today))


def bounds(operator: str, value: Any, context: Context) -> tuple[dt.date | None, dt.date | None]:
    """The half-open run of days that a comparison means: the first day in it, and the first one after it.

    None is no bound on that side. Every comparison of dates goes through here, so that both evaluators agree.

    Args:
        operator: ``eq``, ``gt``, ``ge``, ``lt``, ``le``, ``between`` or ``within``.
        value: a Day, a pair of them, or a Span for ``within``.
        context: where "today" is.
    """
    if operator == "within":
        first, last = days_of(value, context)
        return first, last + _ONE_DAY
    if operator == "between":
        low, high = (day_of(day, context) for day in value)
        return low, high + _ONE_DAY
    day = day_of(value, context)
    return {
        "eq": (day, day + _ONE_DAY),
        "ge": (day, None),
        "gt": (day + _ONE_DAY, None),
        "lt": (None, day),
        "le": (None, day + _ONE_DAY),
    }[operator]
