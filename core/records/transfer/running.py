"""The job that writes a file's rows, a batch at a time; killed at any moment, it can be run again.

    one transaction:   claim the batch (checkpoint old -> new) -> write rows -> append leftovers -> counts -> commit

The claim is an UPDATE that finds the old checkpoint or nothing, so of two workers that were given the same import one
stops, and no row is ever written twice.
"""

from __future__ import annotations

import gc
import itertools
import logging
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.errors import Blocked, Forbidden, ValidationError
from core.jobs.models import JobRecord
from core.jobs.progress import Cancelled
from core.records.operations.models import CANCELLED as OPERATION_CANCELLED
from core.records.operations.models import FAILED as OPERATION_FAILED
from core.records.operations.models import IMPORT, Operation
from core.records.operations.running import end, operation
from core.records.policy import require
from core.records.transfer import models
from core.records.transfer.ahead import ahead, short_turns
from core.records.transfer.cells import Conventions
from core.records.transfer.checking import FAILED, CheckedRow, Checker, RowOutcome
from core.records.transfer.choices import UPDATE, Choices
from core.records.transfer.drafts import Draft
from core.records.transfer.foresight import Batch, foreseen
from core.records.transfer.leftovers import Leftover, Leftovers
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.models import ImportRun
from core.records.transfer.planning import ROW_ERRORS, Planner
from core.records.transfer.readers import NumberedRow, Table
from core.records.transfer.targets import Target, target_of
from core.records.transfer.undisturbed import undisturbed
from core.records.transfer.uploads import table_of
from core.records.transfer.vcards import Unreadable
from core.records.transfer.writing import Writer

log = logging.getLogger(__name__)

BATCH = 3_000
MANY = 8  # batches, each of which leaves its statements with their thousands of values in cycles
RUN_IMPORT = "core.run_import"


class ClaimLost(Exception):
    """Another worker writes this import, or it was cancelled."""


def run_import(progress: Any, import_id: int) -> dict[str, Any]:
    """Write the rows of an import from its checkpoint on; returns the counts of the whole import.

    Args:
        progress: told how many rows are done, ``report(done, total)``.
        import_id: the id of an ``ImportRun`` that is queued or was interrupted.
    """
    site = current_app.extensions["peyvand"]
    session: Session = site.runtime.database.session()
    uploads: Path = site.runtime.config.uploads
    run = _fetch(session, import_id)
    if run is None or run.is_finished or run.status == models.UPLOADED:
        session.rollback()
        return {}
    is_undone = _is_undone(session, run)
    # Nothing may be open while the file is read: on SQLite a transaction keeps every other writer waiting.
    session.commit()
    require(f"{run.record_type}.import")
    if is_undone:
        return _finish(session, uploads, import_id, models.STOPPED, _("This has been undone already."))
    target = target_of(site.screens[run.record_type], site.catalog.find(run.record_type))
    key = {"kind": IMPORT, "record_type": run.record_type, "label": run.file_name, "id": run.operation_id}
    try:
        table = table_of(run, uploads)
        if run.total is None:
            _begin(session, run, table.count())
        total = run.total
        with operation(session, **key, total=total, job_id=_job_id(session, run)):
            session.commit()
            with closing(_write_all(session, run, target, table, uploads)) as written:
                for seen in written:
                    progress.report(seen, total)
    except TableUnreadable as error:
        session.rollback()
        end(session, key["id"], OPERATION_FAILED)
        return _finish(session, uploads, import_id, models.STOPPED, str(error))
    except ClaimLost:
        session.rollback()
        if (_fetch(session, import_id) or run).status == models.CANCELLING:
            end(session, key["id"], OPERATION_CANCELLED)
        return _finish(session, uploads, import_id, models.CANCELLING)
    except Cancelled:
        session.rollback()
        _finish(session, uploads, import_id, models.CANCELLED)
        raise
    return _finish(session, uploads, import_id, models.DONE)


def _is_undone(session: Session, run: ImportRun) -> bool:
    """Whether somebody has taken back, or takes back, what an import wrote before its job failed.

    What it wrote after that would belong to an operation that cannot be undone a second time.
    """
    done = session.get(Operation, run.operation_id)
    return done is not None and done.undone_by is not None


def _job_id(session: Session, run: ImportRun) -> str | None:
    return session.scalar(sa.select(JobRecord.id).where(JobRecord.key == run.job_key))


def writer_of(session: Session, target: Target, run: ImportRun, *, dry: bool = False) -> Writer:
    """What writes the rows of an import as its owner chose."""
    return Writer(_planner_of(session, target, run, dry=dry))


def _planner_of(session: Session, target: Target, run: ImportRun, *, dry: bool = False) -> Planner:
    return Planner(session, target, Choices.of(run.options, target), [*run.columns.values()], dry=dry)


def checker_of(table: Table, target: Target, run: ImportRun) -> Checker:
    """What reads the rows of an import as its owner chose."""
    return Checker(
        table.header,
        target,
        run.columns,
        Conventions.of(run.options),
        defaults=run.options.get("defaults"),
        complete=Choices.of(run.options, target).mode != UPDATE,
    )


def rehearse(session: Session, rows: Sequence[CheckedRow], writer: Writer) -> list[RowOutcome]:
    """What would become of rows: they are written, and rolled back with all else that the session holds."""
    try:
        return _outcomes(rows, _written(session, _readable(rows), writer))
    finally:
        session.rollback()
        writer.forget()


def _fetch(session: Session, import_id: int) -> ImportRun | None:
    return session.get(ImportRun, import_id, populate_existing=True)


def _begin(session: Session, run: ImportRun, total: int) -> None:
    session.execute(
        sa.update(ImportRun)
        .where(ImportRun.id == run.id, ImportRun.status == models.QUEUED)
        .values(status=models.RUNNING)
        .execution_options(synchronize_session=False)
    )
    run.total = total
    session.commit()


def corrected(rows: Iterator[NumberedRow], corrections: Mapping[str, Mapping[str, str]]) -> Iterator[NumberedRow]:
    """Rows with the cells that somebody typed anew in the check."""
    if not corrections:
        return rows
    return ((number, _corrected(cells, corrections.get(str(number)))) for number, cells in rows)


def _corrected(cells: list[str], fixed: Mapping[str, str] | None) -> list[str]:
    if not fixed or isinstance(cells, Unreadable):
        return cells
    return [fixed.get(str(place), cell) for place, cell in enumerate(cells)]


def _batches(table: Table, target: Target, run: ImportRun) -> Generator[Batch, None, None]:
    """The rows after the checkpoint, in batches, for the thread that asks for them."""
    checkpoint = run.checkpoint
    rows = itertools.dropwhile(lambda row: row[0] <= checkpoint, corrected(table.rows(), run.corrections))
    checker = checker_of(table, target, run)
    checked = (checker.check(some) for some in iter(lambda: list(itertools.islice(rows, BATCH)), []))
    # Not the job's session: this one is of the thread, and guards that ask the database there find it too.
    scoped = current_app.extensions["peyvand"].runtime.database.session
    session = scoped()
    try:
        yield from foreseen(checked, session, _planner_of(session, target, run))
    finally:
        scoped.remove()


def _readable(rows: Sequence[CheckedRow]) -> list[CheckedRow]:
    return [row for row in rows if not row.problems]


def _write_all(
    session: Session, run: ImportRun, target: Target, table: Table, uploads: Path
) -> Generator[int, None, None]:
    """Write batch after batch; how many rows of the file have been dealt with after each."""
    import_id, writer = run.id, writer_of(session, target, run)
    with undisturbed(), short_turns():
        for number, batch in enumerate(ahead(_batches(table, target, run)), start=1):
            try:
                seen = _write_batch(session, import_id, batch, writer, table, uploads)
            finally:
                batch.fate.settled.set()
            if number % MANY == 0:
                gc.collect()
            yield seen


def _write_batch(
    session: Session,
    import_id: int,
    batch: Batch,
    writer: Writer,
    table: Table,
    uploads: Path,
) -> int:
    """One transaction: the rows, the leftovers and the checkpoint become true together or not at all.

    Returns how many rows of the file have been dealt with.
    """
    run = _claim(session, import_id, batch)
    writer.created.clear()
    try:
        written = _as_planned(session, batch, writer)
    except ROW_ERRORS:
        # Back to the beginning of the transaction, not to a savepoint: SQLite would have kept each page that the batch
        # changes as it was before, in memory, 90 MB of them.
        session.rollback()
        batch.fate.failed = True
        writer.forget()
        run = _claim(session, import_id, batch)
        written = _written(session, _readable(batch.rows), writer)
    outcomes = _outcomes(batch.rows, written)
    kinds = Counter(outcome.kind for outcome in outcomes)
    left = [
        Leftover(row.number, row.cells, outcome.reason)
        for row, outcome in zip(batch.rows, outcomes, strict=True)
        if outcome.kind == FAILED
    ]
    if left:
        path = run.errors_path or f"{run.stored_path}.leftovers.csv"
        run.errors_path = path
        run.errors_size = Leftovers(uploads / path, run.errors_size, table.header).append(left)
    for kind, number in kinds.items():
        setattr(run, f"{kind}_count", getattr(run, f"{kind}_count") + number)
    session.commit()
    seen = run.seen
    # The records of this batch are not needed for the next; kept, they would grow with the file.
    session.expunge_all()
    writer.created.clear()
    return seen


def _claim(session: Session, import_id: int, batch: Batch) -> ImportRun:
    """The import, whose checkpoint is put behind a batch that nobody has written yet; ``ClaimLost`` if somebody has."""
    run = _fetch(session, import_id)
    if run is None:
        raise ClaimLost
    claimed = session.execute(
        sa.update(ImportRun)
        .where(
            ImportRun.id == import_id,
            ImportRun.checkpoint == run.checkpoint,
            ImportRun.checkpoint < batch.rows[0].number,
            ImportRun.status == models.RUNNING,
        )
        .values(checkpoint=batch.rows[-1].number)
        .execution_options(synchronize_session=False)
    )
    if claimed.rowcount != 1:  # type: ignore[attr-defined]
        raise ClaimLost
    return run


def _outcomes(rows: Sequence[CheckedRow], written: Iterable[RowOutcome]) -> list[RowOutcome]:
    """The outcome of each row, with those of the readable ones."""
    coming = iter(written)
    return [RowOutcome(FAILED, row.reason) if row.problems else next(coming) for row in rows]


def _as_planned(session: Session, batch: Batch, writer: Writer) -> list[RowOutcome]:
    """Carry out the plan of a batch, or write its rows as if there had been none."""
    if batch.plan is None or not batch.holds:
        return _written(session, _readable(batch.rows), writer, batch.drafts)
    return writer.carry_out(batch.plan)


def _written(
    session: Session, rows: Sequence[CheckedRow], writer: Writer, drafts: Sequence[Draft] | None = None
) -> list[RowOutcome]:
    """Write rows together; when one is to blame for a refusal, halve them until it is found."""
    if not rows:
        return []
    try:
        with session.begin_nested():
            return writer.write(writer.draft(rows) if drafts is None else drafts)
    except ROW_ERRORS as error:
        writer.forget()
        if len(rows) == 1:
            return [_refusal(error)]
    half = len(rows) // 2
    return [*_written(session, rows[:half], writer), *_written(session, rows[half:], writer)]


def _refusal(error: Exception) -> RowOutcome:
    fields = {name: str(text) for name, text in error.errors.items()} if isinstance(error, ValidationError) else {}
    return RowOutcome(FAILED, _reason(error), fields=fields)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError | Blocked):
        return str(error)
    if isinstance(error, Forbidden):
        return _("You may not write this record.")
    # The text of a database error names tables and values; it belongs into the log.
    log.warning("A row was refused by the database.", exc_info=error)
    return _("The database refused this row.")


def _finish(session: Session, uploads: Path, import_id: int, status: str, reason: str = "") -> dict[str, Any]:
    """Close an import and return its counts, with the address of its report.

    ``cancelling`` closes it only if somebody asked for that; otherwise another worker is still writing it.
    """
    run = _fetch(session, import_id)
    if run is None:
        session.rollback()
        return {}
    if run.status == models.CANCELLING:
        status = models.CANCELLED
    if status in models.FINISHED and not run.is_finished:
        run.status = status
        run.reason = reason[:500]
        run.finished_at = now()
    session.commit()
    if run.is_finished:
        # The rows are in the database now; a second copy of people's data helps nobody.
        (uploads / run.stored_path).unlink(missing_ok=True)
    return {
        "created": run.created_count,
        "updated": run.updated_count,
        "skipped": run.skipped_count,
        "doubled": run.doubled_count,
        "failed": run.failed_count,
        "url": f"/import/{run.record_type}/{run.id}/report",
        "label": _("Report of the import"),
    }
