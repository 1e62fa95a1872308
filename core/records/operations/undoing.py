"""Undo: what an operation did is taken back record by record, the latest first.

    changed           the old values come back, field by field
    deleted           the record comes out of the bin
    created           the record is removed for good, or goes into the bin when something refers to it
    removed for good  the record is made again from its history

A field that was changed since is left alone, unless the person who undoes said otherwise. An undo is an operation
itself, so it can be undone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.errors import Blocked
from core.jobs.progress import Cancelled, Progress
from core.jobs.queue import enqueue
from core.records.note import Note
from core.records.operations.batch import WAITS, Batch
from core.records.operations.models import (
    DONE,
    FINAL,
    PARTLY_UNDONE,
    RUNNING,
    UNDO,
    UNDONE,
    Operation,
    OperationProblem,
)
from core.records.operations.running import (
    ClaimLost,
    begin,
    claim,
    operation,
    settle_lost,
)
from core.records.operations.tracing import newest_traces, traces_of

UNDO_JOB = "core.undo_operation"
AT_ONCE = 200  # records; more is work for a job
NEWEST = 2**62  # a checkpoint before the newest audit row


def undo(session: Session, op: Operation, *, also: bool = False, seen: int = 0) -> Operation:
    """Take an operation back: at once when it is small, by a job when it is not.

    Args:
        session: the unit of work; the caller commits.
        op: an operation that has ended.
        also: fields that were changed since are put back too.
        seen: the last audit row that the person saw; what was changed after it is left alone in any case.

    Returns:
        The operation that takes it back.

    Raises:
        Blocked: it is still running, or it was or is being taken back already.
    """
    settle_lost(session, op)
    if op.state == RUNNING:
        raise Blocked(_("This is still running."))
    if op.kind in FINAL:
        raise Blocked(_("What was deleted for good does not come back."))
    if op.state == UNDONE:
        raise Blocked(_("This has been undone already."))
    before = session.get(Operation, op.undone_by) if op.undone_by is not None else None
    if before is not None:
        settle_lost(session, before)
        if before.state == RUNNING:
            raise Blocked(_("Somebody is undoing this already."))
    back = begin(session, kind=UNDO, record_type=op.record_type, label=op.label, undo_of=op.id)
    back.total, back.checkpoint, back.plan = op.size, NEWEST, {"also": also, "seen": seen}
    claimed = session.connection().execute(
        sa.update(Operation.__table__)  # type: ignore[arg-type]
        .where(Operation.id == op.id, Operation.state == op.state)
        .where(Operation.undone_by.is_not_distinct_from(op.undone_by))
        .values(undone_by=back.id)
    )
    if claimed.rowcount != 1:
        session.expunge(back)
        session.refresh(op)
        raise Blocked(_("Somebody is undoing this already."))
    session.flush()
    session.refresh(op)
    if op.size > AT_ONCE:
        back.job_id = enqueue(UNDO_JOB, key=f"undo-{back.id}", operation_id=back.id).id
        return back
    with operation(session, kind=UNDO, id=back.id):
        while _step(session, back, op):
            pass
        _settle(session, back, op)
    return back


def run_undo(progress: Progress, operation_id: str) -> dict[str, Any]:
    """The job that takes an operation back, a batch at a time."""
    session: Session = current_app.extensions["peyvand"].runtime.database.session()
    back = session.get(Operation, operation_id)
    if back is None or back.state != RUNNING or back.undo_of is None:
        session.rollback()
        return {}
    undo_of = back.undo_of
    try:
        with operation(session, kind=UNDO, id=operation_id):
            while _step(session, *_pair(session, operation_id, undo_of)):
                back, _op = _pair(session, operation_id, undo_of)
                done, total = back.size + back.skipped, back.total
                session.commit()
                # The records of this batch are not needed for the next; kept, they would grow with the operation.
                session.expunge_all()
                progress.report(done, total)
            _settle(session, *_pair(session, operation_id, undo_of))
    except ClaimLost:
        session.rollback()
    except Cancelled:
        op = session.get(Operation, undo_of)
        if op is not None:
            op.state = PARTLY_UNDONE
        session.commit()
        raise
    return {"url": f"/operations/{operation_id}", "label": _("What was undone")}


def _pair(session: Session, operation_id: str, undo_of: str) -> tuple[Operation, Operation]:
    return session.get_one(Operation, operation_id), session.get_one(Operation, undo_of)


def _settle(session: Session, back: Operation, op: Operation) -> None:
    """Write down how it ended. Undoing an undo makes what that one took back stand again."""
    whole = back.skipped == 0
    # Notes stand in no audit row: those that the operation brought go with it.
    session.execute(sa.delete(Note).where(Note.operation == op.id).execution_options(synchronize_session=False))
    op.state = UNDONE if whole else PARTLY_UNDONE
    if op.undo_of is not None:
        first = session.get(Operation, op.undo_of)
        if first is not None:
            first.state = DONE if whole else PARTLY_UNDONE
            first.undone_by = None if whole else first.undone_by


def _step(session: Session, back: Operation, op: Operation) -> bool:
    """One batch; whether there may be more. First everything from the newest to the oldest, then what had to wait."""
    if back.checkpoint <= 0:
        return _step_again(session, back, op)
    before = None if back.checkpoint == NEWEST else back.checkpoint
    traces, checkpoint = newest_traces(session, op.id, before)
    claim(session, back, checkpoint)
    Batch(session, back, op, traces).take_back()
    return True


def _step_again(session: Session, back: Operation, op: Operation) -> bool:
    """Records that the operation made and that others of its records referred to: now those are gone, or they stay."""
    waiting = session.scalars(
        sa.select(OperationProblem)
        .where(OperationProblem.operation_id == back.id, OperationProblem.reason == WAITS)
        .where(OperationProblem.id > -back.checkpoint)
        .order_by(OperationProblem.id)
        .limit(AT_ONCE)
    ).all()
    if not waiting:
        return False
    claim(session, back, -waiting[-1].id)
    keys = [(row.record_type, row.record_id) for row in waiting]
    for row in waiting:
        session.delete(row)
    Batch(session, back, op, traces_of(session, op.id, keys), last=True).take_back()
    return True
