"""The figures of a report: one grouped query over the records that the actor may see.

A date is grouped by periods of the reader's calendar. The database knows no Jalali month, so it is given the first
day of every period and tells into which a record falls; the same holds for moments, whose days begin at the reader's
midnight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.calendars import Period, periods_around
from core.database.types import MINOR_UNITS
from core.parts import Report
from core.records.conditions import current_context
from core.records.fields import Field
from core.reports.definition import DATES, Source
from core.site.formats import reader_today
from core.site.reader import preferences

MOST_GROUPS = 60  # groups of a report; the smaller ones are one line, "Others"
SPANS = {"past": (11, 0), "around": (5, 6), "future": (0, 11)}
YEARS = 4  # of a report by years
NO_CURRENCY = ""
# PostgreSQL takes an expression with values in it for another one each time, so groups go by its name.
PERIOD = "report_period"


@dataclass(frozen=True)
class Row:
    """The figures of one group, one split and one currency. ``filled`` counts the records whose number is not empty."""

    group: Any
    split: Any
    currency: str
    count: int
    filled: int
    total: Decimal


def periods_of(report: Report, origin: Source) -> list[Period]:
    """The periods a report by a date is about; none for others."""
    field = origin.groups.get(report.group)
    if field is None or field.kind not in DATES:
        return []
    before, after = SPANS[report.span]
    if report.every == "year":
        before, after = min(before, YEARS), min(after, YEARS)
    return periods_around(report.every, preferences().calendar, reader_today(), before, after)  # type: ignore[arg-type]


def statement(report: Report, origin: Source) -> sa.Select[Any]:
    """The query of a report that was checked.

    Raises:
        ValidationError: a filter is unknown to the list by now.
    """
    view, model = origin.view, origin.view.model
    group = _key(origin, report.group, periods_of(report, origin))
    split = _key(origin, report.split, [])
    number = origin.numbers.get(report.number) if report.measure != "count" else None
    currency = getattr(model, number.currency) if number is not None and number.currency else sa.literal(NO_CURRENCY)
    keys = [
        sa.literal_column(PERIOD) if isinstance(key, sa.Label) else key
        for key in (group, split, currency)
        if not isinstance(key, sa.BindParameter)
    ]
    statement = view.query.matching(origin.asked(report)).with_only_columns(
        group, split, currency, sa.func.count(model.id), *_sums(report, model, number), maintain_column_froms=True
    )
    return statement.group_by(*keys)


def _sums(report: Report, model: Any, number: Field | None) -> tuple[Any, Any]:
    """SQL for how many records have the number, and for its sum."""
    if number is None:
        return sa.literal(0), sa.literal(0)
    column = getattr(model, number.name)
    # Whole hundredths, so that sums are exact on every database.
    plain = sa.type_coerce(column, sa.BigInteger) if number.kind == "money" else column
    if report.measure == "weighted":
        plain = plain * sa.func.coalesce(getattr(model, report.weight), 0)
    return sa.func.count(column), sa.func.sum(plain)


def _key(origin: Source, name: str, periods: Sequence[Period]) -> Any:
    """SQL for the group that a record is in."""
    if not name:
        return sa.literal("")
    model, field = origin.view.model, origin.groups[name]
    if field.kind == "link":
        return getattr(model, sa.inspect(model).get_property_by_column(field.column).key)
    column = getattr(model, name)
    if not periods:
        return column
    starts = [period.first for period in periods] + [periods[-1].last + dt.timedelta(days=1)]
    midnight = current_context().midnight
    limits: list[Any] = [midnight(day) for day in starts] if field.kind == "datetime" else list(starts)
    # One number per period: -1 is earlier and the count of periods later.
    cases: list[tuple[Any, Any]] = [(column.is_(None), sa.literal_column("NULL"))]
    cases += [(column < limit, sa.literal_column(str(place - 1))) for place, limit in enumerate(limits)]
    return sa.case(*cases, else_=sa.literal_column(str(len(periods)))).label(PERIOD)


def count(session: Session, report: Report, origin: Source) -> list[Row]:
    """The figures, counted now."""
    return [rows_of(report, origin, tuple(row)) for row in session.execute(statement(report, origin))]


def rows_of(report: Report, origin: Source, row: tuple[Any, ...]) -> Row:
    """A row of the query, or of what was kept of it, with its sum in major units."""
    group, split, currency, counted, filled, total = row
    number = origin.numbers.get(report.number)
    amount = Decimal(str(total or 0))
    if number is not None and number.kind == "money":
        amount /= MINOR_UNITS
    if report.measure == "weighted":
        amount /= 100
    return Row(group, split, currency or NO_CURRENCY, int(counted), int(filled or 0), amount)
