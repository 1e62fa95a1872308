"""Values cleaned and checked against their fields, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import object_session

from core.accounts.actor import acting
from core.database.types import Color, is_email, parse_phone
from core.errors import ValidationError
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.record import BoardLane, Record
from core.text import clean

INTEGER_LIMIT = 2**31
TEXT_KINDS = frozenset({"text", "long_text"})


def check_values(record_type: RecordType, record: Record, changes: Mapping[str, tuple[Any, Any]], *, new: bool) -> None:
    """Clean the changed values of ``record`` and check them; parts are checked with their whole.

    Raises:
        ValidationError: one sentence per field that cannot be stored.
    """
    errors: dict[str, str] = {}
    for field in record_type.all_fields.values():
        if field.managed or field.kind == "links":
            continue
        if field.kind == "children":
            problem = _check_parts(record, field) if new or field.name in changes else None
        elif new or field.name in changes or (field.is_link and field.column.key in changes):
            problem = check_value(record, field)
        else:
            continue
        if problem:
            errors[field.name] = problem
    if errors:
        raise ValidationError(**errors)


def check_entry(record_type: RecordType, record: Record, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuse a record that comes into a lane without what the lane asks for, through whichever door it comes.

    The installation itself may put a record anywhere: when a stage is removed, its records go to another.

    Raises:
        ValidationError: one sentence per empty field.
    """
    if acting().system:
        return
    for field in record_type.all_fields.values():
        if field.kind != "link" or field.target is None or not issubclass(field.target, BoardLane):
            continue
        if field.name not in changes and field.column.key not in changes:
            continue
        lane = _linked(record, field)
        missing = missing_in(record_type, record, lane.required_fields or ()) if lane is not None else ()
        if missing:
            text = _("“%(lane)s” needs this.", lane=str(lane))
            raise ValidationError(**dict.fromkeys(missing, text))


def missing_in(record_type: RecordType, record: Any, required: Iterable[str]) -> tuple[str, ...]:
    """Those of the fields called ``required`` that ``record`` has empty; a field that is gone asks for nothing."""
    fields = [record_type.all_fields[name] for name in required if name in record_type.all_fields]
    return tuple(field.name for field in fields if _is_empty(record, field))


def _is_empty(record: Any, field: Field) -> bool:
    value = getattr(record, field.name)
    if field.kind == "link" and value is None and field.column is not None:
        # A link to a record that the actor may not see is no empty field.
        return getattr(record, sa.inspect(type(record)).get_property_by_column(field.column).key) is None
    return value is None or value == "" or value == []


def _linked(record: Any, field: Field) -> Any:
    target: Any = field.target
    value, session = getattr(record, field.name), object_session(record)
    key = getattr(record, sa.inspect(type(record)).get_property_by_column(field.column).key)
    if session is None or key is None or (value is not None and value.id in (key, None)):
        return value
    with session.no_autoflush:
        return session.get(target, key, execution_options={"include_archived": True})


def _check_parts(record: Record, field: Field) -> str | None:
    if field.target is None:
        return None
    part_type = RecordType(field.target, "", "")  # type: ignore[arg-type]
    whole = getattr(field.target, "__whole__", None)
    for part in getattr(record, field.name):
        for part_field in part_type.all_fields.values():
            if part_field.is_link or part_field.managed or part_field.name == whole:
                continue
            problem = check_value(part, part_field)
            if problem:
                return problem
    return None


def check_value(record: Any, field: Field) -> str | None:
    """Clean one attribute in place; the sentence that says what is wrong with it, or None."""
    value = getattr(record, field.name)
    if field.kind == "link":
        key = getattr(record, field.column.key) if field.column is not None else None
        return _("This field is required.") if field.required and value is None and key is None else None
    if isinstance(value, str):
        value = clean(value.replace("\x00", "")).strip() if field.kind in TEXT_KINDS else value.strip()
        if not value and not field.required and field.column is not None and field.column.nullable:
            value = None
        if value != getattr(record, field.name):
            setattr(record, field.name, value)
    if value is None or value == "":
        default = field.column is not None and (field.column.default or field.column.server_default)
        return _("This field is required.") if field.required and not default else None
    if isinstance(value, str) and field.max_length and len(value) > field.max_length:
        return _("At most %(limit)s characters.", limit=field.max_length)
    return _check_kind(record, field, value)


def _check_kind(record: Any, field: Field, value: Any) -> str | None:
    if field.kind == "choice" and field.option(value) is None:
        return _("Not a valid choice.")
    if field.kind == "color" and value not in Color.NAMES:
        return _("Not a valid choice.")
    if field.kind == "integer" and not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        return _("The number is too large.")
    if field.kind == "phone":
        try:
            setattr(record, field.name, parse_phone(value))
        except ValueError:
            return _("Not a phone number. Example: %(example)s", example="0912 123 4567")
    if field.kind == "email" and not is_email(value):
        return _("Not an e-mail address.")
    if field.kind == "url" and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
        return _("A web address begins with https:// or http://.")
    return None
