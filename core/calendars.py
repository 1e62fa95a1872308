"""Dates as people read and write them, in the Gregorian and the Jalali (Solar Hijri) calendar.

Pure: no Flask, no request, no digits of a language (``core.text.persian_digits`` does those). Dates are stored as
``datetime.date``; a calendar is only a way to show them, and a period ("this month") is always asked for here, because
a Jalali month is not a month of the database.
"""

import datetime as dt
import re
from calendar import monthrange
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from babel import dates
from persiantools.jdatetime import MONTH_NAMES_EN, MONTH_NAMES_FA, JalaliDate

from core.text import clean, latin_digits

Calendar = Literal["gregorian", "jalali"]
Language = Literal["en", "fa"]
Style = Literal["short", "medium", "full", "month"]
PeriodKind = Literal[
    "yesterday", "today", "tomorrow",
    "last_week", "this_week", "next_week",
    "last_month", "this_month", "next_month",
    "last_quarter", "this_quarter", "next_quarter",
    "last_year", "this_year", "next_year",
]  # fmt: skip

Unit = Literal["week", "month", "quarter", "year"]

CALENDARS: tuple[Calendar, ...] = get_args(Calendar)
UNITS: tuple[Unit, ...] = get_args(Unit)
PERIOD_KINDS: tuple[PeriodKind, ...] = get_args(PeriodKind)
LOCALES: dict[Language, str] = {"en": "en", "fa": "fa_IR"}
"""Language to locale. ``fa_IR`` and not ``fa``: only the former starts its week on Saturday."""
UNICODE_NAMES: dict[Calendar, str] = {"gregorian": "gregory", "jalali": "persian"}
"""Calendar to its Unicode (LDML) name, which browsers use."""

_jalali: Any = JalaliDate  # its constructor carries no annotations

JALALI_YEARS = range(1200, 1600)
GREGORIAN_YEARS = range(1700, 3000)
# The first day of year 1; an older date has no Jalali name and is shown as a Gregorian one.
_JALALI_EPOCH: dt.date = _jalali(1, 1, 1).to_gregorian()
_FIRST_WEEKDAY: dict[Calendar, int] = {"gregorian": 0, "jalali": 5}  # as date.weekday(): Monday is 0, Saturday 5
_WEEKEND: dict[Calendar, frozenset[int]] = {"gregorian": frozenset({5, 6}), "jalali": frozenset({4})}
_STEPS = {"last": -1, "this": 0, "next": 1}
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}

_YEAR_FIRST = re.compile(r"([0-9]{4})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{4})")


class DateUnreadable(ValueError):
    """The text is not three numbers of a date."""


class YearOutOfRange(ValueError):
    """The year is in neither calendar's range, so the date cannot be told."""


class NoSuchDay(ValueError):
    """The calendar has no such month or day, for example 1404/12/30."""


class Period(NamedTuple):
    """A run of days; both ``first`` and ``last`` belong to it."""

    first: dt.date
    last: dt.date


def parse_date(text: str) -> dt.date:
    """Read a date typed in either calendar: year/month/day or day/month/year, with any of ``/ - .`` and any digits.

    The year decides the calendar whatever the language: 1200–1599 is Jalali, 1700–2999 Gregorian. Bidi marks are
    ignored.

    Raises DateUnreadable, YearOutOfRange or NoSuchDay, all of them ValueErrors.
    """
    plain = latin_digits(clean(text)).strip()
    if match := _YEAR_FIRST.fullmatch(plain):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(plain):
        day, month, year = (int(part) for part in match.groups())
    else:
        raise DateUnreadable(f"{text[:40]!r} is not a date: year/month/day or day/month/year is expected")
    if year not in JALALI_YEARS and year not in GREGORIAN_YEARS:
        raise YearOutOfRange(f"year {year} is neither Jalali (1200–1599) nor Gregorian (1700–2999)")
    calendar: Calendar = "jalali" if year in JALALI_YEARS else "gregorian"
    try:
        return date_of(calendar, year, month, day)
    except ValueError as error:
        raise NoSuchDay(f"the {calendar} calendar has no day {year}/{month}/{day}") from error


def date_of(calendar: Calendar, year: int, month: int, day: int) -> dt.date:
    """Return the date of a day named in ``calendar``. Raises ValueError where there is no such day."""
    if calendar == "jalali":
        date: dt.date = _jalali(year, month, day).to_gregorian()
        return date
    return dt.date(year, month, day)


def year_month_day(date: dt.date, calendar: Calendar) -> tuple[int, int, int]:
    """Return year, month and day of ``date`` in ``calendar``. Raises ValueError for a Jalali date before year 1."""
    if calendar == "jalali":
        jalali = _jalali(date)
        return jalali.year, jalali.month, jalali.day
    return date.year, date.month, date.day


def days_in_month(calendar: Calendar, year: int, month: int) -> int:
    """Return how many days the month has. Raises ValueError for a month outside 1–12."""
    if calendar == "jalali":
        return JalaliDate.days_in_month(month, year)
    return monthrange(year, month)[1]


def month_name(calendar: Calendar, month: int, language: Language) -> str:
    """Return the full name of a month (1–12)."""
    if calendar == "jalali":
        return str((MONTH_NAMES_FA if language == "fa" else MONTH_NAMES_EN)[month])
    return str(dates.get_month_names("wide", context="stand-alone", locale=LOCALES[language])[month])


def weekday_names(calendar: Calendar, language: Language, *, width: str = "wide") -> list[str]:
    """Return the seven day names in the order of the calendar's week; ``width`` is wide, abbreviated or narrow."""
    names = dates.get_day_names(width, context="stand-alone", locale=LOCALES[language])  # type: ignore[arg-type]
    return [str(names[(_FIRST_WEEKDAY[calendar] + n) % 7]) for n in range(7)]


@lru_cache(maxsize=4096)
def format_date(date: dt.date, calendar: Calendar, language: Language, style: Style = "medium") -> str:
    """Return ``date`` as text with Latin digits.

    Styles: ``short`` (1405/09/01, 2026-11-22: what a date field shows and accepts), ``medium`` (1 Azar 1405),
    ``full`` (with the weekday), ``month`` (Azar 1405). A date older than the Jalali calendar is shown as Gregorian.
    """
    if calendar == "jalali" and date >= _JALALI_EPOCH:
        year, month, day = year_month_day(date, calendar)
        if style == "short":
            return f"{year:04d}/{month:02d}/{day:02d}"
        named = f"{month_name(calendar, month, language)} {year}"
        if style == "month":
            return named
        if style == "medium":
            return f"{day} {named}"
        weekday = dates.format_date(date, "EEEE", locale=LOCALES[language])
        return f"{weekday} {day} {named}" if language == "fa" else f"{weekday}, {day} {named}"
    if style == "short":
        return date.isoformat()
    if style == "month":
        return f"{month_name('gregorian', date.month, language)} {date.year}"
    return str(dates.format_date(date, style, locale=LOCALES[language]))


def month_bounds(calendar: Calendar, year: int, month: int) -> Period:
    """Return the first and the last day of a month of ``calendar``. Raises ValueError for a month outside 1–12."""
    first = date_of(calendar, year, month, 1)
    return Period(first, date_of(calendar, year, month, days_in_month(calendar, year, month)))


def week_of(date: dt.date, calendar: Calendar) -> Period:
    """Return the week of ``date``: from Saturday in the Jalali calendar, from Monday in the Gregorian."""
    first = date - dt.timedelta(days=(date.weekday() - _FIRST_WEEKDAY[calendar]) % 7)
    return Period(first, first + dt.timedelta(days=6))


def is_weekend(date: dt.date, calendar: Calendar) -> bool:
    """Return whether people rest on ``date``: Friday in the Jalali calendar, Saturday and Sunday in the Gregorian."""
    return date.weekday() in _WEEKEND[calendar]


def month_weeks(calendar: Calendar, year: int, month: int) -> list[list[dt.date]]:
    """Return the whole weeks that hold a month, days of its neighbours included."""
    first, last = month_bounds(calendar, year, month)
    start, end = week_of(first, calendar).first, week_of(last, calendar).last
    days = [start + dt.timedelta(days=number) for number in range((end - start).days + 1)]
    return [days[number : number + 7] for number in range(0, len(days), 7)]


def add_months(date: dt.date, months: int, calendar: Calendar) -> dt.date:
    """Return the same day ``months`` later in ``calendar``, or the month's last day where it has no such day."""
    year, month, day = year_month_day(date, calendar)
    years, month0 = divmod(month - 1 + months, 12)
    return date_of(calendar, year + years, month0 + 1, min(day, days_in_month(calendar, year + years, month0 + 1)))


def period(kind: PeriodKind, calendar: Calendar, today: dt.date) -> Period:
    """Return the days of "this month", "last quarter", ... as seen from ``today``.

    A week begins on Saturday in the Jalali calendar and on Monday in the Gregorian; a quarter is three months of the
    calendar's own year. Raises ValueError for an unknown kind.
    """
    if kind in _DAYS:
        day = today + dt.timedelta(days=_DAYS[kind])
        return Period(day, day)
    step_name, _, unit = kind.partition("_")
    if kind not in PERIOD_KINDS:
        raise ValueError(f"unknown period {kind!r}")
    step = _STEPS[step_name]
    if unit == "week":
        return week_of(today + dt.timedelta(weeks=step), calendar)
    length = {"month": 1, "quarter": 3, "year": 12}[unit]
    year, month, _day = year_month_day(today, calendar)
    begin = date_of(calendar, year, (month - 1) // length * length + 1, 1)
    first = add_months(begin, step * length, calendar)
    return Period(first, add_months(first, length, calendar) - dt.timedelta(days=1))


def periods_around(unit: Unit, calendar: Calendar, today: dt.date, before: int, after: int) -> list[Period]:
    """Return whole weeks, months, quarters or years one after the other: ``before`` of them, the one that ``today`` is
    in, and ``after`` more."""
    this = period(f"this_{unit}", calendar, today)  # type: ignore[arg-type]
    if unit == "week":
        starts = [this.first + dt.timedelta(weeks=step) for step in range(-before, after + 2)]
    else:
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        starts = [add_months(this.first, months * step, calendar) for step in range(-before, after + 2)]
    return [Period(first, next_ - dt.timedelta(days=1)) for first, next_ in zip(starts, starts[1:], strict=False)]


def quarter_of(date: dt.date, calendar: Calendar) -> tuple[int, int]:
    """Return the year of ``calendar`` that ``date`` is in, and which of its quarters, counted from 1."""
    year, month, _day = year_month_day(date, calendar)
    return year, (month - 1) // 3 + 1
