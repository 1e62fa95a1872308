"""Filters of a list, by kind of field.

A filter is called ``<field>__<operation>`` in addresses, so that a saved one outlives new columns and other languages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_admin.model.filters import BaseFilter
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.accounts.models import User
from core.admin.formatters import plain
from core.admin.ids import read_id
from core.admin.lookup import OFFERED, Lookup
from core.calendars import PeriodKind, parse_date, period
from core.database.types import parse_amount
from core.parts import Label
from core.records.catalog import RecordType
from core.records.fields import Field
from core.site.formats import format_digits, format_number, reader_today
from core.site.reader import preferences
from core.text import clean, latin_digits

Criterion = sa.ColumnElement[bool]
Options = Sequence[tuple[str, Label]]

ME = "me"
PERIODS: Mapping[PeriodKind, Label] = {
    "today": _l("Today"),
    "yesterday": _l("Yesterday"),
    "tomorrow": _l("Tomorrow"),
    "this_week": _l("This week"),
    "last_week": _l("Last week"),
    "next_week": _l("Next week"),
    "this_month": _l("This month"),
    "last_month": _l("Last month"),
    "next_month": _l("Next month"),
    "this_quarter": _l("This quarter"),
    "this_year": _l("This year"),
    "last_year": _l("Last year"),
}
_YES_NO: Options = (("1", _l("Yes")), ("0", _l("No")))


@dataclass(frozen=True)
class Operation:
    """One way to filter by a field: ``parse`` reads the typed value, ``test`` makes the criterion of it."""

    name: str
    label: Label
    parse: Callable[[Field, str], Any]
    test: Callable[[Any, Any], Criterion]
    options: Callable[[Field], Options] | None = None
    data_type: str | None = None


class FieldFilter(BaseFilter):  # type: ignore[misc]
    """A filter of Flask-Admin's list over one field of the Catalog."""

    def __init__(self, record_type: RecordType, field: Field, operation: Operation) -> None:
        super().__init__(field.label, data_type=operation.data_type)
        self.arg = f"{field.name}__{operation.name}"
        self.record_type = record_type
        self.field = field
        self._operation = operation

    def operation(self) -> Label:
        """The words between field and value."""
        return self._operation.label

    def get_options(self, view: Any) -> Options | None:
        """The values to choose from, or None when one is typed."""
        return self._operation.options(self.field) if self._operation.options else None

    def clean(self, value: str) -> Any:
        """The value of what was typed. Raises ValueError."""
        return self._operation.parse(self.field, value)

    def apply(self, query: Any, value: str) -> Any:
        """``query`` narrowed to the rows that match."""
        return query.where(self._operation.test(self._attribute(), self.clean(value)))

    def shown(self, value: str) -> str:
        """The text of ``value`` on the chip of an active filter."""
        options = self.get_options(None)
        if options is not None:
            return str(dict(options).get(value, value))
        cleaned = self.clean(value)
        if isinstance(cleaned, dt.date):
            return plain(Field(name="", label="", kind="date"), cleaned)
        return format_digits(value) if isinstance(cleaned, str) else format_number(cleaned)

    def _attribute(self) -> Any:
        model = self.record_type.model
        if self.field.kind == "link":
            return getattr(model, sa.inspect(model).get_property_by_column(self.field.column).key)
        return getattr(model, self.field.name)


def filters_of(record_type: RecordType, names: Iterable[str]) -> list[FieldFilter]:
    """The filters of the named fields, in the order of the names.

    Raises:
        UnknownField: the record type has no such field.
    """
    fields = [record_type.field(name) for name in names]
    return [
        FieldFilter(record_type, field, operation)
        for field in fields
        for operation in OPERATIONS.get(field.kind, ())
    ]


def _text(_field: Field, value: str) -> str:
    text = clean(value).strip()
    if not text:
        raise ValueError("Nothing to look for.")
    return text[:400]


def _phone_digits(_field: Field, value: str) -> str:
    digits = "".join(sign for sign in latin_digits(value) if sign in "0123456789").lstrip("0")
    if not digits:
        raise ValueError("No digits.")
    return digits


def _number(_field: Field, value: str) -> Any:
    return parse_amount(value)


def _day(_field: Field, value: str) -> dt.date:
    return parse_date(value)


def _period(_field: Field, value: str) -> Any:
    kind = next((kind for kind in PERIODS if kind == value), None)
    if kind is None:
        raise ValueError("No such period.")
    return period(kind, preferences().calendar, reader_today())


def _yes(_field: Field, value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("Yes or no.")
    return value == "1"


def _code(field: Field, value: str) -> str:
    if field.option(value) is None:
        raise ValueError("No such option.")
    return value


def _linked(field: Field, value: str) -> int | None:
    if value == ME and field.target is User:
        return acting().user_id
    number = read_id(value)
    if number is None:
        raise ValueError("No such record.")
    return number


def _empty_text(column: Any, empty: bool) -> Criterion:
    nothing = sa.or_(column.is_(None), column == "")
    return nothing if empty else sa.not_(nothing)


def _empty(column: Any, empty: bool) -> Criterion:
    criterion: Criterion = column.is_(None) if empty else column.is_not(None)
    return criterion


def midnight(day: dt.date) -> dt.datetime:
    """The moment in UTC at which ``day`` begins for the reader."""
    return dt.datetime.combine(day, dt.time(), ZoneInfo(preferences().timezone)).astimezone(dt.UTC)


def _next_midnight(day: dt.date) -> dt.datetime:
    return midnight(day + dt.timedelta(days=1))


def _choices(field: Field) -> Options:
    return [(option.code, option.label) for option in field.options]


def _targets(field: Field) -> Options:
    rows = Lookup(field.name, field.target).find(limit=OFFERED) if field.target else []
    me = [(ME, _l("Me"))] if field.target is User else []
    return [*me, *((str(row.id), str(row)) for row in rows)]


def _periods(_field: Field) -> Options:
    return list(PERIODS.items())


_EMPTY = Operation("empty", _l("is empty"), _yes, _empty, lambda _field: _YES_NO)
_CONTAINS = Operation("contains", _l("contains"), _text, lambda column, text: column.icontains(text, autoescape=True))
_TEXT = (
    _CONTAINS,
    Operation("starts", _l("begins with"), _text, lambda column, text: column.istartswith(text, autoescape=True)),
    Operation("eq", _l("is exactly"), _text, lambda column, text: sa.func.lower(column) == text.lower()),
    Operation("empty", _l("is empty"), _yes, _empty_text, lambda _field: _YES_NO),
)
_NUMBERS = (
    Operation("ge", _l("is at least"), _number, lambda column, number: column >= number),
    Operation("le", _l("is at most"), _number, lambda column, number: column <= number),
    Operation("eq", _l("is exactly"), _number, lambda column, number: column == number),
    _EMPTY,
)
OPERATIONS: Mapping[str, tuple[Operation, ...]] = {
    "text": _TEXT,
    "long_text": (_CONTAINS, _TEXT[-1]),
    "email": _TEXT,
    "url": _TEXT,
    "phone": (
        Operation("contains", _l("contains"), _phone_digits, lambda column, text: column.contains(text)),
        _TEXT[-1],
    ),
    "integer": _NUMBERS,
    "decimal": _NUMBERS,
    "money": _NUMBERS,
    "date": (
        Operation("ge", _l("is on or after"), _day, lambda column, day: column >= day, data_type="nv-date"),
        Operation("le", _l("is on or before"), _day, lambda column, day: column <= day, data_type="nv-date"),
        Operation("in", _l("is in"), _period, lambda column, days: column.between(*days), _periods),
        _EMPTY,
    ),
    "datetime": (
        Operation("ge", _l("is on or after"), _day, lambda column, day: column >= midnight(day), data_type="nv-date"),
        Operation(
            "le", _l("is on or before"), _day, lambda column, day: column < _next_midnight(day), data_type="nv-date"
        ),
        Operation(
            "in",
            _l("is in"),
            _period,
            lambda column, days: sa.and_(column >= midnight(days[0]), column < _next_midnight(days[1])),
            _periods,
        ),
        _EMPTY,
    ),
    "choice": (
        Operation("eq", _l("is"), _code, lambda column, code: column == code, _choices),
        Operation(
            "ne", _l("is not"), _code, lambda column, code: sa.or_(column != code, column.is_(None)), _choices
        ),
        _EMPTY,
    ),
    "boolean": (
        Operation("eq", _l("is"), _yes, lambda column, yes: column.is_(yes), lambda _field: _YES_NO),
    ),
    "link": (
        Operation("eq", _l("is"), _linked, lambda column, number: column == number, _targets),
        _EMPTY,
    ),
    "links": (
        Operation("eq", _l("has"), _linked, lambda relation, number: relation.any(id=number), _targets),
        Operation(
            "empty",
            _l("is empty"),
            _yes,
            lambda relation, empty: sa.not_(relation.any()) if empty else relation.any(),
            lambda _field: _YES_NO,
        ),
    ),
}
