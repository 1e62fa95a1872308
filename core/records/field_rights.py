"""Fields that roles hide or keep from being changed, and the record as it is stored: what the gate asks of each.

A hidden field is not selected, and is empty in every object that was loaded. While such a record is being written, its
true value is read, because hooks, search words and validation go by the whole of a record; then it is empty again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import Load, ORMExecuteState, QueryContext, Session, with_parent
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.sql import visitors

from core.accounts.actor import acting, as_system
from core.errors import Forbidden
from core.records.catalog import RecordType
from core.records.policy import bounds, may, require, scopes
from core.records.record import Record, Searchable, responsible_columns

# --- reading


def has_hidden() -> bool:
    """Whether anything is hidden from the current actor."""
    actor = acting()
    return not actor.system and actor.rights is not None and actor.rights.hides


def hidden_attributes(model: Any) -> frozenset[str]:
    """The mapped attributes of a record class that are not there for the current actor: with a link goes its key."""
    rights = acting().rights
    if rights is None or not has_hidden():
        return frozenset()
    key = ("hidden attributes", model)
    if key not in rights.kept:
        rights.kept[key] = _hidden_attributes(model)
    found: frozenset[str] = rights.kept[key]
    return found


def _hidden_attributes(model: Any) -> frozenset[str]:
    mapper = sa.inspect(model)
    # What is hidden of one kind of contact is not asked of contacts in general.
    kinds = (getattr(each.class_, "__record_type__", "") for each in mapper.self_and_descendants)
    hidden = frozenset().union(*(acting().hidden(kind) for kind in kinds))
    keys = {
        mapper.get_property_by_column(column).key
        for name in hidden
        if name in mapper.relationships and not mapper.relationships[name].uselist
        for column in mapper.relationships[name].local_columns
        if not column.primary_key
    }
    return hidden.union(keys).intersection(attribute.key for attribute in mapper.attrs)


def hiding(state: ORMExecuteState) -> Iterator[Any]:
    """The loader options that leave hidden fields out of a query.

    Raises:
        Forbidden: the query asks for such a field by itself. No name that comes from outside leads here, for the
            Catalog does not know it; this keeps a plugin's own queries from telling.
    """
    for described in getattr(state.statement, "column_descriptions", ()):  # a union has none
        entity = described["entity"]
        if entity is None or described["expr"] is not entity:
            continue
        mapper = sa.inspect(entity).mapper
        for name in hidden_attributes(mapper.class_):
            attribute = getattr(entity, name)
            yield Load(entity).lazyload(attribute) if name in mapper.relationships else Load(entity).defer(attribute)
    if not state.is_relationship_load:
        for select in visitors.iterate(state.statement):  # type: ignore[arg-type]
            for column in getattr(select, "_raw_columns", ()):
                _refuse_hidden(column)


def _refuse_hidden(asked: Any) -> None:
    for element in visitors.iterate(asked):
        # SQLAlchemy notes on a column of a statement which attribute of which entity it was.
        notes = getattr(element, "_annotations", {})
        entity, name = notes.get("parententity"), notes.get("proxy_key")
        if entity is not None and name in hidden_attributes(entity.mapper.class_):
            raise Forbidden(f"{entity.mapper.class_.__record_type__}.{name}")


def hidden_parts() -> Iterator[tuple[type, Any]]:
    """For every list of parts that is hidden, the criterion that no such part is found, however it is asked for."""
    for record_type in current_app.extensions["peyvand"].catalog:
        for name in acting().hidden(record_type.name):
            field = record_type.all_fields.get(name)
            if field is not None and field.kind == "children" and field.target is not None:
                yield field.target, sa.false()


@event.listens_for(Record, "load", propagate=True)
def _loaded(record: Record, _context: QueryContext) -> None:
    if has_hidden():
        conceal(record)


@event.listens_for(Record, "refresh", propagate=True)
def _refreshed(record: Record, _context: QueryContext, _attributes: Any) -> None:
    if has_hidden():
        conceal(record)


@event.listens_for(Record, "expire", propagate=True)
def _expired(record: Record | None, _attributes: Any) -> None:
    # What has expired is read again by name, past the options of the query. A record that nobody holds is none.
    if record is not None and has_hidden():
        conceal(record)


def conceal(record: Record) -> None:
    """Empty the fields of ``record`` that are hidden from the current actor, without that being a change."""
    mapper = instance_state(record).mapper
    for name in hidden_attributes(type(record)):
        many = name in mapper.relationships and mapper.relationships[name].uselist
        set_committed_value(record, name, [] if many else None)


def reveal(session: Session, record: Any) -> None:
    """Read what is hidden of a stored record, for the time of its being written; ``conceal`` ends that."""
    hidden = hidden_attributes(type(record))
    if not hidden:
        return
    model, mapper = type(record), instance_state(record).mapper
    columns = [getattr(model, name) for name in sorted(hidden) if name in mapper.column_attrs]
    links = [name for name in sorted(hidden) if name in mapper.relationships]
    everything = {"include_archived": True}
    with session.no_autoflush, as_system("the whole record", source=acting().source):
        if columns:
            asked = sa.select(*columns).where(model.id == record.id).execution_options(**everything)
            for column, value in zip(columns, session.execute(asked).one(), strict=True):
                set_committed_value(record, column.key, value)
        for name in links:
            # Asked for anew: a record remembers under which criteria it was loaded, and so what it links to.
            prop: Any = mapper.relationships[name]
            keys = [getattr(record, mapper.get_property_by_column(column).key) for column in prop.local_columns]
            if not prop.uselist and None in keys:
                set_committed_value(record, name, None)
                continue
            asked = sa.select(prop.entity.class_).where(with_parent(record, getattr(model, name)))
            found = session.scalars(asked.order_by(*(prop.order_by or ())).execution_options(**everything)).unique()
            set_committed_value(record, name, list(found) if prop.uselist else found.one_or_none())


# --- writing


def require_open(record: Record, changes: Mapping[str, tuple[Any, Any]], *, new: bool) -> None:
    """Refuse what the roles keep from being changed.

    Raises:
        Forbidden: a field among ``changes`` is hidden or read-only; a new record may have what it has anyway.
    """
    closed = acting().fixed(record.__record_type__)
    if not closed:
        return
    for name in (closed | _links_of(record, closed)).intersection(changes):
        if not new or changes[name][1] not in (None, [], _default(record, name)):
            raise Forbidden(f"{record.__record_type__}.{name}")


def _links_of(record: Record, names: frozenset[str]) -> set[str]:
    """The keys under which links of these names may be set too."""
    mapper = instance_state(record).mapper
    links = (mapper.relationships[name] for name in names if name in mapper.relationships)
    return {
        mapper.get_property_by_column(column).key
        for link in links
        if not link.uselist
        for column in link.local_columns
    }


def _default(record: Record, name: str) -> Any:
    column = instance_state(record).mapper.columns.get(name)
    default = column.default if column is not None else None
    return default.arg if isinstance(default, sa.ColumnDefault) and default.is_scalar else None


def make_own(record: Any) -> None:
    """Give a new record without an owner to its maker, where his roles let him make nobody else's."""
    if bounds(f"{record.__record_type__}.create") and not scopes().responsible(record):
        name = responsible_columns(type(record))[0]
        setattr(record, name, acting().user_id)


def require_stored(session: Session, verb: str, record: Record) -> None:
    """Refuse unless the actor may ``verb`` the record as it is stored: a change must not bring itself within reach.

    Raises:
        Forbidden: the permission is missing, scope or rules do not reach the record, or a plugin denied it.
    """
    permission = f"{record.__record_type__}.{verb}"
    grants = bounds(permission)
    if not grants:
        require(permission, record)
        return
    record_type = current_app.extensions["peyvand"].catalog.of(type(record))
    if not may(permission, record, bounded=False) or record_type is None:
        raise Forbidden(permission)
    model: Any = type(record)
    reached = sa.select(model.id).where(model.id == record.id, scopes().criterion(record_type, grants))
    with session.no_autoflush:
        if session.scalar(reached.execution_options(include_archived=True)) is None:
            raise Forbidden(permission)


# --- what cannot be hidden


def naming_fields(record_type: RecordType) -> frozenset[str]:
    """The fields that make the name of a record: each is filled with a word of its own, and the name is looked at.

    A record is told by its name in every list, link and history, so these are not hidden.
    """
    words = {
        name: f"word{number}x"
        for number, (name, field) in enumerate(record_type.all_fields.items())
        if field.kind in ("text", "long_text", "email", "phone", "url") and not field.managed
    }
    named: set[str] = set()
    for chosen in (list(words), *([name] for name in words)):
        probe = instance_state(record_type.model()).mapper.class_manager.new_instance()
        for name, word in words.items():
            probe.__dict__[name] = word if name in chosen else ""
        try:
            told = f"{probe} {probe.sort_name() if isinstance(probe, Searchable) else ''}"
        except Exception:  # noqa: S112 - a name that needs more than words tells nothing here
            continue
        named.update(name for name in chosen if words[name] in told)
    return frozenset(named)
