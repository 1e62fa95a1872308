"""Random trees over the fields of a record type, with values that some records have and some have not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from core.database.types import Color
from core.records.catalog import RecordType
from core.records.conditions.operators import COUNT_OPERATORS, Operator, operators_of
from core.records.conditions.paths import behind, fields_of, references_of
from core.records.fields import Field
from core.records.record import Searchable
from core.records.search import words_of
from tests.admin.toys import person
from tests.conditions.conftest import TEXTS

DAYS = st.sampled_from(
    ["2026-03-21", "1405/09/05", "2026-11-26", "today", "today+4", "today-36500", "today+25", "1404/12/29"]
)
SPANS = st.sampled_from(
    ["today", "this_week", "this_month", "last_month", "this_quarter", "this_year", "next_year", "last_7_days",
     "next_7_days", "next_2_weeks", "last_3_months", "next_1_months", "last_300_days"]
)  # fmt: skip
PARTS = ["علی", "علي رضا", "رضا", "red", "RED", "%", "_", "50%", "a_b", "/", "\\", "É", "é", "۱۲", "12", "X", "https"]


def trees(record_type: RecordType, depth: int = 3) -> st.SearchStrategy[Any]:
    """Trees for ``record_type``, groups and counts at most ``depth`` deep."""
    leaf = (
        st.one_of(leaves(record_type), _searches())
        if issubclass(record_type.model, Searchable)
        else leaves(record_type)
    )
    if depth == 0:
        return leaf
    inner = trees(record_type, depth - 1)
    kinds = [
        leaf,
        leaf,
        st.builds(lambda joint, parts: {joint: parts}, st.sampled_from(["all", "any"]), st.lists(inner, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ]
    counts = [_count(name, reference.record_type, depth) for name, reference in references_of(record_type).items()]
    return st.one_of(*kinds, *counts)


def _searches() -> st.SearchStrategy[Any]:
    return st.sampled_from([part for part in PARTS if words_of(part)]).map(lambda text: {"search": text})


def _count(name: str, record_type: RecordType, depth: int) -> st.SearchStrategy[Any]:
    def build(op: str, low: int, high: int, where: Any) -> dict[str, Any]:
        value = [low, low + high] if op == "between" else low
        return {"count": name, "op": op, "value": value} | ({"where": where} if where else {})

    few = st.integers(0, 3)
    return st.builds(build, st.sampled_from(list(COUNT_OPERATORS)), few, few, st.one_of(st.none(), leaves(record_type)))


def leaves(record_type: RecordType, steps: int = 2) -> st.SearchStrategy[Any]:
    """Comparisons of the fields of ``record_type`` and of what lies behind its links."""
    found = [
        _leaf(prefix, field, operator)
        for prefix, field in _paths(record_type, steps)
        for operator in operators_of(field).values()
    ]
    return st.one_of(*found)


def _paths(record_type: RecordType, steps: int) -> Sequence[tuple[str, Field]]:
    found = []
    for field in fields_of(record_type).values():
        found.append((field.name, field))
        following = behind(field) if steps else None
        if following is not None:
            found += [(f"{field.name}.{name}", last) for name, last in _paths(following, steps - 1)]
    return found


def _leaf(name: str, field: Field, operator: Operator) -> st.SearchStrategy[Any]:
    leaf = {"field": name, "op": operator.name}
    if operator.shape == "none":
        return st.just(leaf)
    one = SPANS if operator.shape == "span" else _value(field, operator)
    if operator.shape == "pair":
        return st.tuples(one, one).map(lambda pair: leaf | {"value": list(pair)})
    if operator.shape == "many":
        return st.lists(one, min_size=1, max_size=3).map(lambda values: leaf | {"value": values})
    return one.map(lambda value: leaf | {"value": value})


def _value(field: Field, operator: Operator) -> st.SearchStrategy[Any]:
    match field.kind:
        case "phone":
            whole = ["0912 123 4567", "+14155550100"]
            return st.sampled_from(["912", "۴۵۶"] if "contain" in operator.name else whole)
        case "text" | "long_text" | "url" | "email":
            return st.sampled_from([*PARTS, *TEXTS, "Wind", "wind", "A_B@example.com"])
        case "integer":
            return st.sampled_from([0, 50, -3, "۵۰", 2**31, 10**15 - 1, -(10**15) + 1])
        case "money" | "decimal":
            return st.sampled_from([0, 20, "19.99", 19.99, 0.1, "۰٫۳", "9999999999999.99", 10**15 - 1])
        case "date" | "datetime":
            return DAYS
        case "choice":
            return st.sampled_from([option.code for option in field.options])
        case "color":
            return st.sampled_from(Color.NAMES[:6])
        case "boolean":
            return st.booleans()
    mine = ["me"] if field.target is type(person()) else []
    return st.sampled_from([1, 2, 3, "2", 2**63 - 1, *mine])
