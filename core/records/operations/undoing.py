"""Undo: what an operation did is taken back record by record, the latest first.

    changed           the old values come back, field by field
    deleted           the record comes out of the bin
    created           the record is removed for good, or goes into the bin when something refers to it
    removed for good  the record is made again from its history

A field that was changed since is left alone, unless the person who undoes said otherwise. An undo is an operation
itself, so it can be undone.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session, selectinload

from core.accounts.actor import as_system
from core.errors import Blocked, UnknownRecordType
from core.jobs.progress import Cancelled, Progress
from core.jobs.queue import enqueue
from core.records.archive import archive, restore
from core.records.catalog import current_catalog
from core.records.note import Note
from core.records.operations import recreating
from core.records.operations.models import (
    DONE,
    PARTLY_UNDONE,
    PURGE,
    RUNNING,
    UNDO,
    UNDONE,
    Operation,
    OperationProblem,
)
from core.records.operations.removing import remove_records
from core.records.operations.restoring import fields_of, put
from core.records.operations.running import (
    ClaimLost,
    begin,
    claim,
    note_problem,
    operation,
    settle_lost,
    write_each,
    write_some,
)
from core.records.operations.tracing import Conflict, Trace, conflicts_of, later_rows, newest_traces, traces_of
from core.records.record import Record

UNDO_JOB = "core.undo_operation"
AT_ONCE = 200  # records; more is work for a job
WAITS = ""  # the reason of a record that is looked at again at the end
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
    if op.kind == PURGE:
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


@dataclass
class Batch:
    """Some records of one undo, in one transaction; ``last`` tells that nothing they wait for comes after."""

    session: Session
    back: Operation
    op: Operation
    traces: Sequence[Trace]
    last: bool = False

    def take_back(self) -> None:
        """Put the records back as they were."""
        for record_type, traces in self._types():
            try:
                model = current_catalog().find(record_type).model
            except UnknownRecordType:
                for trace in traces:
                    self.left(trace, _("Its module is switched off."))
                continue
            self._take_back_type(model, traces)

    def _types(self) -> Iterable[tuple[str, list[Trace]]]:
        types: dict[str, list[Trace]] = defaultdict(list)
        for trace in self.traces:
            types[trace.record_type].append(trace)
        return list(types.items())

    def _take_back_type(self, model: type[Record], traces: Sequence[Trace]) -> None:
        recreating.recreate(self, model, [trace for trace in traces if trace.removed and not trace.made])
        traces = [trace for trace in traces if not trace.removed]
        for system in (False, True):
            some = [trace for trace in traces if trace.system is system]
            with as_system(f"undo {self.op.kind}") if system else contextlib.nullcontext():
                self._put_back(model, some)

    def _put_back(self, model: type[Record], traces: Sequence[Trace]) -> None:
        records = load(self.session, model, traces)
        later = later_rows(self.session, traces, (self.op.id, self.back.id))
        made: list[Record] = []
        changed: list[tuple[Trace, Record, set[str]]] = []
        for trace in traces:
            record = records.get(trace.record_id)
            if record is None:
                self.left(trace, _("It is no longer there, or not yours to see."))
                continue
            conflicts = self._standing(conflicts_of(trace, record, later.get(trace.key, ())))
            if trace.made and not conflicts:
                made.append(record)
            elif trace.made:
                names = ", ".join(str(conflict.label) for conflict in conflicts)
                self.left(trace, _("It was changed since (%(fields)s) and stays.", fields=names))
            else:
                changed.append((trace, record, {conflict.field for conflict in conflicts}))
                for conflict in conflicts:
                    self.left(trace, conflict.sentence)
        for (trace, _record, _but), reason in write_each(self.session, changed, self._restore):
            self.count(trace, reason)
        self._remove(made, {trace.record_id: trace for trace in traces})

    def _standing(self, conflicts: Sequence[Conflict]) -> list[Conflict]:
        """The conflicts that the person did not wave through. Nobody can have meant one that came after the look."""
        if not self.back.plan.get("also"):
            return list(conflicts)
        return [conflict for conflict in conflicts if conflict.audit_id > self.back.plan.get("seen", 0)]

    def _restore(self, item: tuple[Trace, Record, set[str]]) -> None:
        trace, record, but = item
        if trace.archived == (False, True) and record.archived_at is not None:
            restore(record)
            self.session.flush()
        if record.archived_at is not None and trace.fields.keys() - but and trace.archived != (True, False):
            raise Blocked(_("It lies in the recycle bin."))
        for name, (old, new) in trace.fields.items():
            if name not in but:
                put(record, name, old, new)
        if trace.archived == (True, False) and record.archived_at is None:
            # What lies in the bin may not be edited, so it goes there last.
            self.session.flush()
            archive(record)

    def _remove(self, made: Sequence[Record], traces: Mapping[int, Trace]) -> None:
        ids = [record.id for record in made]
        kept: dict[int, str] = {}

        def remove(records: Sequence[Record]) -> None:
            kept.update(remove_records(self.session, records, operation=self.op.id))

        numbers = {id(record): record.id for record in made}
        for record, reason in write_some(self.session, made, remove):
            if reason is not None:
                kept[numbers[id(record)]] = reason
        if not self.last:
            for number in kept:
                row = OperationProblem(record_type=traces[number].record_type, record_id=number, reason=WAITS)
                row.operation_id = self.back.id
                self.session.add(row)
            self.back.size += len(ids) - len(kept)
            return
        binned = [record for record in made if record.id in kept and record.archived_at is None]
        refused = {record.id: reason for record, reason in write_each(self.session, binned, archive) if reason}
        for number in ids:
            trace = traces[number]
            if number not in kept:
                self.back.size += 1
            elif number in refused:
                self.left(trace, kept[number])
            else:
                self.back.size += 1
                self.left(trace, _("It is in the recycle bin now. %(why)s", why=kept[number]))

    def count(self, trace: Trace, reason: str | None) -> None:
        """Count a record that was put back, or write down why it was not."""
        if reason is None:
            self.back.size += 1
        else:
            self.left(trace, reason)

    def left(self, trace: Trace, reason: str) -> None:
        """Write down that a record was left alone, wholly or in part."""
        note_problem(self.session, self.back, trace.record_type, trace.record_id, reason)


def load(session: Session, model: type[Record], traces: Sequence[Trace]) -> dict[int, Record]:
    """The records that the actor may see, those in the bin included, with the lists that the traces tell of."""
    ids = [trace.record_id for trace in traces]
    if not ids:
        return {}
    names = {name for trace in traces if not trace.made for name in trace.fields}
    fields = fields_of(model)
    options = [
        selectinload(getattr(model, name))
        for name in names
        if name in fields and fields[name].kind in ("links", "children")
    ]
    statement = sa.select(model).where(model.id.in_(ids)).options(*options)
    found = session.scalars(statement.execution_options(include_archived=True)).unique()
    return {record.id: record for record in found}
