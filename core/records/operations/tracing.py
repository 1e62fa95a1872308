"""What one operation did to each record, read out of its audit rows, and what happened to the record since.

    audit rows of one record         net
    created, changed, changed   ->   made; nothing to put back
    changed a->b, changed b->c  ->   a->c
    changed, deleted            ->   fields, and from the list into the bin

Of a record that was erased nothing is read: no undo brings back what a person had removed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.database.bulk import among
from core.parts import Label
from core.records.audit import Audit
from core.records.operations.restoring import fields_of, same
from core.records.privacy.marks import is_erased
from core.records.record import Record

PAGE = 3_000  # audit rows; enough that a large import is removed in few statements
Key = tuple[str, int]


@dataclass
class Trace:
    """What an operation did to one record, all its audit rows taken together.

    ``made`` and ``removed`` tell that the record came to be or was removed for good; ``archived`` is whether it lay in
    the bin before and after, or None. ``fields`` maps names to the value before and after. ``rows`` are the ids of the
    first and the last audit row. ``system`` tells that the installation acted by itself, for a reason it gave.
    """

    key: Key
    rows: tuple[int, int]
    made: bool = False
    removed: bool = False
    archived: tuple[bool, bool] | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    system: bool = False

    @property
    def record_type(self) -> str:
        return self.key[0]

    @property
    def record_id(self) -> int:
        return self.key[1]


@dataclass(frozen=True)
class Conflict:
    """A field that does not hold what the operation wrote; ``audit_id`` is the last change of it that is known of."""

    field: str
    label: Label
    by: str
    at: dt.datetime | None
    audit_id: int

    @property
    def sentence(self) -> str:
        """Why the field is left as it is."""
        if self.by:
            return _("%(field)s was changed since by %(name)s and stays as it is.", field=self.label, name=self.by)
        return _("%(field)s was changed since and stays as it is.", field=self.label)


def newest_traces(session: Session, operation: str, before: int | None, limit: int = PAGE) -> tuple[list[Trace], int]:
    """What the operation did to the records it touched last, the latest first.

    Args:
        session: the unit of work.
        operation: the operation's id.
        before: only audit rows older than this one are looked at, for going on.
        limit: how many audit rows to look at.

    Returns:
        The traces, and where to go on: 0 after the last one.
    """
    wanted = sa.select(Audit.id, Audit.record_type, Audit.record_id).where(
        Audit.operation == operation, Audit.record_id.is_not(None), ~is_erased()
    )
    if before is not None:
        wanted = wanted.where(Audit.id < before)
    page = session.execute(wanted.order_by(Audit.id.desc()).limit(limit)).all()
    if not page:
        return [], 0
    keys = {(row.record_type, row.record_id): None for row in page}
    traces = [trace for trace in traces_of(session, operation, keys) if before is None or trace.rows[1] < before]
    return sorted(traces, key=lambda trace: trace.rows[1], reverse=True), page[-1].id if len(page) == limit else 0


def traces_of(session: Session, operation: str, keys: Iterable[Key]) -> list[Trace]:
    """What the operation did to these records."""
    rows: dict[Key, list[Any]] = defaultdict(list)
    for record_type, ids in _by_type(keys).items():
        found = session.execute(
            _columns()
            .where(Audit.record_type == record_type, Audit.operation == operation)
            .where(among(Audit.record_id, ids, session.get_bind().dialect))
            .order_by(Audit.id)
        )
        for row in found:
            rows[row.record_type, row.record_id].append(row)
    return [_trace(key, some) for key, some in rows.items()]


def _columns() -> sa.Select[Any]:
    return sa.select(
        Audit.id, Audit.at, Audit.actor_name, Audit.reason, Audit.record_type, Audit.record_id, Audit.action,
        Audit.changes,
    ).where(~is_erased())  # fmt: skip


def _trace(key: Key, rows: Sequence[Any]) -> Trace:
    trace = Trace(key, (rows[0].id, rows[-1].id), made=rows[0].action == "created", removed=rows[-1].action == "purged")
    for row in rows:
        trace.system = trace.system or bool(row.reason)
        if row.action in ("deleted", "restored"):
            before = trace.archived[0] if trace.archived else row.action == "restored"
            trace.archived = (before, row.action == "deleted")
        for name, (old, new) in row.changes.items():
            trace.fields[name] = combined(trace.fields.get(name), old, new)
    return trace


def combined(before: tuple[Any, Any] | None, old: Any, new: Any) -> tuple[Any, Any]:
    """Two changes of one field after another, as one. Of rows that came and went, nothing is left to tell."""
    if before is None:
        return old, new
    if not all(_is_rows(value) for value in (*before, old, new)):
        return before[0], new
    gone, came = list(before[0] or ()), list(before[1] or ())
    gone += [row for row in old or () if not _among(row, came) and not _among(row, gone)]
    return gone, [row for row in came if not _among(row, old or ())] + list(new or ())


def _is_rows(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(row, dict) for row in value))


def _among(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether ``row`` is one of ``rows``; one without an id, as imports tell of them, is known by its values."""
    return any(
        row["id"] == other["id"] if row.get("id") and other.get("id") else row.get("values") == other.get("values")
        for other in rows
    )


def later_rows(session: Session, traces: Sequence[Trace], but: Sequence[str]) -> Mapping[Key, list[Any]]:
    """The audit rows that records got after an operation, oldest first, those of the operations ``but`` left out."""
    found: dict[Key, list[Any]] = defaultdict(list)
    last = {trace.key: trace.rows[1] for trace in traces}
    for record_type, ids in _by_type(last).items():
        statement = _columns().where(
            Audit.record_type == record_type,
            among(Audit.record_id, ids, session.get_bind().dialect),
            Audit.id > min(last[record_type, number] for number in ids),
            sa.or_(Audit.operation.is_(None), Audit.operation.not_in(but)),
        )
        for row in session.execute(statement.order_by(Audit.id)):
            if row.id > last[row.record_type, row.record_id]:
                found[row.record_type, row.record_id].append(row)
    return found


def conflicts_of(trace: Trace, record: Record, later: Sequence[Any]) -> list[Conflict]:
    """The fields that cannot be put back without losing what somebody did since."""
    if trace.made:
        touched = [row for row in later if row.action == "changed"]
        known = fields_of(type(record))
        names = dict.fromkeys(name for row in touched for name in row.changes)
        return [_conflict(name, known[name].label if name in known else name, touched) for name in names]
    known = fields_of(type(record))
    return [
        _conflict(name, known[name].label if name in known else name, later)
        for name, (old, new) in trace.fields.items()
        if not same(record, name, new, old) and not same(record, name, old, new)
    ]


def _conflict(name: str, label: Label, later: Sequence[Any]) -> Conflict:
    row = next((row for row in reversed(later) if name in row.changes), None)
    if row is None:
        return Conflict(name, label, "", None, 0)
    return Conflict(name, label, row.actor_name or row.reason, row.at, row.id)


def _by_type(keys: Iterable[Key]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = defaultdict(list)
    for record_type, record_id in keys:
        ids[record_type].append(record_id)
    return ids
