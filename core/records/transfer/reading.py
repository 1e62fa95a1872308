"""The rows of an exported file, read some thousand at a time: plain columns instead of objects.

    the record's own columns   one streamed query
    names of linked records    one query per batch for those not met before, as far as the reader may see them
    parts and links to many    one query per batch and field
    computed columns           one query per batch where they have a ``query``, else their own ``load``

A batch is a list of columns, not of rows: what is done to every cell is done to a whole column at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import Actor, acting_as
from core.accounts.models import User
from core.database.bulk import among
from core.database.engine import reading
from core.parts import Column
from core.records.fields import Field
from core.records.record import Record
from core.records.transfer.ahead import ahead
from core.records.transfer.outgoing import Outgoing
from core.records.transfer.spelling import NUMBERS, Style, spelled, spelling
from core.records.transfer.streaming import rows_of, streamed
from core.records.transfer.targets import PartPlan, part_plan
from core.records.transfer.undisturbed import undisturbed

KEPT = 20_000  # names of linked records that are remembered
JOINT = "; "
TEXTS = frozenset({"text", "long_text", "email", "url", "phone"})  # kinds that are texts already

Cells = Sequence[Any]


@dataclass
class Reading:
    """Reads the records of a statement as columns of cells: texts, numbers as they are where nothing else is asked for,
    and None where there is nothing.

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
    _names: dict[str, dict[int | None, str | None]] = field(default_factory=dict)
    _plans: dict[str, PartPlan | None] = field(default_factory=dict)
    _slots: dict[str, Slots] = field(default_factory=dict)

    def batches(self) -> Iterator[list[Cells]]:
        """The columns of the file, each with the cells of the same some thousand records."""
        return ahead(self._batches())

    def _batches(self) -> Generator[list[Cells], None, None]:
        own = {column.name: found for column in self.columns if (found := self._column(column)) is not None}
        places = {key: place for place, key in enumerate(own, start=1)}
        spell = {column.name: self._spell(column) for column in self.columns}
        statement = self.statement.with_only_columns(self.model.id, *own.values())
        session = self.sessions()
        try:
            with closing(self._own(session, statement)) as batches:
                # The server goes on asking after the request has ended, so each batch is read as the one who asked.
                for values in batches:
                    with acting_as(self.actor), reading(), undisturbed():
                        loaded = self._load(session, values[0], values, places)
                        cells = []
                        for column in self.columns:
                            more: Cells | None = loaded.get(column.name)
                            found = values[places[column.name]] if more is None else more
                            cells.append(spell[column.name](found))
                        self.count += len(values[0])
                        del values, loaded
                    yield cells
        finally:
            session.close()

    def _own(self, session: Session, statement: sa.Select[Any]) -> Generator[list[Cells], None, None]:
        """The record's own columns, those of the next records read ahead by a connection of their own.

        On SQLite what is beside the records is read in the same transaction, which shows both at the same moment.
        """
        if session.get_bind().dialect.name == "postgresql":
            return ahead(streamed(self.sessions(), self.actor, statement))
        return streamed(session, self.actor, statement)

    def _column(self, column: Outgoing) -> Any:
        """The record's own column behind a column of the file: the key of a link, nothing for parts."""
        entry = column.field
        if column.computed is not None or entry.kind in ("links", "children"):
            return None
        if entry.kind == "link":
            return getattr(self.model, entry.column.key)
        return getattr(self.model, entry.name)

    def _spell(self, column: Outgoing) -> Callable[[Cells], Cells]:
        """The function that writes the values of a batch."""
        entry = column.part or column.field
        ready = column.part is not None or entry.kind in ("links", "children") or entry.kind in TEXTS
        if entry.kind == "link":
            ready = self.typed or not self.style.codes
        if ready and column.computed is None:
            return _as_they_are
        if entry.kind == "integer" or (self.typed and entry.kind in NUMBERS):
            return _as_they_are
        if column.computed is not None or entry.kind == "link":
            return _as_texts
        return spelled(entry, self.style)

    def _load(
        self, session: Session, ids: Sequence[int], values: Sequence[Cells], places: Mapping[str, int]
    ) -> dict[str, Cells]:
        """The values of a batch that are not in the record's own columns, by column."""
        loaded: dict[str, Cells] = {}
        self._slots.clear()
        parts: dict[str, Mapping[int, list[Any]]] = {}
        for column in self.columns:
            entry = column.field
            if column.computed is not None:
                found = self._computed(session, column.computed, ids)
                loaded[column.name] = [*map(found.get, ids)]
            elif entry.kind == "link" and not self.style.codes:
                keys = values[places[column.name]]
                loaded[column.name] = [*map(self._linked(session, entry, keys).get, keys)]
            elif entry.kind == "links":
                several = self._several(session, entry, ids)
                loaded[column.name] = [*map(several.get, ids)]
            elif entry.kind == "children":
                if entry.name not in parts:
                    parts[entry.name] = self._parts(session, entry, ids)
                loaded[column.name] = self._part_cells(column, parts[entry.name], ids)
        return loaded

    def _computed(self, session: Session, column: Column, ids: Sequence[int]) -> Mapping[int, Any]:
        dialect = session.get_bind().dialect
        if column.query is not None:
            return dict(map(tuple, rows_of(session, column.query(lambda key: among(key, ids, dialect)))))
        records = session.scalars(sa.select(self.model).where(among(self.model.id, ids, dialect))).unique().all()
        return column.load(records) if records else {}

    def _linked(self, session: Session, entry: Field, keys: Sequence[int | None]) -> Mapping[int | None, str | None]:
        """Names of linked records; one that the reader may not see has none."""
        target: Any = entry.target
        known = self._names.setdefault(entry.name, {None: None})
        if len(known) > KEPT:
            known.clear()
            known[None] = None
        absent = set(keys).difference(known)
        if absent:
            known.update(dict.fromkeys(absent))
            statement = sa.select(target.id, *_called(target)).where(
                among(target.id, absent, session.get_bind().dialect)
            )
            for number, *called in session.execute(statement.execution_options(include_archived=True)).unique():
                known[number] = _name(number, called)
        return known

    def _several(self, session: Session, entry: Field, ids: Sequence[int]) -> Mapping[int, str]:
        prop = sa.inspect(self.model).relationships[entry.name]
        target: Any = entry.target
        near, far = prop.synchronize_pairs[0][1], prop.secondary_synchronize_pairs[0][1]
        called = () if self.style.codes else _called(target)
        statement = sa.select(near, target.id, *called).select_from(prop.secondary).join(target, far == target.id)
        found: dict[int, list[str]] = {}
        statement = statement.where(among(near, ids, session.get_bind().dialect))
        for owner, number, *names in session.execute(statement).unique():
            found.setdefault(owner, []).append(str(number) if self.style.codes else _name(number, names))
        return {owner: JOINT.join(sorted(names)) for owner, names in found.items()}

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
        for row in rows_of(session, statement.order_by(part.id)):
            found.setdefault(row[0], []).append(row[1:])
        return found

    def _part_cells(self, column: Outgoing, parts: Mapping[int, list[Any]], ids: Sequence[int]) -> Cells:
        plan = self._plan(column.field)
        if plan is None:
            return [None] * len(ids)
        found = self._slots.get(column.field.name)
        if found is None:
            found = self._slots[column.field.name] = _slots(plan, parts, self.style)
        texts = found.get((column.slot, column.part.name if column.part is not None else ""), {})
        return [*map(texts.get, ids)]


def _as_they_are(values: Cells) -> Cells:
    return values


def _as_texts(values: Cells) -> Cells:
    return [None if value is None else str(value) for value in values]


def _called(target: Any) -> tuple[Any, ...]:
    """What is read of a linked record to name it: its name, or the object where the class itself says more."""
    if target is User:
        return (User.name, User.email)
    if target.__str__ is Record.__str__ and "name" in sa.inspect(target).columns:
        return (target.name,)
    return (target,)


def _name(number: int, called: Sequence[Any]) -> str:
    return next((str(name) for name in called if name), f"#{number}")


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
