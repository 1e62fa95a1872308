"""Values cleaned and checked against their fields, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from core.database.types import Color, parse_phone
from core.errors import ValidationError
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.record import Record
from core.text import clean

INTEGER_LIMIT = 2**31
TEXT_KINDS = frozenset({"text", "long_text"})


def check_values(record_type: RecordType, record: Record, changes: Mapping[str, tuple[Any, Any]], *, new: bool) -> None:
    """Clean the changed values of ``record`` and check them; parts are checked with their whole.

    Raises:
        ValidationError: one sentence per field that cannot be stored.
    """
    errors: dict[str, str] = {}
    for field in record_type.fields.values():
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


def _check_parts(record: Record, field: Field) -> str | None:
    if field.target is None:
        return None
    part_type = RecordType(field.target, "", "")  # type: ignore[arg-type]
    whole = getattr(field.target, "__whole__", None)
    for part in getattr(record, field.name):
        for part_field in part_type.fields.values():
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
    if field.kind == "email":
        try:
            validate_email(value, check_deliverability=False)
        except EmailNotValidError:
            return _("Not an e-mail address.")
    if field.kind == "url" and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
        return _("A web address begins with https:// or http://.")
    return None
