"""Values as JSON has them, in both directions.

    text, choice, …    "Shiraz"                     integer, boolean    7, true
    date               "2026-11-27"                 datetime            "2026-11-27T06:30:00+00:00"
    money, decimal     "12500000.00"                link                {"id": 7, "name": "Karimi & Sons"}
    links              [{"id": 3, "name": "VIP"}]   children            [{"id": 9, "label": "mobile", "number": "+98…"}]

Only what JSON cannot say is read here: dates, amounts, links. Everything else goes to the record as it came, and is
cleaned and checked where what people type is checked (``core.records.validation``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core.admin.children import ROWS_LIMIT
from core.admin.ids import LARGEST
from core.admin.lookup import Lookup
from core.errors import NotUnderstood, ValidationError
from core.records.audit import plain
from core.records.fields import Field
from core.resources.fields import parts_of

TEXTS = frozenset({"text", "long_text", "email", "url", "phone", "choice", "color"})
LARGEST_AMOUNT = Decimal(10) ** 15
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def told(field: Field, record: Any) -> Any:
    """The value of ``field`` as a program reads it; a link to what the actor may not see is empty."""
    value = getattr(record, field.name)
    if field.kind == "children":
        parts = parts_of(field)
        return [{"id": row.id} | {name: plain(getattr(row, name)) for name in parts} for row in value]
    return plain(value)


def read(field: Field, value: Any, record: Any) -> Any:
    """What ``record`` holds in ``field`` when a program sends ``value``.

    Raises:
        ValueError: a sentence about what is expected instead.
        ValidationError: the same for the rows of a ``children`` field, by their place.
        NotUnderstood: a row has something that is no field of it.
    """
    if field.kind == "children":
        return _rows(field, value, getattr(record, field.name))
    if field.kind == "links":
        return _linked(field, _list(value), list(getattr(record, field.name)))
    if field.kind == "link":
        present = getattr(record, field.name)
        return None if value is None else _linked(field, [value], [] if present is None else [present])[0]
    return _plain(field, value)


def _plain(field: Field, value: Any) -> Any:
    if value is None and field.column is not None and not field.column.nullable:
        if field.kind in TEXTS:
            return ""  # as a form sends what was left empty
        raise ValueError(_("This field is required."))
    return None if value is None else _READERS[field.kind](field, value)


def _text(_field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(_("A text is expected."))
    return value


def _integer(_field: Field, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(_("A whole number is expected."))
    return value


def _boolean(_field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_("Either true or false is expected."))
    return value


def _number(field: Field, value: Any) -> Any:
    number = None
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        number = Decimal(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
    if number is None or not number.is_finite():
        raise ValueError(_("A number is expected, such as “12.50”."))
    if abs(number) >= LARGEST_AMOUNT:
        raise ValueError(_("The number is too large."))
    return float(number) if field.column is not None and isinstance(field.column.type, sa.Float) else number


def _date(_field: Field, value: Any) -> dt.date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
    except ValueError:
        pass  # there is no such day
    raise ValueError(_("A date is expected, such as 2026-11-27."))


def _moment(_field: Field, value: Any) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass  # there is no such moment
    raise ValueError(_("A time with its zone is expected, such as 2026-11-27T08:30:00Z."))


def _anything(_field: Field, value: Any) -> Any:
    return value


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    **dict.fromkeys(TEXTS, _text),
    "integer": _integer,
    "boolean": _boolean,
    "decimal": _number,
    "money": _number,
    "date": _date,
    "datetime": _moment,
    "json": _anything,
}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(_("A list is expected."))
    if len(value) > ROWS_LIMIT:
        raise ValueError(_("At most %(limit)s entries.", limit=ROWS_LIMIT))
    return value


def _linked(field: Field, values: Sequence[Any], present: Iterable[Any]) -> list[Any]:
    """The records that are meant: each by its id, alone or as ``{"id": …}``; its name is left aside."""
    ids = list(dict.fromkeys(_id(value) for value in values))
    held = {row.id: row for row in present}
    absent = [number for number in ids if number not in held]
    if absent:
        held |= {row.id: row for row in Lookup(field.name, field.target or object).several(absent)}
    if not held.keys() >= set(ids):
        raise ValueError(_("Not a valid choice."))
    return [held[number] for number in ids]


def _id(value: Any) -> int:
    number = value.get("id") if isinstance(value, dict) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LARGEST:
        raise ValueError(_("The id of a record is expected."))
    return number


def _rows(field: Field, value: Any, present: Sequence[Any]) -> list[Any]:
    """Rows with the id of one that is there change it, others are new; what is not sent goes."""
    known, held, rows = parts_of(field), {row.id: row for row in present}, []
    errors: dict[str, object] = {}
    for number, entry in enumerate(_list(value)):
        place = f"{field.name}[{number}]"
        if not isinstance(entry, dict):
            raise ValueError(_("Each entry is an object."))
        unknown = next((name for name in entry if name != "id" and name not in known), None)
        if unknown is not None:
            raise NotUnderstood(f"{place}.{unknown}", _("There is no such field, or it cannot be written."))
        row = held.pop(entry["id"], None) if isinstance(entry.get("id"), int) else None
        if row is None and entry.get("id") is not None:
            errors[place] = _("There is no such entry.")
            continue
        row = row if row is not None else field.target()  # type: ignore[misc]
        for name in known.keys() & entry.keys():
            try:
                setattr(row, name, read(known[name], entry[name], row))
            except ValueError as error:
                errors[f"{place}.{name}"] = str(error)
        rows.append(row)
    if errors:
        raise ValidationError(**errors)
    return rows
