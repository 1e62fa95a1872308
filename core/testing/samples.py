"""A record of any record type, for tests that must look at one without knowing what it is."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.errors import CatalogError
from core.records.fields import Field
from core.records.gate import described
from core.records.record import Record

_VALUES: dict[str, Any] = {
    "text": "Sample",
    "long_text": "Sample",
    "email": "sample@example.com",
    "phone": "+989121234567",
    "url": "https://example.com",
    "color": "blue",
    "integer": 1,
    "decimal": Decimal(1),
    "money": Decimal(1),
    "boolean": True,
    "date": dt.date(2024, 3, 20),
    "datetime": dt.datetime(2024, 3, 20, 12, tzinfo=dt.UTC),
    "json": {},
}


def sample_record(session: Session, model: type[Record]) -> Record:
    """The first record of ``model``; where there is none, a new one with a value in every field that needs one.

    Raises:
        ValidationError: the record type wants more than its fields say; give its plugin a ``demo_data`` hook.
    """
    found = session.scalars(sa.select(model).order_by(model.id).limit(1)).unique().one_or_none()
    if found is not None:
        return found
    needed = [field for field in described(model).fields.values() if field.required and not field.managed]
    record = model(**{field.name: _value(session, field) for field in needed if field.name != _identity(model)})
    session.add(record)
    session.flush()
    return record


def _identity(model: type[Record]) -> str | None:
    """The field that tells the classes of one table apart; the mapper fills it."""
    column = sa.inspect(model).polymorphic_on
    return None if column is None else str(column.key)


def _value(session: Session, field: Field) -> Any:
    if field.kind == "choice":
        return field.options[0].code
    if field.kind == "link" and field.target is User:
        return session.scalars(sa.select(User).limit(1)).one()
    if field.kind == "link" and field.target is not None and issubclass(field.target, Record):
        return sample_record(session, field.target)
    if field.kind not in _VALUES:
        raise CatalogError(f"There is no sample for the required field {field.name} of the kind {field.kind}.")
    value = _VALUES[field.kind]
    return value[: field.max_length] if isinstance(value, str) and field.max_length else value
