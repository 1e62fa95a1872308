"""The periods that reports group by, in both calendars."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendars import CALENDARS, UNITS, Calendar, Unit, period, periods_around, quarter_of, year_month_day

DAYS = st.dates(dt.date(1925, 1, 1), dt.date(2095, 12, 31))


@given(st.sampled_from(UNITS), st.sampled_from(CALENDARS), DAYS, st.integers(0, 14), st.integers(0, 14))
def test_periods_follow_each_other_and_hold_today(
    unit: Unit, calendar: Calendar, today: dt.date, before: int, after: int
) -> None:
    found = periods_around(unit, calendar, today, before, after)
    assert len(found) == before + 1 + after
    assert found[before].first <= today <= found[before].last
    assert found[before] == period(f"this_{unit}", calendar, today)
    for one, next_one in zip(found, found[1:], strict=False):
        assert next_one.first - one.last == dt.timedelta(days=1)


@given(st.sampled_from(("month", "quarter", "year")), st.sampled_from(CALENDARS), DAYS)
def test_a_period_begins_with_a_month_of_its_calendar(unit: Unit, calendar: Calendar, today: dt.date) -> None:
    for one in periods_around(unit, calendar, today, 3, 3):
        _year, month, day = year_month_day(one.first, calendar)
        assert day == 1
        assert month == 1 if unit == "year" else (month - 1) % {"month": 1, "quarter": 3}[unit] == 0


@pytest.mark.parametrize(
    ("day", "calendar", "quarter"),
    [
        (dt.date(2026, 3, 20), "jalali", (1404, 4)),
        (dt.date(2026, 3, 21), "jalali", (1405, 1)),
        (dt.date(2026, 3, 31), "gregorian", (2026, 1)),
    ],
)
def test_a_quarter_is_one_of_its_calendar(day: dt.date, calendar: Calendar, quarter: tuple[int, int]) -> None:
    assert quarter_of(day, calendar) == quarter
