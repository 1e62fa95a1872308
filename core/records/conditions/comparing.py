"""What both evaluators share, so that they cannot drift apart."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from core.records.conditions.context import Context
from core.records.conditions.tree import RelatedCount
from core.records.conditions.values import ME
from core.records.fields import Field

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


def in_order(number: Any, name: str, value: Any) -> bool:
    """Whether ``number`` stands to ``value`` as the positive operator called ``name`` says."""
    if name == "between":
        return bool(value[0] <= number <= value[1])
    return bool(COMPARE[name](number, value))


def passes_count(leaf: RelatedCount, number: int) -> bool:
    """Whether so many related records are what ``leaf`` asks for."""
    passed = in_order(number, leaf.operator.negates or leaf.operator.name, leaf.value)
    return not passed if leaf.operator.negates else passed


def resolved(ids: Iterable[Any], context: Context) -> list[int]:
    """Ids with "me" replaced by who asks, or left out when that is nobody."""
    found = (context.user_id if one == ME else one for one in ids)
    return [one for one in found if one is not None]


def key_of(field: Field, model: type) -> str:
    """The attribute of ``model`` that holds the foreign key of a link."""
    return str(sa.inspect(model).get_property_by_column(field.column).key)


def moments(
    field: Field, first: dt.date | None, after: dt.date | None, context: Context
) -> tuple[dt.date | None, dt.date | None]:
    """Bounds of days as bounds of ``field``: days for a date, moments of the reader's midnight for a moment."""
    if field.kind == "date":
        return first, after
    low = context.midnight(first) if first is not None else None
    return low, context.midnight(after) if after is not None else None
