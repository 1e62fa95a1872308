"""What a calendar shows: the records of the visible days, as many of each day as there is room for, in two queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import calendars
from core.accounts.models import User
from core.admin.list_query import loader
from core.calendars import Calendar, Period
from core.database.types import Color
from core.records.catalog import RecordType
from core.records.conditions.context import current_context
from core.records.fields import MANAGED, Field
from core.site.formats import to_reader_time

Mode = Literal["month", "week", "day", "agenda"]
ROOM: dict[Mode, int] = {"month": 4, "week": 25, "day": 200, "agenda": 25}  # entries of one day that are shown
COUNTED = 200  # entries of one day that are counted; past that it says "200+"
SPARSE = 2_000  # entries in sight up to which one walk over all days tells everything
AGENDA_DAYS = 30


@dataclass
class Day:
    """A day with its first entries. ``count`` is how many there are, at most ``COUNTED``."""

    date: dt.date
    count: int = 0
    entries: list[Any] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many entries there is no room for."""
        return self.count - len(self.entries)


def date_fields(record_type: RecordType) -> dict[str, Field]:
    """The fields that put records on a calendar: days and moments, except those the gate keeps."""
    return {
        name: entry
        for name, entry in record_type.fields.items()
        if entry.kind in ("date", "datetime") and name not in MANAGED
    }


def color_fields(record_type: RecordType) -> dict[str, Field]:
    """The fields that can colour entries: choices, colours, and links to records that have a colour."""
    return {name: entry for name, entry in record_type.fields.items() if _has_color(entry)}


def _has_color(entry: Field) -> bool:
    if entry.kind == "link" and entry.target is not None and entry.target is not User:
        return "color" in sa.inspect(entry.target).column_attrs
    return entry.kind in ("choice", "color")


def color_of(entry: Field | None, record: Any) -> str:
    """The colour of a record's entry; gray where it has none."""
    value = getattr(record, entry.name) if entry is not None else None
    if value is None or entry is None:
        return "gray"
    if entry.kind == "choice":
        option = entry.option(value)
        value = option.color if option is not None else "gray"
    elif entry.kind == "link":
        value = value.color
    return value if value in Color.NAMES else "gray"


def visible(mode: Mode, at: dt.date, calendar: Calendar) -> Period:
    """The days that are shown around ``at``."""
    if mode == "month":
        year, month, _day = calendars.year_month_day(at, calendar)
        weeks = calendars.month_weeks(calendar, year, month)
        return Period(weeks[0][0], weeks[-1][-1])
    if mode == "week":
        return calendars.week_of(at, calendar)
    return Period(at, at + dt.timedelta(days=AGENDA_DAYS - 1)) if mode == "agenda" else Period(at, at)


def step(mode: Mode, at: dt.date, by: int, calendar: Calendar) -> dt.date:
    """The same place a month, a week, a day or a stretch of the agenda later."""
    if mode == "month":
        return calendars.add_months(at, by, calendar)
    return at + dt.timedelta(days=by * {"week": 7, "day": 1, "agenda": AGENDA_DAYS}[mode])


class CalendarQuery:
    """The entries of one date field.

    Args:
        record_type: what the entries are.
        on: the field that says when.
        color: the field that colours them, if any.
    """

    def __init__(self, record_type: RecordType, on: Field, color: Field | None) -> None:
        self.model: Any = record_type.model
        self.on = on
        self.color = color
        self.column: Any = getattr(self.model, on.name)

    def day_of(self, record: Any) -> dt.date:
        """The day on which the reader sees ``record``."""
        return self._day(getattr(record, self.on.name))

    def _day(self, value: Any) -> dt.date:
        day: dt.date = to_reader_time(value).date() if self.on.kind == "datetime" else value
        return day

    def on_day(self, day: dt.date) -> sa.ColumnElement[bool]:
        """The criterion of lying on the reader's ``day``."""
        first, after = self._bounds(day)
        return sa.and_(self.column >= first, self.column < after)

    def _bounds(self, day: dt.date) -> tuple[Any, Any]:
        """Where ``day`` begins and the next one does. A day of the reader may have 23 or 25 hours in the database."""
        after = day + dt.timedelta(days=1)
        if self.on.kind == "date":
            return day, after
        midnight = current_context().midnight
        return midnight(day), midnight(after)

    def days(self, session: Session, matching: sa.Select[Any], period: Period, room: int) -> list[Day]:
        """The days of ``period`` with their first ``room`` entries."""
        count = (period.last - period.first).days + 1
        days = {date: Day(date) for date in (period.first + dt.timedelta(days=n) for n in range(count))}
        chosen: dict[int, dt.date] = {}
        for record_id, value in self._in_sight(session, matching, list(days)):
            day = days[self._day(value)]
            day.count = min(day.count + 1, COUNTED)
            if day.count <= room:
                chosen[record_id] = day.date
        self._load(session, days, list(chosen))
        return list(days.values())

    def _in_sight(self, session: Session, matching: sa.Select[Any], days: Sequence[dt.date]) -> Sequence[Any]:
        """Id and value of the entries of ``days`` in their order; of a crowded day the first ``COUNTED``.

        Usually one walk over all days finds them. Where they are crowded each day becomes a short walk of its own along
        the field's index, so that a day with ten thousand records costs no more than one with two hundred.
        """
        after, before = self._bounds(days[0])[0], self._bounds(days[-1])[1]
        whole = matching.where(self.column >= after, self.column < before)
        pair = whole.with_only_columns(self.model.id, self.column, maintain_column_froms=True)
        found = session.execute(pair.order_by(self.column, self.model.id).limit(SPARSE + 1)).all()
        if len(found) <= SPARSE:
            return found
        parts = [self._first(matching.where(self.on_day(date))) for date in days]
        ids = sa.union_all(*parts) if len(parts) > 1 else parts[0]
        statement: Any = sa.select(self.model.id, self.column).where(self.model.id.in_(ids))
        rows: Sequence[Any] = session.execute(statement.order_by(self.column, self.model.id)).all()
        return rows

    def _first(self, matching: sa.Select[Any]) -> sa.Select[tuple[int]]:
        some = matching.order_by(self.column, self.model.id).limit(COUNTED)
        part = some.with_only_columns(self.model.id, maintain_column_froms=True).subquery()
        return sa.select(part.c.id)

    def _load(self, session: Session, days: dict[dt.date, Day], ids: Sequence[int]) -> None:
        if not ids:
            return
        statement = sa.select(self.model).where(self.model.id.in_(ids)).order_by(self.column, self.model.id)
        if self.color is not None and self.color.is_link:
            statement = statement.options(loader(self.model, self.color))
        for record in session.scalars(statement).unique():
            days[self.day_of(record)].entries.append(record)
