"""A list in groups, with the counts and sums of each, and the totals of the whole.

Months are those of the reader's calendar, so they are told apart by their first days and not by a function of the
database. Both read every record of the list; past ``PATIENCE`` they give up and say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.calendars import add_months, month_bounds, year_month_day
from core.database.limits import time_limit
from core.database.types import MINOR_UNITS, UtcDateTime
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.narrowing import narrowed
from core.records.order import order_of
from core.site.formats import format_local_date, format_money, format_number, reader_day
from core.site.reader import preferences

if TYPE_CHECKING:
    from core.admin.list_query import ListQuery, ListRequest
    from core.parts import Screen

PATIENCE = 2.0  # seconds
MOST_GROUPS = 100
MOST_MONTHS = 600
NUMBERS = ("money", "integer", "decimal")
MONTH, YEAR = "month", "year"


@dataclass(frozen=True)
class Grouping:
    """A field to group by; ``step`` is ``month`` or ``year`` for dates."""

    field: Field
    step: str = ""

    @property
    def name(self) -> str:
        """How addresses call it."""
        return f"{self.field.name}:{self.step}" if self.step else self.field.name

    @property
    def label(self) -> str:
        """How people call it."""
        if not self.step:
            return str(self.field.label)
        return str(_("%(field)s, by month", field=self.field.label) if self.step == MONTH
                   else _("%(field)s, by year", field=self.field.label))  # fmt: skip


@dataclass(frozen=True)
class Group:
    """The records with one value: how many, their sums by column, and the condition that finds them."""

    label: str
    count: int
    sums: Mapping[str, str]
    tree: Mapping[str, Any]


class Groupings:
    """What lists of one record type can be grouped by."""

    def __init__(self, record_type: RecordType, names: Sequence[str]) -> None:
        fields = [record_type.fields[name] for name in names if name in record_type.fields]
        every: list[Grouping] = []
        for field in fields:
            if field.kind in ("choice", "link", "boolean"):
                every.append(Grouping(field))
            elif field.kind in ("date", "datetime"):
                every += [Grouping(field, MONTH), Grouping(field, YEAR)]
        self.every = tuple(every)

    def find(self, name: str) -> Grouping | None:
        """The grouping called ``name``, or None."""
        return next((entry for entry in self.every if entry.name == name), None)


def groups_of(
    session: Session, query: ListQuery, asked: ListRequest, grouping: Grouping, numbers: Sequence[Field]
) -> list[Group]:
    """The groups of a list, empty ones left out, at most ``MOST_GROUPS``.

    Raises:
        TooSlow: there are too many records to be grouped now.
    """
    with time_limit(session, PATIENCE):
        if grouping.step:
            return _by_period(session, query, asked, grouping, numbers)
        return _by_value(session, query, asked, grouping, numbers)


def totals_of(session: Session, query: ListQuery, asked: ListRequest, numbers: Sequence[Field]) -> dict[str, str]:
    """The sum of each number column of the whole list, and for plain numbers the average, as text.

    Raises:
        TooSlow: there are too many records to be added up now.
    """
    columns = [part for field in numbers for part in (_sum(query, field), _average(query, field))]
    currencies = _currencies(query, numbers)
    with time_limit(session, PATIENCE):
        rows = _rows(session, query, asked, [*currencies, *columns], currencies)
    found: dict[str, str] = {}
    for place, field in enumerate(numbers):
        start = len(currencies) + 2 * place
        sums = [_amount(field, row[start], row[0] if currencies else None) for row in rows if row[start] is not None]
        if field.kind != "money" and rows and rows[0][start + 1] is not None and not currencies:
            average = format_number(Decimal(str(rows[0][start + 1])).quantize(Decimal("0.01")))
            found[field.name] = str(_("%(sum)s, average %(average)s", sum=sums[0], average=average))
        elif sums:
            found[field.name] = str(_(" + ")).join(sums)
    return found


def _by_value(
    session: Session, query: ListQuery, asked: ListRequest, grouping: Grouping, numbers: Sequence[Field]
) -> list[Group]:
    field = grouping.field
    key = sa.inspect(query.model).get_property_by_column(field.column).key if field.kind == "link" else field.name
    column = getattr(query.model, key)
    counted = _counted(session, query, asked, column, numbers)
    names = _names(session, field, [value for value in counted if value is not None])
    groups = []
    for value, (count, sums) in counted.items():
        tree = {"field": field.name, "op": "empty"} if value is None else {
            "field": field.name, "op": "eq", "value": value}  # fmt: skip
        groups.append((_rank(field, value, names), Group(names.get(value, str(_("Nothing"))), count, sums, tree)))
    return [group for _order, group in sorted(groups, key=lambda pair: pair[0])][:MOST_GROUPS]


def _rank(field: Field, value: Any, names: Mapping[Any, str]) -> tuple[bool, Any]:
    """Choices and links in their own order, and nothing last."""
    if field.kind == "boolean":
        return value is None, names.get(value, "")
    keys = [option.code for option in field.options] if field.kind == "choice" else list(names)
    return value is None, keys.index(value) if value in keys else len(keys)


def _names(session: Session, field: Field, values: Sequence[Any]) -> dict[Any, str]:
    if field.kind == "boolean":
        return {True: str(_("Yes")), False: str(_("No"))}
    if field.kind == "choice":
        return {option.code: str(option.label) for option in field.options} | {
            value: str(value) for value in values if field.option(value) is None
        }
    target: Any = field.target
    statement = sa.select(target).where(target.id.in_(values[:MOST_GROUPS])).order_by(order_of(target, target))
    if target is not User:
        statement = statement.execution_options(include_archived=True)
    found = {row.id: str(row) for row in session.scalars(statement).unique()}
    return found | {value: str(_("Hidden")) for value in values if value not in found}


def _by_period(
    session: Session, query: ListQuery, asked: ListRequest, grouping: Grouping, numbers: Sequence[Field]
) -> list[Group]:
    column = getattr(query.model, grouping.field.name)
    timed = isinstance(grouping.field.column.type, UtcDateTime)
    edges = narrowed(query.matching(asked), query.model).with_only_columns(sa.func.min(column), sa.func.max(column))
    low, high = session.execute(edges).one()
    starts = _starts(_day(low), _day(high), grouping.step) if low is not None else []
    bounds = [reader_day(day)[0] if timed else day for day in starts]
    last = len(bounds) - 1
    place = sa.case(
        (column.is_(None), -1), *((column < bound, number) for number, bound in enumerate(bounds[1:])), else_=last
    ) if bounds else sa.literal(-1)  # fmt: skip
    counted = _counted(session, query, asked, place, numbers)
    groups = []
    for number in sorted(counted, key=lambda entry: (entry == -1, -entry)):
        count, sums = counted[number]
        if number == -1:
            tree: dict[str, Any] = {"field": grouping.field.name, "op": "empty"}
            groups.append(Group(str(_("Nothing")), count, sums, tree))
            continue
        first = starts[number]
        end = _next(first, grouping.step) - dt.timedelta(days=1)
        tree = {"field": grouping.field.name, "op": "between", "value": [first.isoformat(), end.isoformat()]}
        groups.append(Group(_period_label(first, grouping.step), count, sums, tree))
    return groups[:MOST_GROUPS]


def _day(value: Any) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value


def _starts(low: dt.date, high: dt.date, step: str) -> list[dt.date]:
    """The first days of the reader's months or years from ``low`` to ``high``, a day of grace at either end."""
    calendar = preferences().calendar
    year, month, _day_of_month = year_month_day(low - dt.timedelta(days=1), calendar)
    first = month_bounds(calendar, year, month if step == MONTH else 1)[0]
    found = [first]
    while found[-1] <= high and len(found) < MOST_MONTHS:
        found.append(_next(found[-1], step))
    return found


def _next(first: dt.date, step: str) -> dt.date:
    return add_months(first, 1 if step == MONTH else 12, preferences().calendar)


def _period_label(first: dt.date, step: str) -> str:
    if step == MONTH:
        return format_local_date(first, "month")
    return format_number(year_month_day(first, preferences().calendar)[0]).replace(",", "").replace("٬", "")


def _counted(
    session: Session, query: ListQuery, asked: ListRequest, key: Any, numbers: Sequence[Field]
) -> dict[Any, tuple[int, dict[str, str]]]:
    """Key to the number of records and the sums of its columns."""
    currencies = _currencies(query, numbers)
    key = key.label("group_key")
    columns = [key, *currencies, sa.func.count(), *(_sum(query, field) for field in numbers)]
    rows = _rows(session, query, asked, columns, [key, *currencies])
    counts: dict[Any, int] = {}
    sums: dict[Any, dict[str, list[str]]] = {}
    for row in rows:
        value, currency = row[0], row[1] if currencies else None
        counts[value] = counts.get(value, 0) + row[1 + len(currencies)]
        for field, amount in zip(numbers, row[2 + len(currencies) :], strict=True):
            if amount is not None:
                sums.setdefault(value, {}).setdefault(field.name, []).append(_amount(field, amount, currency))
    joined = str(_(" + "))
    return {
        value: (count, {name: joined.join(words) for name, words in sums.get(value, {}).items()})
        for value, count in counts.items()
    }


def _rows(
    session: Session, query: ListQuery, asked: ListRequest, columns: Sequence[Any], keys: Sequence[Any]
) -> Sequence[Any]:
    statement = narrowed(query.matching(asked), query.model).with_only_columns(*columns)
    return session.execute(statement.group_by(*keys) if keys else statement).all()


def _number(query: ListQuery, field: Field) -> Any:
    return getattr(query.model, field.name)


def _sum(query: ListQuery, field: Field) -> Any:
    column = _number(query, field)
    # Hundredths are added up as whole numbers, so the sum is exact on both databases.
    return sa.func.sum(sa.type_coerce(column, sa.BigInteger) if field.kind == "money" else column)


def _average(query: ListQuery, field: Field) -> Any:
    return sa.null() if field.kind == "money" else sa.func.avg(_number(query, field))


def _currencies(query: ListQuery, numbers: Sequence[Field]) -> list[Any]:
    names = {field.currency for field in numbers if field.kind == "money" and field.currency}
    return [getattr(query.model, name) for name in sorted(names)][:1]


def _amount(field: Field, value: Any, currency: str | None) -> str:
    if field.kind == "money":
        return format_money(Decimal(int(value)) / MINOR_UNITS, currency)
    return format_number(Decimal(str(value)).quantize(Decimal("0.01")) if field.kind == "decimal" else int(value))


def number_fields(screen: Screen, record_type: RecordType, columns: Sequence[str]) -> list[Field]:
    """The number fields among the columns of a list; a probability is not added up."""
    if screen.board is not None:
        columns = [name for name in columns if name != screen.board.probability]
    fields = [record_type.fields[name] for name in columns if name in record_type.fields]
    return [field for field in fields if field.kind in NUMBERS and not field.managed]

