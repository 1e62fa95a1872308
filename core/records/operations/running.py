"""Doing something as one operation, in one transaction or in many batches.

    one transaction    with operation(session, kind=EDIT, ...): change records        (the caller commits)
    a job              with operation(session, ..., id=known): for each batch: claim, change records, commit

The claim moves the checkpoint from where it was read, so of two workers that were given the same operation one stops,
and no record is changed twice. A job that was killed finds the checkpoint and goes on.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.actor import acting, acting_as
from core.accounts.models import now
from core.errors import Blocked, Forbidden, ValidationError
from core.jobs import models as jobs
from core.jobs.models import JobRecord
from core.jobs.progress import Cancelled
from core.records.audit import Audit
from core.records.operations.models import (
    CANCELLED,
    DONE,
    FAILED,
    LABEL_LENGTH,
    REASON_LENGTH,
    RUNNING,
    Operation,
    OperationProblem,
)

log = logging.getLogger(__name__)

# What one record can be to blame for; anything else is an error of the program or of the database.
RECORD_ERRORS = (ValidationError, Blocked, Forbidden, StaleDataError, DataError, IntegrityError, StatementError)

Item = TypeVar("Item")


class ClaimLost(Exception):
    """Another worker does this operation, or it was ended."""


@contextlib.contextmanager
def operation(
    session: Session, *, kind: str, record_type: str = "", label: str = "", id: str | None = None, **values: Any
) -> Iterator[Operation]:
    """What is written inside the block is one operation: it carries the operation's id in its audit rows.

    Leaving the block marks the operation as done, in the session's transaction; whoever opened that commits or rolls
    back. A ``Cancelled`` marks it as cancelled at once. After any other error the row stays as it was committed last,
    so that a job can be run again.

    Args:
        session: the unit of work.
        kind: one of the kinds in ``core.records.operations.models``.
        record_type: the type name of the records, if they are of one type.
        label: a few words for people, such as the name of the imported file.
        id: goes on with the operation of this id; where there is none yet, it is made under it.
        values: further columns of a new row.
    """
    op = session.get(Operation, id) if id is not None else None
    if op is None:
        op = begin(session, kind=kind, record_type=record_type, label=label, id=id, **values)
    op_id = op.id
    try:
        with acting_as(replace(acting(), operation=op_id)):
            yield op
            session.flush()
    except Cancelled:
        session.rollback()
        end(session, op_id, CANCELLED)
        session.commit()
        raise
    end(session, op_id, DONE)


def begin(
    session: Session, *, kind: str, record_type: str = "", label: str = "", id: str | None = None, **values: Any
) -> Operation:
    """A new operation of the current actor, part of the session."""
    actor = acting()
    op = Operation(
        id=id or uuid.uuid4().hex,
        kind=kind,
        record_type=record_type,
        label=label[:LABEL_LENGTH],
        actor_id=actor.user_id,
        actor_name=actor.name or actor.reason[:120],
        state=RUNNING,
        **{"size": 0, "skipped": 0, "checkpoint": 0, "plan": {}, "started_at": now(), **values},
    )
    session.add(op)
    return op


def end(session: Session, op_id: str, state: str) -> None:
    """Mark a running operation as ended, with the number of records it changed; one that has ended stays as it is."""
    op = session.get(Operation, op_id)
    if op is None or op.state != RUNNING:
        return
    op.state = state
    op.finished_at = now()
    op.size = op.size or changed_count(session, op_id)


def state_now(op: Operation, job: JobRecord | None) -> str:
    """The state of an operation, told from the job that does it where that has ended without a word."""
    if op.state != RUNNING or op.job_id is None:
        return op.state
    if job is None or job.status == jobs.FAILED:
        return FAILED
    return CANCELLED if job.status == jobs.CANCELLED else RUNNING


def settle_lost(session: Session, op: Operation) -> None:
    """Mark an operation as ended whose job has ended without a word: failed for good, or cancelled before it began."""
    job = session.get(JobRecord, op.job_id, populate_existing=True) if op.job_id is not None else None
    state = state_now(op, job)
    if state != op.state:
        end(session, op.id, state)


def changed_count(session: Session, op_id: str) -> int:
    """How many records an operation changed."""
    some = sa.select(Audit.record_type, Audit.record_id).where(Audit.operation == op_id).distinct().subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def claim(session: Session, op: Operation, checkpoint: int) -> None:
    """Move the checkpoint in this transaction; what is written with it becomes true together with it.

    Raises:
        ClaimLost: somebody else has moved it, or the operation has ended.
    """
    moved = session.connection().execute(
        sa.update(Operation.__table__)  # type: ignore[arg-type]
        .where(Operation.id == op.id, Operation.checkpoint == op.checkpoint, Operation.state == RUNNING)
        .values(checkpoint=checkpoint)
    )
    if moved.rowcount != 1:
        raise ClaimLost
    session.refresh(op, ["checkpoint"])


def note_problem(session: Session, op: Operation, record_type: str, record_id: int, reason: str) -> None:
    """Write down that a record was left alone, and why."""
    op.skipped += 1
    session.add(
        OperationProblem(
            operation_id=op.id, record_type=record_type, record_id=record_id, reason=str(reason)[:REASON_LENGTH]
        )
    )


def write_each(
    session: Session, items: Sequence[Item], change: Callable[[Item], object]
) -> list[tuple[Item, str | None]]:
    """Change things one by one, but write them together; see ``write_some``."""

    def change_all(some: Sequence[Item]) -> None:
        for item in some:
            change(item)

    return write_some(session, items, change_all)


def write_some(
    session: Session, items: Sequence[Item], change: Callable[[Sequence[Item]], object]
) -> list[tuple[Item, str | None]]:
    """Change things together; when one is to blame for a refusal, by halves to find it, so that none is half written.

    Returns each item with the reason why it was refused, or None.
    """
    if not items:
        return []
    try:
        with session.begin_nested(), session.no_autoflush:
            change(items)
            session.flush()
        return [(item, None) for item in items]
    except RECORD_ERRORS as error:
        if len(items) == 1:
            return [(items[0], reason_of(error))]
    middle = len(items) // 2
    return [*write_some(session, items[:middle], change), *write_some(session, items[middle:], change)]


def reason_of(error: Exception) -> str:
    """The sentence for whoever asked. The text of a database error names tables and values; it belongs into the log."""
    if isinstance(error, ValidationError | Blocked):
        return str(error)
    if isinstance(error, Forbidden):
        return _("You may not change this record.")
    if isinstance(error, StaleDataError):
        return _("Somebody else changed this record in the meantime.")
    if isinstance(error, IntegrityError):
        return _("This clashes with another record: a value must be unique, or something still refers to it.")
    if isinstance(error, StatementError) and not isinstance(error, DataError):
        original = error.orig
        if not isinstance(original, ValueError | TypeError | OverflowError):
            raise error
    log.warning("A record was refused by the database.", exc_info=error)
    return _("A value is too large or of the wrong kind.")
