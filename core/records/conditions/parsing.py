"""Reading a tree against the Catalog. A part that cannot be read is an error with its place, and never left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from core.errors import ConditionError
from core.records.catalog import RecordType
from core.records.conditions.operators import COUNT_OPERATORS, Operator, operators_of
from core.records.conditions.paths import references_of, resolve
from core.records.conditions.tree import (
    MAX_DEPTH,
    MAX_JSON,
    MAX_NODES,
    MAX_VALUES,
    Comparison,
    Condition,
    Group,
    Negation,
    Node,
    RelatedCount,
    Words,
)
from core.records.conditions.values import (
    ValueUnreadable,
    plain_period,
    plain_value,
    read_period,
    read_text,
    read_value,
    read_whole,
)
from core.records.record import Searchable
from core.records.search import words_of

_EVERYTHING: Mapping[str, Any] = {"all": []}


def parse(tree: Any, record_type: RecordType) -> Condition:
    """The condition that ``tree``, as JSON gives it, is for records of ``record_type``.

    Raises:
        ConditionError: the first part that cannot be read.
    """
    return _Reading(_refuse).condition(tree, record_type)


def parse_text(text: str, record_type: RecordType) -> Condition:
    """The condition of a tree written as JSON text, as addresses carry it.

    Raises:
        ConditionError: it is no JSON, too long, or no condition.
    """
    return parse(read_json(text), record_type)


def read_json(text: str) -> Any:
    """The tree written in ``text``, not yet read against a record type.

    Raises:
        ConditionError: it is no JSON, or too long.
    """
    if len(text) > MAX_JSON:
        raise ConditionError("", _("The condition is too long."))
    try:
        return json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ConditionError("", _("The condition is no valid JSON.")) from None


def problems(tree: Any, record_type: RecordType) -> list[ConditionError]:
    """Everything in ``tree`` that cannot be read, such as fields of a module that was switched off; empty for none."""
    found: list[ConditionError] = []
    _Reading(found.append).condition(tree, record_type)
    return found


def _refuse(error: ConditionError) -> None:
    raise error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice in one object.")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number.")


class _Reading:
    """One pass over a tree. ``report`` gets every error; where it returns, the part is read as matching everything."""

    def __init__(self, report: Callable[[ConditionError], None]) -> None:
        self._report = report
        self._nodes = 0

    def condition(self, tree: Any, record_type: RecordType, at: str = "", depth: int = 0) -> Condition:
        return Condition(record_type, self._node(tree, record_type, at, depth))

    def _node(self, tree: Any, record_type: RecordType, at: str, depth: int) -> Node:
        try:
            return self._read(tree, record_type, at, depth)
        except ConditionError as error:
            self._report(error)
            return Group("all", ())

    def _read(self, tree: Any, record_type: RecordType, at: str, depth: int) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ConditionError(at, _("The condition has more than %(number)s parts.", number=MAX_NODES))
        if depth > MAX_DEPTH:
            raise ConditionError(at, _("The condition is nested deeper than %(number)s levels.", number=MAX_DEPTH))
        if not isinstance(tree, dict):
            raise ConditionError(at, _("An object with “all”, “any”, “not”, “field”, “count” or “search” is expected."))
        kind = next((key for key in _PARTS if key in tree), None)
        if kind is None:
            raise ConditionError(at, _("An object with “all”, “any”, “not”, “field”, “count” or “search” is expected."))
        strange = sorted(str(key) for key in tree if key not in _PARTS[kind])
        if strange:
            raise ConditionError(at, _("“%(name)s” has no place here.", name=strange[0][:80]))
        if kind == "not":
            return Negation(self._node(tree["not"], record_type, _join(at, "not"), depth + 1))
        if kind == "field":
            return self._comparison(tree, record_type, at)
        if kind == "count":
            return self._count(tree, record_type, at, depth)
        if kind == "search":
            return self._words(tree, record_type, at)
        return self._group(kind, tree[kind], record_type, _join(at, kind), depth)

    def _group(self, joint: str, parts: Any, record_type: RecordType, at: str, depth: int) -> Node:
        if not isinstance(parts, list):
            raise ConditionError(at, _("A list of conditions is expected."))
        if len(parts) > MAX_NODES:
            raise ConditionError(at, _("The condition has more than %(number)s parts.", number=MAX_NODES))
        read = (self._node(part, record_type, f"{at}[{place}]", depth + 1) for place, part in enumerate(parts))
        return Group(joint, tuple(read))

    def _comparison(self, tree: dict[str, Any], record_type: RecordType, at: str) -> Node:
        path = resolve(record_type, tree["field"], _join(at, "field"))
        operator = _operator(operators_of(path.field), tree.get("op"), at)
        here = _join(at, "value")

        def read(raw: Any) -> Any:
            return read_value(path.field, operator.name, raw)

        value = _shaped(operator, tree, here, read)
        return Comparison(path, operator, value, _plain(operator, value))

    def _count(self, tree: dict[str, Any], record_type: RecordType, at: str, depth: int) -> Node:
        name = tree["count"]
        reference = references_of(record_type).get(name) if isinstance(name, str) else None
        if reference is None:
            raise ConditionError(
                _join(at, "count"),
                _("Nothing called “%(name)s” points at %(type)s.", name=str(name)[:80], type=record_type.title),
            )
        operator = _operator(COUNT_OPERATORS, tree.get("op"), at)
        value = _shaped(operator, tree, _join(at, "value"), _natural)
        where = None
        if tree.get("where") is not None:
            where = self.condition(tree["where"], reference.record_type, _join(at, "where"), depth + 1)
        return RelatedCount(reference, where, operator, value)

    def _words(self, tree: dict[str, Any], record_type: RecordType, at: str) -> Node:
        if not issubclass(record_type.model, Searchable):
            raise ConditionError(_join(at, "search"), _("%(type)s cannot be searched.", type=record_type.title))
        try:
            text = read_text(tree["search"])
            if not words_of(text):
                raise ValueUnreadable(_("Nothing to look for. Use “is empty” for empty fields."))
            return Words(text)
        except ValueUnreadable as error:
            raise ConditionError(_join(at, "search"), error) from None


_PARTS: Mapping[str, frozenset[str]] = {
    "all": frozenset({"all"}),
    "any": frozenset({"any"}),
    "not": frozenset({"not"}),
    "field": frozenset({"field", "op", "value"}),
    "count": frozenset({"count", "where", "op", "value"}),
    "search": frozenset({"search"}),
}


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _operator(known: Mapping[str, Operator], name: Any, at: str) -> Operator:
    operator = known.get(name) if isinstance(name, str) else None
    if operator is None:
        raise ConditionError(
            _join(at, "op"),
            _(
                "There is no operator “%(name)s” here; there are %(known)s.",
                name=str(name)[:80],
                known=", ".join(known),
            ),
        )
    return operator


def _natural(raw: Any) -> int:
    number = read_whole(raw)
    if number < 0:
        raise ValueUnreadable(_("A number of records is never below zero."))
    return number


def _shaped(operator: Operator, tree: dict[str, Any], at: str, read: Callable[[Any], Any]) -> Any:
    """The value of a leaf in the shape that its operator asks for.

    Raises:
        ConditionError: it has another shape, or cannot be read.
    """
    raw = tree.get("value")
    try:
        if operator.shape == "none":
            if raw is not None:
                raise ValueUnreadable(_("This operator takes no value."))
            return None
        if operator.shape == "span":
            return read_period(raw)
        if operator.shape == "one":
            return read(raw)
        if operator.shape == "pair":
            if not isinstance(raw, (list, tuple)) or len(raw) != 2:
                raise ValueUnreadable(_("A list of two values is expected."))
            return read(raw[0]), read(raw[1])
        if not isinstance(raw, (list, tuple)) or not 1 <= len(raw) <= MAX_VALUES:
            raise ValueUnreadable(_("A list of 1 to %(number)s values is expected.", number=MAX_VALUES))
        return tuple(dict.fromkeys(read(one) for one in raw))
    except ValueUnreadable as error:
        raise ConditionError(at, error) from None


def _plain(operator: Operator, value: Any) -> Any:
    if operator.shape == "span":
        return plain_period(value)
    if operator.shape in ("pair", "many"):
        return [plain_value(one) for one in value]
    return plain_value(value) if operator.shape == "one" else None


def everything(record_type: RecordType) -> Condition:
    """The condition that every record matches."""
    return parse(_EVERYTHING, record_type)
