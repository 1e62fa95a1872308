"""The session is the gate: no screen, job or plugin reads or writes a record past these events.

read    do_orm_execute   archived rows left out, rows the actor may not see left out
        load             hidden fields are empty, and were not asked for
write   before_flush     nothing at all for whoever only reads
                         rights, of the stored record -> of fields -> cleaning -> validation -> hooks -> authorship
        after_flush      audit rows and outbox events, in the same transaction
commit  before_commit    a job that delivers the events is queued in the same transaction
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction
from sqlalchemy.orm.attributes import History, instance_state
from sqlalchemy.orm.util import identity_key

from core.accounts.actor import acting
from core.accounts.models import now
from core.database.engine import Session as RoutedSession
from core.errors import Forbidden
from core.jobs.queue import enqueue_if_idle
from core.records.audit import audit_row, part_row
from core.records.belongings import forget_belongings
from core.records.catalog import RecordType
from core.records.events import COMMITTING, DELIVER, delivery_waits, event_row, forget_delivery, write_history
from core.records.field_rights import (
    conceal,
    has_hidden,
    hiding,
    make_own,
    require_open,
    require_stored,
    reveal,
)
from core.records.fields import Field
from core.records.narrowing import asked_for, narrowing, with_options
from core.records.policy import bounds, current_hooks, may, require
from core.records.privacy.marks import ERASED, is_erasing
from core.records.record import Part, Record, Searchable
from core.records.totals import Kept, doubt, note_changes
from core.records.validation import check_entry, check_values
from core.text import fold_both, sort_key

PENDING = "gate_pending"
SORT_LENGTH = 400
# Ten saves in a second made ten processes of the worker, which took as much of the machine as the saves themselves.
DELIVERY_PAUSE = 1.0  # seconds
# Managed columns whose changes are not part of the story.
SILENT = frozenset(
    {"updated_at", "updated_by_id", "created_at", "created_by_id", "version", "name_sort", "search_text"}
)

_described: dict[type, RecordType] = {}


class GatedSession(RoutedSession):
    """The session of every unit of work."""


def described(model: type[Record]) -> RecordType:
    """The fields of any record class, with or without a screen."""
    if model not in _described:
        _described[model] = RecordType(model, model.__name__, model.__name__)
    return _described[model]


@event.listens_for(GatedSession, "do_orm_execute")
def narrow(state: ORMExecuteState) -> None:
    """Add the criteria of archive and policy to reads; refuse mass writes past the unit of work."""
    if state.is_column_load:
        if has_hidden():
            state.statement = state.statement.options(*hiding(state))
        return
    if state.is_update or state.is_delete or state.is_insert:
        if acting().read_only:
            raise Forbidden("write")
        touched = [mapper.class_ for mapper in state.all_mappers if issubclass(mapper.class_, Record)]
        for model in touched:
            doubt(state.session, _kept().get(model))
            if state.is_insert:
                permission = f"{model.__record_type__}.create"
                require(permission)
                if bounds(permission) or acting().fixed(model.__record_type__):
                    raise Forbidden(permission)  # nobody would look at each of them
            elif not acting().system:
                raise Forbidden(f"{model.__record_type__}.bulk")
        return
    if not state.is_select:
        return
    archived = state.is_relationship_load or bool(state.execution_options.get("include_archived"))
    options = narrowing(asked_for(state), archived=archived)
    if has_hidden():
        options = (*options, *hiding(state))
    if options:
        state.statement = with_options(state.statement, options)


@event.listens_for(GatedSession, "before_flush")
def admit(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """Check everything that is about to be written, hooks' own changes included."""
    if acting().read_only and (session.new or session.deleted or any(map(session.is_modified, session.dirty))):
        raise Forbidden("write")
    seen: set[int] = set()
    pending = session.info.setdefault(PENDING, [])
    while True:
        fresh = [(record, parts) for record, parts in _touched(session) if id(record) not in seen]
        if not fresh:
            return
        for record, parts in fresh:
            seen.add(id(record))
            entry = _admit_one(session, record, parts)
            if entry is not None:
                pending.append(entry)


def _touched(session: Session) -> list[tuple[Record, list[Part]]]:
    """Records that are new, changed or deleted, and the wholes of changed parts, with those parts."""
    changed = [obj for obj in session.dirty if session.is_modified(obj)]
    records: dict[int, tuple[Record, list[Part]]] = {}
    for obj in (*session.new, *changed, *session.deleted):
        whole = _whole(obj) if isinstance(obj, Part) else obj
        if isinstance(whole, Record):
            _record, parts = records.setdefault(id(whole), (whole, []))
            if isinstance(obj, Part):
                parts.append(obj)
    return list(records.values())


def _whole(part: Part) -> Any:
    """The record a part belongs to, or belonged to until now.

    Raises:
        Forbidden: there is none that the actor may see.
    """
    whole = getattr(part, part.__whole__)
    if whole is None:
        whole = next(iter(instance_state(part).attrs[part.__whole__].history.deleted or ()), None)
    if whole is None:
        raise Forbidden(f"{getattr(part, '__record_type__', 'part')}.edit")
    return whole


def _admit_one(
    session: Session, record: Record, parts: list[Part]
) -> tuple[Record, str, dict[str, tuple[Any, Any]]] | None:
    name = record.__record_type__
    if record in session.deleted:
        require_stored(session, "delete", record)
        current_hooks().veto("before_delete", record=record)
        return record, "purged", {}
    new = record in session.new
    changes = _changes(session, record, parts)
    if not new and not changes:
        return None
    action = "created" if new else "changed"
    if "archived_at" in changes and not new:
        old, now_archived = changes.pop("archived_at")
        action = "deleted" if now_archived is not None else "restored"
        require_stored(session, "delete", record)
        if action == "deleted":
            current_hooks().veto("before_delete", record=record)
    if new:
        make_own(record)
        require(f"{name}.create", record)
    elif changes:
        require_stored(session, "edit", record)
    require_open(record, changes, new=new)
    if not new:
        reveal(session, record)
    _check_links(session, record, changes)
    check_values(described(type(record)), record, changes, new=new)
    current_hooks().veto("before_save", record=record, changes=changes)
    changes = {key: pair for key, pair in _changes(session, record, parts).items() if key != "archived_at"}
    check_entry(described(type(record)), record, changes)
    if new:
        require(f"{name}.create", record)  # hooks may have given it to somebody else
    _stamp(record, new=new)
    return record, action, changes


def _changes(session: Session, record: Record, parts: list[Part]) -> dict[str, tuple[Any, Any]]:
    """Field to (old, new), links as the records they point to, ``parts`` among the rows they belong to."""
    state = instance_state(record)
    fields = described(type(record)).all_fields
    changes: dict[str, tuple[Any, Any]] = {}
    untouched = state.unmodified  # to ask each attribute for its history takes six times as long
    for attribute in state.mapper.column_attrs:
        if attribute.key in untouched:
            continue
        known = fields.get(attribute.key)
        if attribute.key in SILENT or (known is not None and known.managed and attribute.key != "archived_at"):
            continue
        history = state.attrs[attribute.key].history
        if history.has_changes():
            old = history.deleted[0] if history.deleted else None
            new = history.added[0] if history.added else None
            if old != new:
                changes[attribute.key] = (old, new)
    for relation in state.mapper.relationships:
        field = fields.get(relation.key)
        if field is None or relation.viewonly:
            continue
        history = state.attrs[relation.key].history
        if field.kind == "link":
            if history.has_changes():
                old, new = (history.deleted or [None])[0], (history.added or [None])[0]
                changes.pop(str(next((c.key for c in relation.local_columns), "")), None)
                if old is not new:
                    changes[relation.key] = (old, new)
        elif field.kind == "children":
            pair = _part_changes(session, field, history, parts)
            if any(pair):
                changes[relation.key] = pair
        elif history.has_changes():
            changes[relation.key] = (list(history.deleted), list(history.added))
    return changes


def _part_changes(
    session: Session, field: Field, history: History, parts: list[Part]
) -> tuple[list[Any], list[Any]]:
    """The rows that go, written down now, and those that come, to be told after the flush, when they have ids.

    A part may have been changed while the record's own list of them was never read.
    """
    own = [part for part in parts if field.target is not None and isinstance(part, field.target)]
    gone = [*history.deleted, *(part for part in own if part in session.deleted)]
    added = [*history.added, *(part for part in own if part in session.new)]
    edited = [part for part in own if part not in gone and part not in added]
    old = {id(row): part_row(row, before=True) for row in (*gone, *edited)}
    new = {id(row): row for row in (*added, *edited)}
    return list(old.values()), list(new.values())


def _check_links(session: Session, record: Record, changes: dict[str, tuple[Any, Any]]) -> None:
    """Nobody may point a record at one he may not see, neither by the record itself nor by its key."""
    if acting().system:
        return
    catalog = current_app.extensions["peyvand"].catalog
    for field in described(type(record)).all_fields.values():
        target: Any = field.target
        if field.kind != "link" or field.column is None or catalog.of(target) is None:
            continue
        by_record, by_key = changes.get(field.name, (None, None))[1], changes.get(field.column.key, (None, None))[1]
        if by_record is not None and by_record in session.new:
            continue  # it is made in this very unit of work, and admitted by itself
        key = by_record.id if by_record is not None else by_key
        if key is None:
            continue
        # The session narrows this query to what the actor may see; a record that it holds already is no proof.
        visible = sa.select(target.id).where(target.id == key).execution_options(include_archived=True)
        if session.scalar(visible) is None or not may(f"{target.__record_type__}.see", by_record):
            raise Forbidden(f"{target.__record_type__}.see")


def _stamp(record: Record, *, new: bool) -> None:
    actor = acting()
    if new and record.created_by_id is None:
        record.created_by_id = actor.user_id
    record.updated_by_id = actor.user_id
    record.updated_at = now()
    if isinstance(record, Searchable):
        for column, text in words_of(record).items():
            if getattr(record, column) != text:
                setattr(record, column, text)


def words_of(record: Searchable) -> dict[str, str]:
    """The columns by which ``record`` is found and sorted, as they have to be."""
    words = " ".join(word for word in record.search_words() if word)
    return {"search_text": fold_both(words), "name_sort": sort_key(record.sort_name())[:SORT_LENGTH]}


@event.listens_for(GatedSession, "after_flush")
def tell(session: Session, _context: UOWTransaction) -> None:
    """Write audit rows and events for what was just flushed."""
    pending = session.info.pop(PENDING, [])
    if not pending:
        return
    if is_erasing(session):
        # The history says that it was done; values that stood in it would be kept by that very row.
        pending = [
            (record, ERASED if action == "changed" else action, dict.fromkeys(changes, (None, None)))
            for record, action, changes in pending
        ]
    rows = [
        audit_row(record.__record_type__, record.id, action, _named_links(session, record, changes))
        for record, action, changes in pending
    ]
    names = {"changed": "updated", ERASED: "updated"}
    events = [
        event_row(f"{record.__record_type__}.{names.get(action, action)}", record.__record_type__, record.id,
                  {"fields": sorted(changes)})
        for record, action, changes in pending
    ]  # fmt: skip
    write_history(session, rows, events)
    note_changes(session, _kept(), ((record, action) for record, action, _changes in pending))
    for record, action, _changes in pending:
        conceal(record)
        if action == "purged":
            forget_belongings(session, record.__record_type__, [record.id])


def _named_links(session: Session, record: Record, changes: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """The changes, a link that was set by its key told like one that was set by its record."""
    links = {
        field.column.key: field
        for field in described(type(record)).all_fields.values()
        if field.kind == "link" and field.column is not None
    }
    told = {}
    for name, pair in changes.items():
        field = links.get(name)
        if field is None or field.target is None:
            told[name] = pair
        else:
            old, new = (_named(session, field.target, key) for key in pair)
            told.setdefault(field.name, (old, new))
    return told


def _named(session: Session, target: type[Any], key: int | None) -> dict[str, Any] | None:
    if key is None:
        return None
    held = session.identity_map.get(identity_key(target, key))
    return {"id": key, "name": str(held) if held is not None else f"#{key}"}


def _kept() -> Mapping[type, Kept]:
    kept: Mapping[type, Kept] = current_app.extensions["peyvand"].catalog.kept
    return kept


@event.listens_for(GatedSession, "before_commit")
def queue_delivery(session: Session) -> None:
    """Queue the delivery of this transaction's events, in this transaction."""
    session.info[COMMITTING] = True
    try:
        session.flush()
    finally:
        session.info.pop(COMMITTING)
    if session.info.pop("events_waiting", False) and not delivery_waits(session):
        enqueue_if_idle(DELIVER, pause=DELIVERY_PAUSE)
    forget_delivery(session)


@event.listens_for(GatedSession, "after_soft_rollback")
def forget(session: Session, _previous: Any) -> None:
    """A rolled back unit of work has nothing to tell."""
    session.info.pop(PENDING, None)
    forget_delivery(session)
    if not session.in_nested_transaction():
        session.info.pop("events_waiting", None)
