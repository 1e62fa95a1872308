"""The batches of an import, each read, checked and planned while the one before it is written.

    a thread ahead   read -> check -> draft -> plan          asks the database in a session of its own
    the job          claim -> carry out -> counts -> commit

The database does not show a plan what the batch before brings, for that is not committed yet. Where it has a plan too,
its new records are put beside. Where it has none, or where its plan failed, planning waits until it is settled.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from threading import Event

from sqlalchemy.orm import Session

from core.database.engine import reading
from core.records.transfer.checking import CheckedRow
from core.records.transfer.drafts import Draft
from core.records.transfer.planning import ROW_ERRORS, Plan, Planner


@dataclass
class Fate:
    """What became of a batch: ``failed`` if something went otherwise than planned."""

    failed: bool = False
    settled: Event = field(default_factory=Event)


@dataclass
class Batch:
    """Rows of a file on their way, which whoever takes them settles before he takes the next.

    ``drafts`` are the records in those that can be read, None once a plan has spent them; ``relies_on`` is the fate of
    the batch beside which this one was planned.
    """

    rows: list[CheckedRow]
    drafts: list[Draft] | None
    plan: Plan | None = None
    relies_on: Fate | None = None
    fate: Fate = field(default_factory=Fate)

    @property
    def holds(self) -> bool:
        """Whether the plan can be carried out; certain once the batch before is settled."""
        return self.plan is not None and not (self.relies_on is not None and self.relies_on.failed)


def foreseen(
    batches: Iterable[list[CheckedRow]], session: Session, planner: Planner
) -> Generator[Batch, None, None]:
    """Batches with their plans, as far as they can be planned.

    Args:
        batches: checked rows.
        session: only reads. It belongs to the thread that asks for batches.
        planner: makes the plans in that session.
    """
    before: Batch | None = None
    for rows in batches:
        batch = Batch(rows, planner.draft([row for row in rows if not row.problems]))
        if planner.foresees:
            beside = _beside(before, planner)
            _plan(batch, session, planner, beside)
        yield batch
        before = batch


def _beside(before: Batch | None, planner: Planner) -> Batch | None:
    """The batch before, if what it brings is known although it is not committed; otherwise wait until it is."""
    if before is None or (before.holds and not before.fate.failed):
        return before
    before.fate.settled.wait()
    planner.forget()
    return None


def _plan(batch: Batch, session: Session, planner: Planner, beside: Batch | None) -> None:
    assert batch.drafts is not None, "nobody has planned it yet"
    if beside is not None:
        batch.relies_on = beside.fate
    fresh = beside.plan.fresh if beside is not None and beside.plan is not None else ()
    try:
        with reading():
            batch.plan = planner.foresee(batch.drafts, fresh)
        spent = batch.plan is not None
    except ROW_ERRORS:
        # Whoever writes them one by one finds the row that is to blame.
        planner.forget()
        spent = True
    finally:
        session.expunge_all()
        session.rollback()
    if spent:
        batch.drafts = None
