"""The session is the gate: no screen, job or plugin reads or writes a record past these events.

read    do_orm_execute   archived rows left out, rows the actor may not see left out
write   before_flush     rights -> cleaning -> validation -> before_save hooks -> authorship
        after_flush      audit rows and outbox events, in the same transaction
commit  before_commit    a job that delivers the events is queued in the same transaction
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction, with_loader_criteria
from sqlalchemy.orm.attributes import instance_state

from core.accounts.actor import acting
from core.accounts.models import now
from core.errors import Forbidden
from core.jobs.queue import enqueue_if_idle
from core.records.audit import Audit, audit_row
from core.records.catalog import RecordType
from core.records.events import DELIVER, write_event
from core.records.policy import current_hooks, may, require, row_criteria
from core.records.record import Part, Record, Searchable
from core.records.validation import check_values
from core.text import fold_both, sort_key

PENDING = "gate_pending"
SORT_LENGTH = 400
# Managed columns whose changes are not part of the story.
SILENT = frozenset(
    {"updated_at", "updated_by_id", "created_at", "created_by_id", "version", "name_sort", "search_text"}
)

_described: dict[type, RecordType] = {}


class GatedSession(Session):
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
        return
    if state.is_update or state.is_delete or state.is_insert:
        touched = [mapper.class_ for mapper in state.all_mappers if issubclass(mapper.class_, Record)]
        for model in touched:
            if state.is_insert:
                require(f"{model.__record_type__}.create")
            elif not acting().system:
                raise Forbidden(f"{model.__record_type__}.bulk")
        return
    if not state.is_select:
        return
    options = []
    if not state.is_relationship_load and not state.execution_options.get("include_archived"):
        options.append(
            with_loader_criteria(
                Record, lambda model: model.archived_at.is_(None), include_aliases=True, propagate_to_loaders=False
            )
        )
    bases = {mapper.class_ for mapper in state.all_mappers if mapper.polymorphic_on is not None and not mapper.inherits}
    criteria = row_criteria(bases)
    options += [with_loader_criteria(model, criterion, include_aliases=True) for model, criterion in criteria]
    if options:
        state.statement = state.statement.options(*options)


@event.listens_for(GatedSession, "before_flush")
def admit(session: Session, _context: UOWTransaction, _instances: Any) -> None:
    """Check everything that is about to be written, hooks' own changes included."""
    seen: set[int] = set()
    pending = session.info.setdefault(PENDING, [])
    while True:
        fresh = [record for record in _touched(session) if id(record) not in seen]
        if not fresh:
            return
        for record in fresh:
            seen.add(id(record))
            entry = _admit_one(session, record)
            if entry is not None:
                pending.append(entry)


def _touched(session: Session) -> list[Record]:
    """Records that are new, changed or deleted, and the wholes of changed parts."""
    changed = [obj for obj in session.dirty if session.is_modified(obj)]
    records: dict[int, Record] = {}
    for obj in (*session.new, *changed, *session.deleted):
        whole = _whole(obj) if isinstance(obj, Part) else obj
        if isinstance(whole, Record):
            records[id(whole)] = whole
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


def _admit_one(session: Session, record: Record) -> tuple[Record, str, dict[str, tuple[Any, Any]]] | None:
    name = record.__record_type__
    if record in session.deleted:
        require(f"{name}.delete", record)
        current_hooks().veto("before_delete", record=record)
        return record, "purged", {}
    new = record in session.new
    changes = _changes(session, record)
    if not new and not changes:
        return None
    action = "created" if new else "changed"
    if "archived_at" in changes and not new:
        old, now_archived = changes.pop("archived_at")
        action = "deleted" if now_archived is not None else "restored"
        require(f"{name}.delete", record)
        if action == "deleted":
            current_hooks().veto("before_delete", record=record)
    if new:
        require(f"{name}.create", record)
    elif changes:
        require(f"{name}.edit", record)
    _check_links(session, record, changes)
    check_values(described(type(record)), record, changes, new=new)
    current_hooks().veto("before_save", record=record, changes=changes)
    changes = {key: pair for key, pair in _changes(session, record).items() if key != "archived_at"}
    _stamp(record, new=new)
    return record, action, changes


def _changes(session: Session, record: Record) -> dict[str, tuple[Any, Any]]:
    """Field to (old, new), links as the records they point to."""
    state = instance_state(record)
    fields = described(type(record)).fields
    changes: dict[str, tuple[Any, Any]] = {}
    for attribute in state.mapper.column_attrs:
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
        elif history.has_changes():
            old_rows = [str(row) for row in (*history.unchanged, *history.deleted)]
            changes[relation.key] = (old_rows, [str(row) for row in (*history.unchanged, *history.added)])
        elif field.kind == "children" and history.unchanged:
            edited = [row for row in history.unchanged if row in session.dirty and session.is_modified(row)]
            if edited:
                changes[relation.key] = ([_before(row) for row in edited], [str(row) for row in edited])
    return changes


def _before(part: Any) -> str:
    """The values of a part before this unit of work changed them."""
    state = instance_state(part)
    words = []
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        if history.deleted and history.deleted[0] not in (None, ""):
            words.append(str(history.deleted[0]))
    return " ".join(words)


def _check_links(session: Session, record: Record, changes: dict[str, tuple[Any, Any]]) -> None:
    """Nobody may point a record at one he may not see, neither by the record itself nor by its key."""
    if acting().system:
        return
    catalog = current_app.extensions["peyvand"].catalog
    for field in described(type(record)).fields.values():
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
        words = " ".join(word for word in record.search_words() if word)
        text, name = fold_both(words), sort_key(record.sort_name())[:SORT_LENGTH]
        if record.search_text != text:
            record.search_text = text
        if record.name_sort != name:
            record.name_sort = name


@event.listens_for(GatedSession, "after_flush")
def tell(session: Session, _context: UOWTransaction) -> None:
    """Write audit rows and events for what was just flushed."""
    pending = session.info.pop(PENDING, [])
    if not pending:
        return
    rows = [audit_row(record.__record_type__, record.id, action, changes) for record, action, changes in pending]
    session.connection().execute(sa.insert(Audit.__table__), rows)  # type: ignore[arg-type]
    for record, action, changes in pending:
        name = f"{record.__record_type__}.{'updated' if action == 'changed' else action}"
        write_event(session, name, record.__record_type__, record.id, {"fields": sorted(changes)})


@event.listens_for(GatedSession, "before_commit")
def queue_delivery(session: Session) -> None:
    """Queue the delivery of this transaction's events, in this transaction."""
    session.flush()
    if session.info.pop("events_waiting", False):
        enqueue_if_idle(DELIVER)


@event.listens_for(GatedSession, "after_soft_rollback")
def forget(session: Session, _previous: Any) -> None:
    """A rolled back unit of work has nothing to tell."""
    session.info.pop(PENDING, None)
    if not session.in_nested_transaction():
        session.info.pop("events_waiting", None)
