"""Many new records in a few statements, with everything the gate does for one: rights, hooks, audit, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.records.audit import record_created
from core.records.events import OutboxEvent
from core.records.fields import MANAGED
from core.records.policy import current_hooks, require
from core.records.record import Record
from core.text import fold_both, sort_key

PARAMETERS = 900  # of one IN list; SQLite took 999 at most for long
SORT_LENGTH = 400


def search_columns(words: Iterable[str | None], name: str) -> dict[str, str]:
    """The managed columns of a ``Searchable`` record, as the gate fills them."""
    joined = " ".join(word for word in words if word)
    return {"search_text": fold_both(joined), "name_sort": sort_key(name)[:SORT_LENGTH]}


def insert_records(
    session: Session,
    model: type[Record],
    rows: Sequence[Mapping[str, Any]],
    parts: Sequence[Mapping[str, Any]] | None = None,
) -> list[int]:
    """Insert records of one type in the session's transaction and return their ids in the order of ``rows``.

    The caller has cleaned and checked the values; the gate's checks per value are not repeated. ``before_save`` hooks
    hear of every record, as one that is not in a session yet, and may change or refuse it.

    Args:
        session: the unit of work.
        model: the record class, also a subclass in its parent's table.
        rows: values by attribute name; a missing attribute takes its column's default.
        parts: what the history tells of each record besides, such as its phone numbers; the caller inserts them.

    Raises:
        Forbidden: the actor may not create such records.
        ValidationError: a hook refused a record.
    """
    if not rows:
        return []
    require(f"{model.__record_type__}.create")
    mapper = sa.inspect(model)
    moment, actor_id = now(), acting().user_id
    stamp: dict[str, Any] = {
        "created_at": moment, "updated_at": moment, "created_by_id": actor_id, "updated_by_id": actor_id, "version": 1,
    }  # fmt: skip
    if mapper.polymorphic_on is not None:
        stamp[mapper.get_property_by_column(mapper.polymorphic_on).key] = mapper.polymorphic_identity
    told = _told(model, rows)
    column_of = {prop.key: prop.columns[0].name for prop in mapper.column_attrs}
    # One statement needs the same columns in every row.
    usual = {key: _default(mapper.columns[key]) for row in told for key in row} | stamp
    values = [{column_of[key]: value for key, value in {**usual, **row}.items()} for row in told]
    table = mapper.local_table
    statement = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    ids = list(session.connection().execute(statement, values).scalars())
    hidden = MANAGED | {prop.key for prop in mapper.column_attrs if prop.columns[0].info.get("managed")}
    shown = [
        {key: value for key, value in {**row, **more}.items() if key not in hidden and value not in (None, "", [])}
        for row, more in zip(told, parts or [{}] * len(told), strict=True)
    ]
    record_created(session, model.__record_type__, zip(ids, shown, strict=True))
    _announce(session, model.__record_type__, ids, shown)
    return ids


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """The values in lists short enough for one IN clause."""
    every = list(values)
    return (every[start : start + PARAMETERS] for start in range(0, len(every), PARAMETERS))


def _default(column: sa.Column[Any]) -> Any:
    return column.default.arg if isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar else None


def _told(model: type[Record], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows after the ``before_save`` hooks."""
    told = [dict(row) for row in rows]
    hooks = current_hooks()
    if not hooks.implements("before_save"):
        return told
    for row in told:
        record = model(**row)
        hooks.veto("before_save", record=record, changes={key: (None, value) for key, value in row.items()})
        row.update((key, getattr(record, key)) for key in row)
    return told


def _announce(session: Session, record_type: str, ids: Sequence[int], shown: Sequence[Mapping[str, Any]]) -> None:
    """One event per record, as if each had been saved by itself."""
    actor_id = acting().user_id
    rows = [
        {
            "name": f"{record_type}.created", "record_type": record_type, "record_id": record_id,
            "data": {"fields": sorted(values)}, "actor_id": actor_id,
        }
        for record_id, values in zip(ids, shown, strict=True)
    ]  # fmt: skip
    session.connection().execute(sa.insert(OutboxEvent.__table__), rows)  # type: ignore[arg-type]
    session.info["events_waiting"] = True
