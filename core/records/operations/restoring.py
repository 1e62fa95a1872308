"""Values out of the audit put back into records: one field of one record at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, object_session

from core.database.types import Money, UtcDateTime
from core.errors import Blocked
from core.records.audit import part_row, plain
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.gate import described
from core.records.record import Record

Row = Mapping[str, Any]


def fields_of(model: type[Record]) -> Mapping[str, Field]:
    """The fields of a record class, with or without a screen."""
    return described(model).all_fields


def same(record: Record, name: str, told: Any, other: Any) -> bool:
    """Whether the field's value now is the one that the audit tells.

    Args:
        record: a record that a session holds.
        name: the name of a field in an audit row.
        told: the value to compare with.
        other: the value on the other side of the same change; of rows only those named on either side are compared.
    """
    field = fields_of(type(record)).get(name)
    if field is None:
        return not _is_column(record, name) or plain(getattr(record, name)) == told
    value = getattr(record, name)
    if field.kind == "link":
        return _key(plain(value)) == _key(told)
    if field.kind in ("money", "decimal") and value is not None and told is not None:
        return bool(value == typed(field.column, told))  # 12.5 comes back from the database as 12.50
    if field.kind not in ("links", "children"):
        return bool(plain(value) == told)
    named = {_key(row) for row in (*_rows(told), *_rows(other))}
    if field.kind == "links":
        return {row.id for row in value} & named == {_key(row) for row in _rows(told)}
    now = {row.id: part_row(row)["values"] for row in value if row.id in named}
    return now == {_key(row): row.get("values") for row in _rows(told)}


def put(record: Record, name: str, value: Any, instead_of: Any) -> None:
    """Give a field the value that the audit tells. A field that no longer exists is left out.

    Args:
        record: a record that a session holds.
        name: the name of a field in an audit row.
        value: the value to put back; of links and children the rows to bring back.
        instead_of: the value on the other side of the change; of links and children the rows to take away.

    Raises:
        Blocked: the record that a link pointed to is gone.
    """
    field = fields_of(type(record)).get(name)
    if field is None:
        if _is_column(record, name):
            setattr(record, name, typed(sa.inspect(type(record)).columns[name], value))
    elif field.kind == "link":
        setattr(record, name, _linked(record, field, value))
    elif field.kind == "links":
        _put_links(record, field, _rows(value), _rows(instead_of))
    elif field.kind == "children":
        _put_parts(record, field, _rows(value), _rows(instead_of))
    else:
        setattr(record, name, typed(field.column, value))


def typed(column: sa.Column[Any], value: Any) -> Any:
    """A value as JSON keeps it, as the column takes it."""
    if value is None:
        return None
    kind = column.type
    if isinstance(kind, UtcDateTime | sa.DateTime):
        return dt.datetime.fromisoformat(value)
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat(value)
    if isinstance(kind, Money) or (isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float)):
        return Decimal(str(value))
    return value


def _is_column(record: Record, name: str) -> bool:
    return name in sa.inspect(type(record)).column_attrs


def _rows(value: Any) -> Sequence[Row]:
    """The rows of a list; those of older audits, which were told as text, cannot be put back."""
    return [row for row in value or () if isinstance(row, dict)]


def _key(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _session(record: Record) -> Session:
    session = object_session(record)
    assert session is not None, "a record that is being restored has a session"
    return session


def _get(session: Session, target: type[Any] | None, key: Any) -> Any:
    if target is None or key is None:
        return None
    return session.get(target, key, execution_options={"include_archived": True})


def _linked(record: Record, field: Field, value: Any) -> Any:
    key = _key(value)
    found = _get(_session(record), field.target, key)
    if key is not None and found is None:
        raise Blocked(_("What “%(field)s” pointed to is no longer there.", field=field.label))
    return found


def _put_links(record: Record, field: Field, rows: Sequence[Row], instead_of: Sequence[Row]) -> None:
    away = {_key(row) for row in instead_of} - {_key(row) for row in rows}
    kept = [row for row in getattr(record, field.name) if row.id not in away]
    present = {row.id for row in kept}
    for row in rows:
        if _key(row) in present:
            continue
        found = _get(_session(record), field.target, _key(row))
        if found is None:
            raise Blocked(_("“%(name)s” is no longer there.", name=row.get("name", "")))
        kept.append(found)
    setattr(record, field.name, kept)


def _put_parts(record: Record, field: Field, rows: Sequence[Row], instead_of: Sequence[Row]) -> None:
    assert field.target is not None, "children have a class"
    part_type = RecordType(field.target, "", "")  # type: ignore[arg-type]
    columns = sa.inspect(part_type.model).columns
    away = {_key(row) for row in instead_of} - {_key(row) for row in rows}
    kept = [part for part in getattr(record, field.name) if part.id not in away]
    present = {part.id: part for part in kept}
    for row in rows:
        part = present.get(_key(row))
        if part is None:
            part = part_type.model()
            if _key(row) is not None and _get(_session(record), part_type.model, _key(row)) is None:
                part.id = _key(row)
            kept.append(part)
        for name, value in row.get("values", {}).items():
            if name in columns:
                setattr(part, name, typed(columns[name], value))
    setattr(record, field.name, kept)
