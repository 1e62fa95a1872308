"""The columns of an exported file, and the rows: read a batch at a time, plain columns instead of objects.

    the record's own columns   one streamed query
    names of linked records    one query per batch for those not met before, as far as the reader may see them
    parts and links to many    one query per batch and field
    computed columns           their own ``load``, per batch
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, load_only

from core.accounts.actor import Actor, acting_as
from core.accounts.models import User
from core.database.bulk import among
from core.database.engine import reading
from core.parts import Column, Label, Screen
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.transfer.spelling import NUMBERS, Style, spelling
from core.records.transfer.targets import SEVERAL_PARTS, PartPlan, part_plan, shown_fields

BATCH = 1_000
KEPT = 20_000  # names of linked records that are remembered
JOINT = "; "
TEXTS = frozenset({"text", "long_text", "email", "url", "phone"})  # kinds that are texts already
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


@dataclass
class Reading:
    """Reads the records of a statement as rows of values; texts where ``spelled``, else as JSON has them.

    Args:
        sessions: makes the session of the file; it lives as long as the file takes.
        actor: whose rights count, whoever goes on asking.
        statement: selects the records, filtered and in order.
        model: their class.
        columns: the columns of the file.
        style: how values are written.
        typed: leave numbers as numbers, for a spreadsheet or JSON.
    """

    sessions: Callable[[], Session]
    actor: Actor
    statement: sa.Select[Any]
    model: Any
    columns: Sequence[Outgoing]
    style: Style
    typed: bool = False
    count: int = 0
    _names: dict[str, dict[int, str]] = field(default_factory=dict)
    _plans: dict[str, PartPlan | None] = field(default_factory=dict)
    _slots: dict[str, Slots] = field(default_factory=dict)

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """The rows, some hundred at a time."""
        own = {column.name: self._column(column) for column in self.columns if self._column(column) is not None}
        keys = list(own)
        places = {key: place for place, key in enumerate(keys, start=1)}
        statement = self.statement.with_only_columns(self.model.id, *(own[key] for key in keys))
        spelled = {column.name: self._spell(column) for column in self.columns}
        session = self.sessions()
        try:
            with acting_as(self.actor), reading():
                result = session.execute(statement.execution_options(yield_per=BATCH))
                partitions = result.partitions(BATCH)
            while True:
                # The server goes on asking after the request has ended, so each batch is read as the one who asked.
                with acting_as(self.actor), reading():
                    rows = next(partitions, None)
                    if rows is None:
                        return
                    values = list(zip(*rows, strict=True))
                    ids = values[0]
                    loaded = self._load(session, ids, values, places)
                    cells = []
                    for column in self.columns:
                        more: Sequence[Any] | None = loaded.get(column.name)
                        found = values[places[column.name]] if more is None else more
                        cells.append(spelled[column.name](found))
                self.count += len(ids)
                yield list(zip(*cells, strict=True))
        finally:
            session.close()

    def _column(self, column: Outgoing) -> Any:
        """The record's own column behind a column of the file: the key of a link, nothing for parts."""
        entry = column.field
        if column.computed is not None or entry.kind in ("links", "children"):
            return None
        if entry.kind == "link":
            return getattr(self.model, entry.column.key)
        return getattr(self.model, entry.name)

    def _spell(self, column: Outgoing) -> Callable[[Sequence[Any]], list[Any]]:
        """The function that writes the values of a batch."""
        entry = column.part or column.field
        ready = column.part is not None or entry.kind in ("links", "children") or entry.kind in TEXTS
        if entry.kind == "link":
            ready = self.typed or not self.style.codes
        if ready and column.computed is None:
            return lambda values: ["" if value is None else value for value in values]
        if self.typed and entry.kind in NUMBERS:
            return list
        if column.computed is not None or entry.kind in ("link", "integer"):
            return lambda values: ["" if value is None else str(value) for value in values]
        spell = spelling(entry, self.style)
        return lambda values: [spell(value) for value in values]

    def _load(
        self, session: Session, ids: Sequence[int], values: Sequence[Sequence[Any]], places: Mapping[str, int]
    ) -> dict[str, list[Any]]:
        """The values of a batch that are not in the record's own columns, by column."""
        loaded: dict[str, list[Any]] = {}
        self._slots.clear()
        parts: dict[str, Mapping[int, list[Any]]] = {}
        records: Sequence[Any] | None = None
        for column in self.columns:
            entry = column.field
            if column.computed is not None:
                if records is None:
                    records = self._records(session, ids)
                found = column.computed.load(records) if records else {}
                loaded[column.name] = [found.get(number) for number in ids]
            elif entry.kind == "link" and not self.style.codes:
                keys = values[places[column.name]]
                names = self._linked(session, entry, keys)
                loaded[column.name] = [names.get(key) for key in keys]
            elif entry.kind == "links":
                several = self._several(session, entry, ids)
                loaded[column.name] = [JOINT.join(several.get(number, ())) for number in ids]
            elif entry.kind == "children":
                if entry.name not in parts:
                    parts[entry.name] = self._parts(session, entry, ids)
                loaded[column.name] = self._part_cells(column, parts[entry.name], ids)
        return loaded

    def _records(self, session: Session, ids: Sequence[int]) -> Sequence[Any]:
        criterion = among(self.model.id, ids, session.get_bind().dialect)
        statement = sa.select(self.model).where(criterion).options(load_only(self.model.id))
        return session.scalars(statement).unique().all()

    def _linked(self, session: Session, entry: Field, keys: Sequence[int | None]) -> Mapping[int | None, str]:
        """Names of linked records; one that the reader may not see has none."""
        target: Any = entry.target
        known = self._names.setdefault(entry.name, {})
        if len(known) > KEPT:
            known.clear()
        absent = {key for key in keys if key is not None and key not in known}
        if absent:
            known.update(dict.fromkeys(absent, ""))
            statement = sa.select(target).where(among(target.id, absent, session.get_bind().dialect))
            for record in session.scalars(statement.execution_options(include_archived=True)).unique():
                known[record.id] = (record.name or record.email) if isinstance(record, User) else str(record)
        return known  # type: ignore[return-value]

    def _several(self, session: Session, entry: Field, ids: Sequence[int]) -> Mapping[int, list[str]]:
        prop = sa.inspect(self.model).relationships[entry.name]
        target: Any = entry.target
        near, far = prop.synchronize_pairs[0][1], prop.secondary_synchronize_pairs[0][1]
        statement = sa.select(near, target).select_from(prop.secondary).join(target, far == target.id)
        found: dict[int, list[str]] = {}
        for number, record in session.execute(statement.where(among(near, ids, session.get_bind().dialect))):
            found.setdefault(number, []).append(str(record.id) if self.style.codes else str(record))
        return {number: sorted(names) for number, names in found.items()}

    def _plan(self, entry: Field) -> PartPlan | None:
        if entry.name not in self._plans:
            self._plans[entry.name] = part_plan(entry)
        return self._plans[entry.name]

    def _parts(self, session: Session, entry: Field, ids: Sequence[int]) -> Mapping[int, list[Any]]:
        """Rows of parts by record: the label's code, and the values in the order of the plan."""
        plan = self._plan(entry)
        if plan is None:
            return {}
        part: Any = plan.part
        owner = next(iter(getattr(part, part.__whole__).property.local_columns))
        label = getattr(part, plan.label.name) if plan.label is not None else sa.literal("")
        columns = [getattr(part, value.name) for value in plan.values]
        statement = sa.select(owner, label, *columns).where(among(owner, ids, session.get_bind().dialect))
        found: dict[int, list[Any]] = {}
        for row in session.execute(statement.order_by(part.id)):
            found.setdefault(row[0], []).append(row[1:])
        return found

    def _part_cells(self, column: Outgoing, parts: Mapping[int, list[Any]], ids: Sequence[int]) -> list[str]:
        plan = self._plan(column.field)
        if plan is None:
            return [""] * len(ids)
        found = self._slots.get(column.field.name)
        if found is None:
            found = self._slots[column.field.name] = _slots(plan, parts, self.style)
        texts = found.get((column.slot, column.part.name if column.part is not None else ""), {})
        return [texts.get(number, "") for number in ids]


Slots = dict[tuple[str, str], dict[int, str]]
"""The texts of parts by slot and field, and by record; under two empty names what a list shows in one cell."""


def _slots(plan: PartPlan, parts: Mapping[int, list[Any]], style: Style) -> Slots:
    """The parts of a batch as texts: the first of each label in its slot, those that are left by number."""
    spells = [spelling(value, style) for value in plan.values]
    names = [value.name for value in plan.values]
    label = spelling(plan.label, style) if plan.label is not None else None
    found: Slots = {}
    for number, rows in parts.items():
        lines, seen, rest = [], set(), 0
        for code, *values in rows:
            texts = [spell(value) for spell, value in zip(spells, values, strict=True)]
            lines.append(", ".join(filter(None, texts)))
            if len(names) == 1:
                cells = found.setdefault((code, names[0]), {})
                cells[number] = f"{cells[number]}{JOINT}{texts[0]}" if number in cells else texts[0]
                continue
            slot = code
            if code in seen or plan.label is None:
                rest += 1
                slot = str(rest)
                if label is not None and plan.label is not None:
                    found.setdefault((slot, plan.label.name), {})[number] = label(code)
            seen.add(code)
            for name, text in zip(names, texts, strict=True):
                found.setdefault((slot, name), {})[number] = text
        found.setdefault(("", ""), {})[number] = JOINT.join(lines)
    return found
