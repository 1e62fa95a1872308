"""What undoing an operation would do, before anybody decides; looked at, and nothing changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.records.audit import Audit
from core.records.catalog import current_catalog
from core.records.operations.batch import load
from core.records.operations.models import Operation
from core.records.operations.tracing import Conflict, Key, conflicts_of, later_rows, traces_of
from core.records.privacy.marks import is_erased

SHOWN = 100  # records with conflicts
COUNTED = 100_000  # audit rows


@dataclass(frozen=True)
class Changed:
    """A record that was changed since, with the fields that undoing would leave alone."""

    record: Any
    conflicts: Sequence[Conflict]


@dataclass(frozen=True)
class Preview:
    """``counts`` are records by what was done to them: ``created``, ``changed``, ``deleted``, ``restored``, ``purged``.

    ``changed`` are those that somebody changed since; ``more`` tells that there may be others. ``hidden`` counts those
    among them that are gone or that the person may not see. ``seen`` is the newest audit row of all.
    """

    counts: Mapping[str, int]
    changed: Sequence[Changed] = field(default_factory=tuple)
    hidden: int = 0
    more: bool = False
    seen: int = 0


def preview(session: Session, op: Operation) -> Preview:
    """Look at what undoing ``op`` would meet."""
    seen = session.scalar(sa.select(sa.func.max(Audit.id))) or 0
    keys = _touched_since(session, op, SHOWN + 1)
    types: dict[str, list[Key]] = defaultdict(list)
    for key in keys[:SHOWN]:
        types[key[0]].append(key)
    changed: list[Changed] = []
    hidden = 0
    for record_type, some in types.items():
        if record_type not in current_catalog():
            hidden += len(some)
            continue
        traces = [trace for trace in traces_of(session, op.id, some) if not trace.removed]
        records = load(session, current_catalog().find(record_type).model, traces)
        later = later_rows(session, traces, (op.id,))
        for trace in traces:
            record = records.get(trace.record_id)
            if record is None:
                hidden += 1
            elif conflicts := conflicts_of(trace, record, later.get(trace.key, ())):
                changed.append(Changed(record, conflicts))
    return Preview(_counts(session, op), changed, hidden, len(keys) > SHOWN, seen)


def _touched_since(session: Session, op: Operation, limit: int) -> list[Key]:
    """Records of the operation that have audit rows of somebody else after it."""
    mine, later = aliased(Audit), aliased(Audit)
    since = sa.exists().where(
        later.record_type == mine.record_type,
        later.record_id == mine.record_id,
        later.id > mine.id,
        sa.or_(later.operation.is_(None), later.operation != op.id),
    )
    touched = sa.select(mine.record_type, mine.record_id).where(mine.operation == op.id, since, ~is_erased(mine))
    statement = touched.distinct()
    return [(row.record_type, row.record_id) for row in session.execute(statement.limit(limit))]


def _counts(session: Session, op: Operation) -> dict[str, int]:
    some = (
        sa.select(Audit.action, Audit.record_type, Audit.record_id)
        .where(Audit.operation == op.id, ~is_erased())
        .distinct()
        .limit(COUNTED)
        .subquery()
    )
    rows = session.execute(sa.select(some.c.action, sa.func.count()).group_by(some.c.action))
    return {row[0]: row[1] for row in rows}
