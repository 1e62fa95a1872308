"""The columns of an exported file: those of the list, or everything that an import of the same type reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from core.parts import Column, Label, Screen
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.transfer.targets import SEVERAL_PARTS, PartPlan, part_plan, shown_fields

LISTED, EVERYTHING = "list", "all"
# Managed fields that tell a reader something.
_TOLD = ("created_at", "updated_at")


@dataclass(frozen=True)
class Outgoing:
    """One column of the file. ``slot`` is the label code or the number of a part, ``part`` the part's field."""

    name: str
    label: Label
    field: Field
    slot: str = ""
    part: Field | None = None
    computed: Column | None = None

    @property
    def kind(self) -> str:
        """The kind of its values."""
        return self.part.kind if self.part is not None else self.field.kind


def listed_columns(screen: Screen, record_type: RecordType, names: Sequence[str]) -> list[Outgoing]:
    """The columns of a list, computed ones included."""
    computed = {column.name: column for column in screen.computed}
    found = []
    for name in names:
        if name in computed:
            column = computed[name]
            shown = Field(name=name, label=column.label, kind=column.kind)
            found.append(Outgoing(name, column.label, shown, computed=column))
        elif name in record_type.fields:
            found.append(Outgoing(name, record_type.fields[name].label, record_type.fields[name]))
    return found


def all_columns(screen: Screen, record_type: RecordType) -> list[Outgoing]:
    """Everything an import of the same type would read, and when the record was made and changed."""
    fields = record_type.fields
    order = dict.fromkeys(name for group in screen.form for name in group.fields)
    shown = shown_fields(screen, record_type)
    own = [
        entry for entry in (*(fields[name] for name in order if name in fields), *fields.values())
        if entry.name in shown and not entry.managed and entry.kind != "children"
    ]  # fmt: skip
    number = Field(name="id", label=_("Number in this program"), kind="integer")
    columns = [Outgoing("id", number.label, number)]
    columns += [Outgoing(entry.name, entry.label, entry) for entry in dict.fromkeys(own)]
    for entry in fields.values():
        if entry.name in shown and entry.kind == "children" and (plan := part_plan(entry)) is not None:
            columns += _part_columns(plan)
    columns += [Outgoing(name, fields[name].label, fields[name]) for name in _TOLD if name in fields]
    return columns


def _part_columns(plan: PartPlan) -> Iterator[Outgoing]:
    """Columns by the names that an import gives them."""
    single = len(plan.values) == 1
    name, title = plan.field.name, plan.field.label
    for option in plan.label.options if plan.label is not None else ():
        for value in plan.values:
            label = f"{title}: {option.label}" if single else f"{title}: {option.label}: {value.label}"
            yield Outgoing(f"{name}.{option.code}.{value.name}", label, plan.field, option.code, value)
    if single and plan.label is not None:
        return  # several of one label share a cell
    for number in range(1, SEVERAL_PARTS + 1):
        for value in plan.values:
            label = f"{title} {number}" if single else f"{title} {number}: {value.label}"
            yield Outgoing(f"{name}.{number}.{value.name}", label, plan.field, str(number), value)
        if plan.label is not None:
            label = f"{title} {number}: {plan.label.label}"
            yield Outgoing(f"{name}.{number}.{plan.label.name}", label, plan.field, str(number), plan.label)
