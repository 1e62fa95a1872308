"""The rows of an exported file, read some thousand at a time: plain columns instead of objects.

    the record's own columns   one streamed query
    names of linked records    one query per batch for those not met before, as far as the reader may see them
    parts and links to many    one query per batch and field
    computed columns           one query per batch where they have a ``query``, else their own ``load``

A batch is a list of columns, not of rows: what is done to every cell is done to a whole column at once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
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
from core.records.transfer.ahead import abreast, ahead
from core.records.transfer.outgoing import Outgoing
from core.records.transfer.spelling import NUMBERS, Style, spelled, spelling
from core.records.transfer.streaming import rows_of, streamed
from core.records.transfer.targets import PartPlan, part_plan
from core.records.transfer.undisturbed import undisturbed

KEPT = 20_000  # names of linked records that are remembered
HANDS = 2  # batches at work at once: while one waits for the database another is spelled
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
    _plans: dict[str, PartPlan | None] = field(default_factory=dict)

    def batches(self) -> Iterator[list[Cells]]:
        """The columns of the file, each with the cells of the same some thousand records."""
        own = {column.name: found for column in self.columns if (found := self._column(column)) is not None}
        statement = self.statement.with_only_columns(self.model.id, *own.values())
        session = self.sessions()
        if session.get_bind().dialect.name != "postgresql":
            # What is beside the records is read in the same transaction, which shows both at the same moment.
            return ahead(self._one_by_one(session, statement, own))
        return self._abreast(session, statement, own)

    def _one_by_one(
        self, session: Session, statement: sa.Select[Any], own: Mapping[str, Any]
    ) -> Generator[list[Cells], None, None]:
        hand = _Hand(self, session, own)
        with closing(streamed(session, self.actor, statement)) as batches:
            for values in batches:
                self.count += len(values[0])
                yield hand.cells(values)

    def _abreast(
        self, session: Session, statement: sa.Select[Any], own: Mapping[str, Any]
    ) -> Generator[list[Cells], None, None]:
        """The records' own columns come by a connection of their own, those of the next records while two others bring
        what is beside these."""
        sessions = [self.sessions() for _hand in range(HANDS)]
        hands = [_Hand(self, beside, own) for beside in sessions]
        try:
            batches = ahead(streamed(session, self.actor, statement))
            with closing(abreast(batches, [hand.cells for hand in hands])) as made:
                for cells in made:
                    self.count += len(cells[0])
                    yield cells
        finally:
            for beside in sessions:
                beside.close()

    def _column(self, column: Outgoing) -> Any:
        """The record's own column behind a column of the file: the key of a link, nothing for parts."""
        entry = column.field
        if column.computed is not None or entry.kind in ("links", "children"):
            return None
        if entry.kind == "link":
            return getattr(self.model, entry.column.key)
        return getattr(self.model, entry.name)

    def spell(self, column: Outgoing) -> Callable[[Cells], Cells]:
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

    def plan(self, entry: Field) -> PartPlan | None:
        """How the parts in a field are written."""
        if entry.name not in self._plans:
            self._plans[entry.name] = part_plan(entry)
        return self._plans[entry.name]


class _Hand:
    """Makes cells of the records' own columns, and reads what is beside them by a session of its own.

    Args:
        file: what is read, and how it is written.
        session: nobody else uses it meanwhile.
        own: the records' own columns, by the names of columns of the file.
    """

    def __init__(self, file: Reading, session: Session, own: Mapping[str, Any]) -> None:
        self._file, self._session, self._style = file, session, file.style
        self._places = {name: place for place, name in enumerate(own, start=1)}
        self._spell = {column.name: file.spell(column) for column in file.columns}
        self._names: dict[str, dict[int | None, str | None]] = {}

    def cells(self, values: list[Cells]) -> list[Cells]:
        """The cells of a batch; the first of its columns is the records' ids."""
        # The server goes on asking after the request has ended, so each batch is read as the one who asked.
        with acting_as(self._file.actor), reading(), undisturbed():
            loaded = self._load(values)
            cells = []
            for column in self._file.columns:
                more: Cells | None = loaded.get(column.name)
                cells.append(self._spell[column.name](values[self._places[column.name]] if more is None else more))
        return cells

    def _load(self, values: Sequence[Cells]) -> dict[str, Cells]:
        """The values of a batch that are not in the record's own columns, by column."""
        ids = values[0]
        loaded: dict[str, Cells] = {}
        parts: dict[str, Slots] = {}
        for column in self._file.columns:
            entry = column.field
            if column.computed is not None:
                found = self._computed(column.computed, ids)
                loaded[column.name] = [*map(found.get, ids)]
            elif entry.kind == "link" and not self._style.codes:
                keys = values[self._places[column.name]]
                loaded[column.name] = [*map(self._linked(entry, keys).get, keys)]
            elif entry.kind == "links":
                several = self._several(entry, ids)
                loaded[column.name] = [*map(several.get, ids)]
            elif entry.kind == "children":
                if entry.name not in parts:
                    parts[entry.name] = self._parts(entry, ids)
                slot = (column.slot, column.part.name if column.part is not None else "")
                texts = parts[entry.name].get(slot, {})
                loaded[column.name] = [*map(texts.get, ids)]
        return loaded

    def _among(self, column: Any, ids: Iterable[Any]) -> sa.ColumnElement[bool]:
        return among(column, ids, self._session.get_bind().dialect)

    def _computed(self, column: Column, ids: Sequence[int]) -> Mapping[int, Any]:
        if column.query is not None:
            rows = rows_of(self._session, column.query(lambda key: self._among(key, ids))).all()
            return {row[0]: row[1] for row in rows}
        model = self._file.model
        records = self._session.scalars(sa.select(model).where(self._among(model.id, ids))).unique().all()
        return column.load(records) if records else {}

    def _linked(self, entry: Field, keys: Sequence[int | None]) -> Mapping[int | None, str | None]:
        """Names of linked records; one that the reader may not see has none."""
        target: Any = entry.target
        known = self._names.setdefault(entry.name, {None: None})
        if len(known) > KEPT:
            known.clear()
            known[None] = None
        absent = set(keys).difference(known)
        if absent:
            known.update(dict.fromkeys(absent))
            statement = sa.select(target.id, *_called(target)).where(self._among(target.id, absent))
            for row in rows_of(self._session, statement.execution_options(include_archived=True)).all():
                known[row[0]] = _name(row[0], row[1:])
        return known

    def _several(self, entry: Field, ids: Sequence[int]) -> Mapping[int, str]:
        prop = sa.inspect(self._file.model).relationships[entry.name]
        target: Any = entry.target
        near, far = prop.synchronize_pairs[0][1], prop.secondary_synchronize_pairs[0][1]
        called = () if self._style.codes else _called(target)
        statement = sa.select(near, target.id, *called).select_from(prop.secondary).join(target, far == target.id)
        found: dict[int, list[str]] = {}
        for row in rows_of(self._session, statement.where(self._among(near, ids))).all():
            found.setdefault(row[0], []).append(str(row[1]) if self._style.codes else _name(row[1], row[2:]))
        return {owner: JOINT.join(sorted(names)) for owner, names in found.items()}

    def _parts(self, entry: Field, ids: Sequence[int]) -> Slots:
        """The texts of the parts in a field."""
        plan = self._file.plan(entry)
        if plan is None:
            return {}
        part: Any = plan.part
        owner = next(iter(getattr(part, part.__whole__).property.local_columns))
        label = getattr(part, plan.label.name) if plan.label is not None else sa.literal("")
        columns = [getattr(part, value.name) for value in plan.values]
        statement = sa.select(owner, label, *columns).where(self._among(owner, ids)).order_by(part.id)
        found: dict[int, list[Any]] = {}
        for row in rows_of(self._session, statement).all():
            found.setdefault(row[0], []).append(row[1:])
        return _slots(plan, found, self._style)


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
