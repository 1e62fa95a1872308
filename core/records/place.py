"""A place in a list, as an address carries it: opaque to people, and believed in nothing.

Whoever changes it by hand gets an error or another page, never more than the list shows anyway.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from core.database.types import Money, UtcDateTime

LONGEST = 4_000  # characters in an address
LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True)
class Place:
    """Where a page begins or ends: the sort values and the id of the row beside it.

    ``row`` is how many rows lie before the page that follows, or None where nobody counted.
    """

    values: tuple[Any, ...]
    id: int
    row: int | None = None


def write_place(place: Place, signature: str) -> str:
    """``place`` as a word for an address; ``signature`` names the order it is a place of."""
    plain = [signature, place.row, place.id, *map(_plain, place.values)]
    packed = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_place(text: str, signature: str, columns: Sequence[tuple[Any, bool]]) -> Place | None:
    """The place that ``write_place`` wrote; None for one of another order.

    Args:
        text: what stands in the address.
        signature: the order of the list.
        columns: type of each column of the order, and whether it may be empty.

    Raises:
        ValueError: nobody wrote this.
    """
    if len(text) > LONGEST:
        raise ValueError("Too long for a place.")
    try:
        plain = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, RecursionError):
        raise ValueError("Not a place.") from None
    if not isinstance(plain, list) or len(plain) < 3:
        raise ValueError("Not a place.")
    named, row, number, *values = plain
    if named != signature:
        return None
    if not _whole(number) or not (row is None or _whole(row)) or len(values) != len(columns):
        raise ValueError("Not a place.")
    read = (_read(type_, value, nullable=nullable) for (type_, nullable), value in zip(columns, values, strict=True))
    return Place(tuple(read), number, row)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _read(type_: Any, value: Any, *, nullable: bool) -> Any:
    """The value of a column from what stands in an address. Raises ValueError for anything else."""
    if value is None:
        if nullable:
            return None
        raise ValueError("Not a place.")
    try:
        if isinstance(type_, UtcDateTime):
            moment = dt.datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError("Not a place.")
            return moment
        if isinstance(type_, sa.Date):
            return dt.date.fromisoformat(value)
        if isinstance(type_, Money) or (isinstance(type_, sa.Numeric) and type_.asdecimal):
            return _decimal(value)
    except TypeError:
        raise ValueError("Not a place.") from None
    plain = type_.impl_instance if isinstance(type_, sa.types.TypeDecorator) else type_
    wanted = next((read for kind, read in _PLAIN if isinstance(plain, kind)), None)
    if wanted is None or not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise ValueError("Not a place.")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("Not a place.")
    if isinstance(value, int | float) and not (abs(value) <= LARGEST_NUMBER):
        raise ValueError("Not a place.")
    return value


def _decimal(text: Any) -> Decimal:
    try:
        number = Decimal(text if isinstance(text, str) else "")
    except InvalidOperation:
        raise ValueError("Not a place.") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ValueError("Not a place.")
    return number


# The most special first: SQLAlchemy's Float is a Numeric.
_PLAIN: tuple[tuple[type, Any], ...] = (
    (sa.Boolean, bool), (sa.Integer, int), (sa.Float, int | float), (sa.Numeric, int | float), (sa.String, str),
)  # fmt: skip
