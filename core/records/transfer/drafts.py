"""Rows of a file as records that are about to be written: values by field, rows of parts, names of what is linked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.records.transfer.checking import CheckedRow
from core.records.transfer.targets import KEY, NOTE, PartPlan, Target


@dataclass(slots=True)
class Draft:
    """A record read from one row.

    ``values`` are by attribute, links left out; ``named`` what links are called in the file, ``linked`` the records
    that those names turned out to be; ``blank`` the fields whose cells are empty; ``errors`` sentences by column;
    ``keys`` what it is matched by.
    """

    row: int
    values: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]
    named: dict[str, Any] = field(default_factory=dict)
    linked: dict[str, Any] = field(default_factory=dict)
    key: int | None = None
    note: str = ""
    blank: frozenset[str] = frozenset()
    errors: dict[str, str] = field(default_factory=dict)
    keys: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the record will be called, as far as the row tells."""
        return str(self.values.get("name") or "")


class Drafting:
    """Makes drafts of rows.

    Args:
        target: what the rows become.
        mapped: the columns that the file has.
    """

    def __init__(self, target: Target, mapped: Sequence[str]) -> None:
        self._target = target
        self._places = {name: tuple(name.split(".")) for name in target.by_name if "." in name}
        self._links = {entry.name for entry in target.links}
        self._fields = target.record_type.fields
        self._extra = {column.name for column in target.hints.columns}
        self._orders = {
            name: {option.code: place for place, option in enumerate(plan.label.options if plan.label else ())}
            for name, plan in target.parts.items()
        }
        self._mapped = [name for name in mapped if name in self._fields]

    def draft(self, row: CheckedRow) -> Draft:
        """The record in a row; what is wrong with it stands in its ``errors``."""
        values: dict[str, Any] = {}
        slots: dict[str, dict[str, dict[str, Any]]] = {}
        for name, value in row.values.items():
            place = self._places.get(name)
            if place is None:
                values[name] = value
            else:
                group, slot, part = place
                slots.setdefault(group, {}).setdefault(slot, {})[part] = value
        for group, found in slots.items():
            values[group] = list(self._parts(self._target.parts[group], self._orders[group], found))
        draft = Draft(row.number, values, {})
        if self._target.hints.settle is not None:
            try:
                self._target.hints.settle(values)
            except ValueError as error:
                draft.errors[""] = str(error)
        for name in self._extra:
            values.pop(name, None)
        draft.key, draft.note = values.pop(KEY, None), values.pop(NOTE, "")
        for group, plan in self._target.parts.items():
            if rows := values.pop(group, None):
                draft.parts[group] = [_labelled(plan, part) for part in rows]
        for name in self._links:
            if name in values:
                draft.named[name] = values.pop(name)
        if len(row.values) < len(self._mapped):
            draft.blank = frozenset(name for name in self._mapped if name not in row.values)
        return draft

    def _parts(self, plan: PartPlan, order: Mapping[str, int], slots: Mapping[str, dict[str, Any]]) -> Any:
        """Rows of parts: those under a label first, then the numbered ones; the same value only once."""
        label = plan.label.name if plan.label is not None else ""
        main, seen = plan.main.name, set()
        filled: Iterable[tuple[str, dict[str, Any]]] = slots.items()
        if len(slots) > 1:
            filled = sorted(filled, key=lambda item: (order.get(item[0], len(order)), item[0]))
        for slot, cells in filled:
            part = {label: slot, **cells} if slot in order else dict(cells)
            several = part.get(main)
            if not isinstance(several, tuple):
                if any(part.get(entry.name) for entry in plan.values):
                    yield part
                continue
            for value in several:
                if value not in seen:
                    seen.add(value)
                    yield {**part, main: value}


def _labelled(plan: PartPlan, part: dict[str, Any]) -> dict[str, Any]:
    """The part with the usual label where it has none."""
    if plan.label is not None and part.get(plan.label.name) is None:
        default = plan.label.column.default
        part[plan.label.name] = default.arg if default is not None else plan.label.options[0].code
    return part
