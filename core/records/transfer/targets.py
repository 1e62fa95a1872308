"""What a file's columns can become: one column for every field of a record type, from the Catalog alone.

    text, date, …      first_name
    link, links        company, tags                     by name or by number
    rows of parts      phones.mobile.number              the part with the label «mobile»
                       phones.1.number phones.1.label    the first part, whatever its label
    besides            id (tells which record is meant), note, and the columns of the type's ``ImportHints``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.database.types import Color, Option
from core.parts import ImportColumn, ImportHints, Screen
from core.records.catalog import RecordType
from core.records.colors import COLOR_LABELS
from core.records.fields import Field
from core.records.transfer import cells, figures

KEY, NOTE = "id", "note"
NOTE_LIMIT = 20_000
SINGLE_PARTS, SEVERAL_PARTS = 3, 2  # numbered columns of parts with one value, and with several
MATCHING = frozenset({"text", "email", "phone", "url", "integer", "date", "choice", "link"})
"""Kinds by whose values a row can be told to be a record that exists."""

_IDENTITY = ("id", "key", "record id", "شناسه", "کلید", "شماره رکورد")
_NOTES = ("notes", "comment", "comments", "remarks", "یادداشت", "یادداشت‌ها", "توضیحات", "توضیح", "ملاحظات")


@dataclass(frozen=True)
class PartPlan:
    """The rows of one ``children`` field: the class of a row, the field that labels it and those that hold values."""

    field: Field
    part: type[Any]
    label: Field | None
    values: tuple[Field, ...]

    @cached_property
    def main(self) -> Field:
        """The value by which a part is told from another."""
        return next((entry for entry in self.values if entry.required), self.values[0])


@dataclass(frozen=True)
class Target:
    """One record type as the goal of an import."""

    record_type: RecordType
    columns: tuple[ImportColumn, ...]
    hints: ImportHints
    parts: Mapping[str, PartPlan]

    @property
    def model(self) -> type[Any]:
        return self.record_type.model

    @cached_property
    def by_name(self) -> Mapping[str, ImportColumn]:
        """The columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """What can tell a row to be a record that exists: name to label."""
        found = {KEY: _("Number in this program")}
        for field in self.record_type.fields.values():
            if field.name == KEY:
                continue
            column = field.name in self.by_name or field.name in self.hints.derived
            if (column and field.kind in MATCHING) or field.name in self.parts:
                found[field.name] = str(field.label)
        return found

    @property
    def links(self) -> list[Field]:
        """The fields that lead to records of other types."""
        return [
            field for field in self.record_type.fields.values()
            if field.kind in ("link", "links") and field.name in self.by_name
        ]  # fmt: skip


def target_of(screen: Screen, record_type: RecordType) -> Target:
    """How the records of a screen are imported."""
    hints, shown = screen.importing, shown_fields(screen, record_type) - acting().fixed(record_type.name)
    plans = {
        field.name: plan
        for field in record_type.fields.values()
        if field.kind == "children" and field.name in shown and (plan := part_plan(field)) is not None
    }
    columns = [
        *_ordered(screen, (_plain(field) for field in _chosen(record_type, hints, shown))),
        *(column for plan in plans.values() for column in _part_columns(plan)),
        *hints.columns,
        ImportColumn(name=NOTE, label=_l("Note"), synonyms=_NOTES, parse=cells.long_text(NOTE_LIMIT)),
        ImportColumn(name=KEY, label=_l("Number in this program"), synonyms=_IDENTITY, parse=_key),
    ]
    return Target(record_type, tuple(_hinted(column, hints) for column in columns), hints, plans)


def shown_fields(screen: Screen, record_type: RecordType) -> frozenset[str]:
    """The fields that a screen shows anywhere; what it hides is neither imported nor exported."""
    formed = (name for group in screen.form for name in group.fields)
    shown = {*screen.columns, *formed, *screen.editable, *screen.children}
    amounts = (entry for entry in record_type.fields.values() if entry.name in shown)
    return frozenset(shown | {entry.currency for entry in amounts if entry.currency})


def part_plan(field: Field) -> PartPlan | None:
    """How the rows of a ``children`` field are read from columns; None when there is nothing to read."""
    part: Any = field.target
    if not hasattr(part, "__whole__"):
        return None
    own = [
        entry for entry in RecordType(part, "", "").fields.values()
        if not entry.managed and not entry.is_link and entry.kind != "json"
        and not (entry.column is not None and entry.column.foreign_keys)
    ]  # fmt: skip
    label = next((entry for entry in own if entry.kind == "choice"), None)
    values = tuple(entry for entry in own if entry is not label)
    return PartPlan(field, part, label, values) if values else None


def _chosen(record_type: RecordType, hints: ImportHints, shown: frozenset[str]) -> Iterator[Field]:
    for field in record_type.fields.values():
        if field.managed or field.name not in shown or field.name in hints.derived:
            continue
        if field.kind in ("json", "children"):
            continue
        if field.kind == "link" and field.column is None:
            continue
        yield field


def _ordered(screen: Screen, columns: Iterator[ImportColumn]) -> list[ImportColumn]:
    """In the order of the form; what is not on it comes after."""
    order = {name: place for place, name in enumerate(name for group in screen.form for name in group.fields)}
    return sorted(columns, key=lambda column: order.get(column.name, len(order)))


def _plain(field: Field) -> ImportColumn:
    return ImportColumn(name=field.name, label=field.label, parse=parser(field), required=field.required)


def parser(field: Field) -> Callable[[str], Any]:
    """The function that reads a cell of ``field``."""
    limit = field.max_length or 20_000
    if field.kind == "text":
        return cells.text(limit)
    if field.kind == "long_text":
        return cells.long_text(limit)
    if field.kind == "choice":
        return cells.choice(field.options)
    if field.kind == "color":
        return cells.choice([Option(name, COLOR_LABELS[name]) for name in Color.NAMES])
    if field.kind == "link":
        return cells.text(400)
    if field.kind == "links":
        return cells.names(200)
    return _PARSERS[field.kind]


_PARSERS: dict[str, Callable[[str], Any]] = {
    "integer": figures.integer, "decimal": figures.decimal, "money": figures.amount, "boolean": cells.boolean,
    "date": cells.date, "datetime": cells.moment, "phone": cells.phone, "email": cells.email, "url": cells.url,
}  # fmt: skip
_SEVERAL: dict[str, Callable[[str], Any]] = {"phone": cells.phones, "email": cells.emails}


def _part_columns(plan: PartPlan) -> Iterator[ImportColumn]:
    single = len(plan.values) == 1
    name, title = plan.field.name, plan.field.label
    for option in plan.label.options if plan.label is not None else ():
        for field in plan.values:
            label = f"{option.label}" if single else f"{option.label}: {field.label}"
            yield _part_column(f"{name}.{option.code}.{field.name}", f"{title}: {label}", field, title, single)
    for number in range(1, (SINGLE_PARTS if single else SEVERAL_PARTS) + 1):
        for field in plan.values:
            label = f"{title} {number}" if single else f"{title} {number}: {field.label}"
            yield _part_column(f"{name}.{number}.{field.name}", label, field, title, single)
        if plan.label is not None:
            label = f"{title} {number}: {plan.label.label}"
            yield ImportColumn(
                name=f"{name}.{number}.{plan.label.name}", label=label, parse=parser(plan.label), group=title
            )


def _part_column(name: str, label: str, field: Field, group: Any, single: bool) -> ImportColumn:
    parse = _SEVERAL.get(field.kind) if single else None
    return ImportColumn(name=name, label=label, parse=parse or parser(field), group=group)


def _hinted(column: ImportColumn, hints: ImportHints) -> ImportColumn:
    """The column with what the record type knows of it besides."""
    group, _dot, rest = column.name.partition(".")
    everywhere = f"{group}.{rest.rpartition('.')[2]}"
    words = cells.in_every_language(column.label)
    return ImportColumn(
        name=column.name,
        label=column.label,
        synonyms=(*column.synonyms, *hints.synonyms.get(column.name, ()), *words),
        parse=hints.parse.get(column.name) or hints.parse.get(everywhere) or column.parse,
        required=column.required,
        sample=column.sample or hints.samples.get(column.name, ""),
        group=column.group,
    )


def _key(cell: str) -> int:
    number = figures.integer(cell)
    if number < 1:
        raise ValueError(_("There is no record with this number."))
    return number
