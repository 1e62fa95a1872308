"""Many new records in a few statements, with everything the gate does for one: rights, hooks, audit, events.

Each record is made as an object without a session, in which hooks and the class itself see what they would see in a
save; then its row, its parts, its links, its history and its event go to the database with those of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapper, RelationshipProperty, Session
from sqlalchemy.orm.attributes import instance_state

from core.accounts.actor import acting
from core.accounts.models import now
from core.database.bulk import Load, insert_all, new_ids
from core.errors import Forbidden, ValidationError
from core.records.audit import Audit, audit_row, plain
from core.records.catalog import current_catalog
from core.records.events import alike
from core.records.gate import described, words_of
from core.records.policy import bounds, current_hooks, require
from core.records.record import Record, Searchable
from core.records.totals import note_inserted

# What is written in letters is a third as long as what is written in escapes.
_TOLD = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(slots=True)
class NewRecord:
    """What one record is made of: values by attribute, linked records by field, rows of parts by field."""

    values: dict[str, Any]
    links: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(slots=True)
class Admitted:
    """New records that nobody refused, beside the rows they were made of.

    ``told`` is the history of each: the names of its fields, and what is written of them, as JSON.
    """

    rows: Sequence[NewRecord]
    records: list[Any]
    told: list[tuple[tuple[str, ...], str]]


def bears_bulk(model: type[Record]) -> bool:
    """Whether everybody who guards records of ``model`` can judge them before they are in a session."""
    return current_hooks().bears_detached("before_save", model)


class BulkInsert:
    """Inserts records of one type.

    Args:
        session: the unit of work; everything happens in its transaction.
        model: the record class, also a subclass in its parent's table.
    """

    def __init__(self, session: Session, model: type[Record]) -> None:
        self.session = session
        self.model = model
        self.name = model.__record_type__
        self.fields = described(model).all_fields
        mapper: Mapper[Any] = sa.inspect(model)
        self.mapper = mapper
        self.table: Any = mapper.local_table
        self.columns = {prop.key: prop.columns[0].name for prop in mapper.column_attrs if prop.key != "id"}
        # Columns that the database would fill by itself.
        self.filled = {prop.key for prop in mapper.column_attrs if prop.columns[0].server_default is not None}
        self.defaults = _defaults(mapper)
        if mapper.polymorphic_on is not None:
            self.defaults[mapper.get_property_by_column(mapper.polymorphic_on).key] = mapper.polymorphic_identity
        self.limits = [
            (entry.name, entry.max_length)
            for entry in self.fields.values()
            if entry.max_length and entry.kind in ("text", "long_text", "url", "email") and not entry.managed
        ]
        several = ("links", "children")
        self.told = [entry.name for entry in self.fields.values() if not entry.managed and entry.kind not in several]
        self.part_defaults: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.part_keys: dict[str, tuple[str, ...]] = {}

    def admit(self, rows: Sequence[NewRecord]) -> Admitted:
        """Make the records of rows and ask everybody who may refuse them; nothing is written.

        Raises:
            Forbidden: the actor may not create such records.
            ValidationError: a value is too long, or a hook refused a record.
        """
        require(f"{self.name}.create")
        moment, actor_id = now(), acting().user_id
        stamp = {"created_at": moment, "updated_at": moment, "created_by_id": actor_id, "updated_by_id": actor_id}
        records = [self._record({**self.defaults, **stamp}, row) for row in rows]
        self._ask(records, rows)
        told = []
        for record, row in zip(records, rows, strict=True):
            changes = self._changes(record, row)
            told.append((tuple(changes), _TOLD(changes)))
        return Admitted(rows, records, told)

    def insert(self, admitted: Admitted) -> list[int]:
        """Insert records and return their ids, in their order."""
        connection, records = self.session.connection(), admitted.records
        # What the class itself fills may be written elsewhere too, so it belongs into this transaction.
        for listener in self.mapper.dispatch.before_insert:
            for record in records:
                listener(self.mapper, connection, instance_state(record))
        ids = new_ids(connection, self.table, len(records))
        if connection.dialect.name == "sqlite" and issubclass(self.model, Searchable):
            ids = _following_names(ids, records)
        insert_all(connection, self._loads(ids, admitted))
        kept = current_catalog().kept.get(self.model)
        note_inserted(self.session, kept, [record.__dict__ for record in records])
        return ids

    def _loads(self, ids: Sequence[int], admitted: Admitted) -> Iterator[Load]:
        """The rows of each table. The records come first, because all others refer to them and they take longest."""
        rows, records, told = admitted.rows, admitted.records, admitted.told
        held = [record.__dict__ for record in records]
        # What nobody has is left to the database, which makes nothing of it: half of the columns of most files.
        keys = [
            key for key in self.columns if key in self.filled or any(values.get(key) is not None for values in held)
        ]
        in_turn = list(zip(ids, held, strict=True))
        if issubclass(self.model, Searchable):
            # Neighbours by name fall into the same pages of most indexes.
            in_turn.sort(key=lambda entry: entry[1]["name_sort"])
        own = ([record_id, *map(values.get, keys)] for record_id, values in in_turn)
        yield self.table, ["id", *(self.columns[key] for key in keys)], own
        base = audit_row(self.name, None, "created", {})
        names = [name for name in base if name not in ("record_id", "changes")]
        fixed = [base[name] for name in names]
        history = ([*fixed, record_id, text] for record_id, (_names, text) in zip(ids, told, strict=True))
        audit: Any = Audit.__table__
        yield audit, [*names, "record_id", "changes"], history
        for name in dict.fromkeys(name for row in rows for name in row.parts):
            yield self._parts(name, ids, records)
        for name in dict.fromkeys(name for row in rows for name in row.links if self.fields[name].kind == "links"):
            yield self._links(name, ids, rows)
        actor_id = base["actor_id"]
        news = (self._news(record, told_of, actor_id) for record, (told_of, _text) in zip(records, told, strict=True))
        yield alike(self.session, f"{self.name}.created", self.name, zip(ids, news, strict=True))

    def _record(self, usual: Mapping[str, Any], row: NewRecord) -> Any:
        """The object that hooks look at, its values put in past the events that would make a change of each."""
        record = self.mapper.class_manager.new_instance()
        held = record.__dict__
        held.update(usual)
        held.update(row.values)
        for name, linked in row.links.items():
            held[name] = linked
        for name, parts in row.parts.items():
            held[name] = [self._part(name, values) for values in parts]
        return record

    def _part(self, name: str, values: Mapping[str, Any]) -> Any:
        manager, usual = self._part_plan(name)
        part = manager.new_instance()
        part.__dict__.update(usual)
        part.__dict__.update(values)
        return part

    def _part_plan(self, name: str) -> tuple[Any, dict[str, Any]]:
        if name not in self.part_defaults:
            mapper: Mapper[Any] = sa.inspect(self.fields[name].target)  # type: ignore[assignment]
            self.part_defaults[name] = (mapper.class_manager, _defaults(mapper))
        return self.part_defaults[name]

    def _ask(self, records: Sequence[Any], rows: Sequence[NewRecord]) -> None:
        """Ask everybody who may refuse a record, and fill what the gate fills."""
        hooks, permission = current_hooks(), f"{self.name}.create"
        judged = hooks.concerned("before_save", self.model)
        guarded = hooks.concerned("can", self.model) or bounds(permission)
        closed = acting().fixed(self.name)
        for record, row in zip(records, rows, strict=True):
            if guarded:
                require(permission, record)
            held = record.__dict__
            if closed and not closed.isdisjoint((*row.values, *row.links, *row.parts)):
                raise Forbidden(f"{self.name}.edit")
            for name, limit in self.limits:
                value = held.get(name)
                if value is not None and len(value) > limit:
                    raise ValidationError(**{name: _("At most %(limit)s characters.", limit=limit)})
            if judged:
                changes = {name: (None, value) for name, value in row.values.items()}
                hooks.veto("before_save", record=record, changes=changes)
            if isinstance(record, Searchable):
                held.update(words_of(record))

    def _parts(self, name: str, ids: Sequence[int], records: Sequence[Any]) -> Load:
        prop: RelationshipProperty[Any] = self.mapper.relationships[name]
        table: Any = prop.mapper.local_table
        (_local, foreign), *_more = prop.local_remote_pairs or ()
        keys = self._part_keys(name)
        parts = (
            [record_id, *map(part.__dict__.get, keys)]
            for record_id, record in zip(ids, records, strict=True)
            for part in record.__dict__.get(name, ())
        )
        return table, [foreign.name, *(prop.mapper.column_attrs[key].columns[0].name for key in keys)], parts

    def _part_keys(self, name: str) -> tuple[str, ...]:
        """The attributes of a part but its id and the way back to its whole."""
        if name not in self.part_keys:
            prop: RelationshipProperty[Any] = self.mapper.relationships[name]
            (_local, foreign), *_more = prop.local_remote_pairs or ()
            self.part_keys[name] = tuple(
                entry.key
                for entry in prop.mapper.column_attrs
                if not entry.columns[0].primary_key and entry.columns[0] is not foreign
            )
        return self.part_keys[name]

    def _links(self, name: str, ids: Sequence[int], rows: Sequence[NewRecord]) -> Load:
        prop: RelationshipProperty[Any] = self.mapper.relationships[name]
        table: Any = prop.secondary
        (_own, near), *_some = prop.synchronize_pairs
        (_their, far), *_others = prop.secondary_synchronize_pairs or ()
        marks = (
            (record_id, linked.id)
            for record_id, row in zip(ids, rows, strict=True)
            for linked in row.links.get(name, ())
        )
        return table, [near.name, far.name], marks

    @staticmethod
    def _news(record: Any, names: Sequence[str], actor_id: int | None) -> tuple[str, ...]:
        """The fields that the event tells of: nobody needs to hear that he is responsible for what he brought."""
        own = actor_id is not None and record.__dict__.get("owner_id") == actor_id
        return tuple(name for name in names if not (own and name == "owner"))

    def _changes(self, record: Any, row: NewRecord) -> dict[str, list[Any]]:
        held = record.__dict__
        changes: dict[str, list[Any]] = {}
        for name in self.told:
            value = held.get(name)
            # What nobody set is no part of the story, as in a save.
            if value is not None and (name in row.values or name in row.links or value != self.defaults.get(name)):
                changes[name] = [None, value if type(value) is str else plain(value)]
        for name, linked in row.links.items():
            if self.fields[name].kind == "links" and linked:
                changes[name] = [[], [plain(entry) for entry in linked]]
        for name in row.parts:
            if parts := held.get(name):
                changes[name] = [[], [self._told_part(name, part) for part in parts]]
        return changes

    def _told_part(self, name: str, part: Any) -> dict[str, Any]:
        """A part as ``core.records.audit.part_row`` tells of it, but without an id, which nobody knows yet."""
        held = part.__dict__
        values = {key: held.get(key) for key in self._part_keys(name)}
        told = {key: value if type(value) is str else plain(value) for key, value in values.items()}
        return {"id": None, "name": str(part), "values": told}


def _following_names(ids: Sequence[int], records: Sequence[Searchable]) -> list[int]:
    """``ids`` given to the records in the order of their names, in which most of SQLite's indexes are.

    Rows that come in that order fall into the same pages of them; in the order of a file each falls into others.
    """
    given = dict(zip(sorted(range(len(records)), key=lambda place: records[place].name_sort), ids, strict=True))
    return [given[place] for place in range(len(records))]


def _defaults(mapper: Mapper[Any]) -> dict[str, Any]:
    """What columns hold when nobody says anything."""
    found: dict[str, Any] = {}
    for prop in mapper.column_attrs:
        default = prop.columns[0].default
        if isinstance(default, sa.ColumnDefault) and default.is_scalar:
            found[prop.key] = default.arg
    return found
