"""Dates in two calendars: reading, writing, months and periods."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.calendars import (
    CALENDARS,
    LOCALES,
    PERIOD_KINDS,
    DateUnreadable,
    NoSuchDay,
    YearOutOfRange,
    add_months,
    days_in_month,
    format_date,
    is_weekend,
    month_bounds,
    month_name,
    month_weeks,
    parse_date,
    period,
    week_of,
    weekday_names,
    year_month_day,
)
from core.text import persian_digits

FIRST, LAST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
a_date = st.dates(FIRST, LAST)
quickly = settings(max_examples=150, deadline=None)
AZAR = dt.date(2026, 11, 22)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_day_from_1900_to_2100_is_read_back_as_it_was_written(calendar: str) -> None:
    for ordinal in range(FIRST.toordinal(), LAST.toordinal() + 1):
        date = dt.date.fromordinal(ordinal)
        assert parse_date(format_date(date, calendar, "en", "short")) == date


@quickly
@given(a_date, st.sampled_from(CALENDARS), st.sampled_from("/-."), st.booleans(), st.booleans())
def test_any_separator_order_and_digits_are_read(
    date: dt.date, calendar: str, separator: str, day_first: bool, persian: bool
) -> None:
    numbers = [str(part) for part in year_month_day(date, calendar)]
    text = separator.join(reversed(numbers) if day_first else numbers)
    assert parse_date(f"\u200f {persian_digits(text) if persian else text}\u200e") == date


@pytest.mark.parametrize(
    "text", ["۱۴۰۵/۰۹/۰۱", "1405-9-1", "١٤٠٥/٩/١", "2026-11-22", "۲۰۲۶/۱۱/۲۲", "1/9/1405", "22.11.2026"]
)
def test_the_year_decides_the_calendar(text: str) -> None:
    assert parse_date(text) == AZAR


def test_1403_is_a_leap_year_and_1404_is_not() -> None:
    assert parse_date("1403/12/30") == dt.date(2025, 3, 20)
    assert days_in_month("jalali", 1403, 12) == 30
    assert days_in_month("jalali", 1404, 12) == 29
    with pytest.raises(NoSuchDay):
        parse_date("1404/12/30")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("banana", DateUnreadable),
        ("", DateUnreadable),
        ("99/1/1", DateUnreadable),
        ("1405/9", DateUnreadable),
        ("1405/9/1 10:00", DateUnreadable),
        ("1650/1/1", YearOutOfRange),
        ("9999/1/1", YearOutOfRange),
        ("1405/13/1", NoSuchDay),
        ("1405/7/31", NoSuchDay),
        ("2026-02-29", NoSuchDay),
        ("2026-00-10", NoSuchDay),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(text: str, error: type[ValueError]) -> None:
    with pytest.raises(error):
        parse_date(text)


@quickly
@given(st.text(max_size=30))
def test_any_text_gives_a_date_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse_date(text), dt.date)


@pytest.mark.parametrize(
    ("calendar", "language", "style", "text"),
    [
        ("jalali", "fa", "short", "1405/09/01"),
        ("jalali", "fa", "medium", "1 آذر 1405"),
        ("jalali", "fa", "full", "یکشنبه 1 آذر 1405"),
        ("jalali", "fa", "month", "آذر 1405"),
        ("jalali", "en", "medium", "1 Azar 1405"),
        ("jalali", "en", "full", "Sunday, 1 Azar 1405"),
        ("gregorian", "en", "short", "2026-11-22"),
        ("gregorian", "en", "medium", "Nov 22, 2026"),
        ("gregorian", "en", "month", "November 2026"),
        ("gregorian", "fa", "medium", "22 نوامبر 2026"),
    ],
)
def test_a_date_is_written_in_the_calendar_and_the_language(
    calendar: str, language: str, style: str, text: str
) -> None:
    assert format_date(AZAR, calendar, language, style) == text


def test_a_date_before_the_jalali_calendar_is_still_shown() -> None:
    assert format_date(dt.date(500, 1, 2), "jalali", "fa", "short") == "0500-01-02"


def test_a_week_begins_on_saturday_in_jalali_and_on_monday_in_gregorian() -> None:
    assert weekday_names("jalali", "fa")[0] == "شنبه"
    assert weekday_names("gregorian", "en")[0] == "Monday"
    assert period("this_week", "jalali", AZAR) == (dt.date(2026, 11, 21), dt.date(2026, 11, 27))
    assert period("this_week", "gregorian", AZAR) == (dt.date(2026, 11, 16), AZAR)


@pytest.mark.parametrize(
    ("kind", "calendar", "first", "last"),
    [
        ("this_month", "jalali", (2026, 11, 22), (2026, 12, 21)),
        ("last_month", "jalali", (2026, 10, 23), (2026, 11, 21)),
        ("this_month", "gregorian", (2026, 11, 1), (2026, 11, 30)),
        ("this_quarter", "jalali", (2026, 9, 23), (2026, 12, 21)),
        ("next_quarter", "gregorian", (2027, 1, 1), (2027, 3, 31)),
        ("this_year", "jalali", (2026, 3, 21), (2027, 3, 20)),
        ("last_year", "gregorian", (2025, 1, 1), (2025, 12, 31)),
        ("tomorrow", "jalali", (2026, 11, 23), (2026, 11, 23)),
    ],
)
def test_a_period_follows_the_calendar(
    kind: str, calendar: str, first: tuple[int, int, int], last: tuple[int, int, int]
) -> None:
    assert period(kind, calendar, AZAR) == (dt.date(*first), dt.date(*last))


@quickly
@given(a_date, st.sampled_from(CALENDARS), st.sampled_from(["week", "month", "quarter", "year"]))
def test_last_this_and_next_meet_without_a_gap(today: dt.date, calendar: str, unit: str) -> None:
    last, this, following = (period(f"{step}_{unit}", calendar, today) for step in ("last", "this", "next"))
    assert this.first <= today <= this.last
    assert last.last + dt.timedelta(days=1) == this.first
    assert this.last + dt.timedelta(days=1) == following.first


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown period"):
        period("this_century", "jalali", AZAR)
    with pytest.raises(ValueError, match="unknown period"):
        period("banana", "jalali", AZAR)
    assert len(PERIOD_KINDS) == 15


@quickly
@given(a_date, st.sampled_from(CALENDARS), st.integers(-50, 50))
def test_adding_months_lands_in_the_right_month(date: dt.date, calendar: str, months: int) -> None:
    year, month, day = year_month_day(date, calendar)
    later_year, later_month, later_day = year_month_day(add_months(date, months, calendar), calendar)
    assert later_year * 12 + later_month == year * 12 + month + months
    assert later_day == min(day, days_in_month(calendar, later_year, later_month))


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("language", LOCALES)
def test_twelve_months_have_twelve_names(calendar: str, language: str) -> None:
    assert len({month_name(calendar, month, language) for month in range(1, 13)}) == 12


def test_month_bounds_are_the_first_and_the_last_day() -> None:
    assert month_bounds("jalali", 1403, 12) == (dt.date(2025, 2, 19), dt.date(2025, 3, 20))
    with pytest.raises(ValueError, match="month"):
        month_bounds("jalali", 1403, 13)


@given(a_date, st.sampled_from(CALENDARS))
def test_the_weeks_of_a_month_hold_each_of_its_days_once_and_begin_right(date, calendar):
    year, month, _day = year_month_day(date, calendar)
    weeks = month_weeks(calendar, year, month)
    days = [day for week in weeks for day in week]
    inside = [day for day in days if year_month_day(day, calendar)[:2] == (year, month)]

    numbers = [year_month_day(day, calendar)[2] for day in inside]
    assert numbers == list(range(1, days_in_month(calendar, year, month) + 1))
    assert all(later - day == dt.timedelta(days=1) for day, later in zip(days, days[1:], strict=False))
    assert 4 <= len(weeks) <= 6
    first = {"jalali": 5, "gregorian": 0}[calendar]
    assert all(len(week) == 7 and week[0].weekday() == first for week in weeks)
    # No week without a day of the month.
    assert set(weeks[0]) & set(inside)
    assert set(weeks[-1]) & set(inside)


@given(a_date, st.sampled_from(CALENDARS))
def test_a_week_holds_its_day_and_ends_with_its_weekend(date, calendar):
    first, last = week_of(date, calendar)

    assert first <= date <= last == first + dt.timedelta(days=6)
    assert is_weekend(last, calendar)
    assert not is_weekend(first, calendar)
    names = weekday_names(calendar, "en")
    assert (names[0], names[-1]) == {"jalali": ("Saturday", "Friday"), "gregorian": ("Monday", "Sunday")}[calendar]
