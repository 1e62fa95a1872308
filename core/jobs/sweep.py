"""What Redis lost, what a killed worker left, and what waits for its plugin: found in the database and set right.

Every step may be repeated and may run in several processes at once: each is a conditional update, and a delivery too
many ends at the claim of the row.
"""

import datetime as dt
import math
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.accounts.models import now
from core.database.engine import Database, reading
from core.jobs.delivery import QUEUES, SIGN_OF_LIFE
from core.jobs.execution import give_up_run, pause_before
from core.jobs.models import CANCELLED, DONE, FAILED, INTERRUPTED, JOBS, PARKED, QUEUED, RUNNING
from core.parts import Job
from core.processes import is_alive

BATCH = 500
"""Rows looked at, at most, per step and queue."""

KEPT = dt.timedelta(days=30)
CHORES_KEPT = dt.timedelta(days=1)
"""How long ended jobs are shown; the installation's own, when they went well, are many and dull."""

HOUR = 3600.0
SILENT = 3 * SIGN_OF_LIFE
"""Seconds without a sign of life after which a run whose worker is not found on its machine is lost."""


class Sweeper:
    """Sets jobs right, one `sweep` after another.

    Args:
        runtime: the process' Runtime.
        grace: seconds for which a running job must show no life, over several sweeps, before it is taken for lost; a
            third of a lease by default. A Redis that was emptied, or a clock that was set, ends every lease at once;
            live workers renew theirs sooner. A job whose worker is known to be dead gets none.
    """

    def __init__(self, runtime: Any, *, grace: float | None = None) -> None:
        self._queue = runtime.queue
        self._database: Database = runtime.database
        self._grace = runtime.queue.lease_seconds / 3 if grace is None else grace
        self._lifeless_since: dict[tuple[str, int], float] = {}
        self._forgot_at = float("-inf")

    def sweep(self, jobs: dict[str, Job]) -> None:
        """Set right what is wrong now; `jobs` are those of the current Site.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        self._park_and_release(jobs)
        self._give_up_lost(jobs)
        self._deliver(jobs)
        if time.monotonic() - self._forgot_at > HOUR:
            self._forgot_at = time.monotonic()
            self._forget_old()

    def _park_and_release(self, jobs: dict[str, Job]) -> None:
        names = sa.select(JOBS.c.name).distinct()
        with reading(), self._database.engine.connect() as connection:
            queued = connection.scalars(names.where(JOBS.c.status == QUEUED)).all()
            parked = connection.scalars(names.where(JOBS.c.status == PARKED)).all()
        absent = [name for name in queued if name not in jobs]
        present = [name for name in parked if name in jobs]
        if absent or present:
            with self._database.engine.begin() as connection:
                self._move(connection, absent, QUEUED, PARKED)
                self._move(connection, present, PARKED, QUEUED)

    @staticmethod
    def _move(connection: Connection, names: list[str], before: str, after: str) -> None:
        if names:
            rows = sa.update(JOBS).where(JOBS.c.status == before, JOBS.c.name.in_(names))
            connection.execute(rows.values(status=after))

    def _give_up_lost(self, jobs: dict[str, Job]) -> None:
        running = (
            sa.select(JOBS.c.id, JOBS.c.attempts, JOBS.c.name, JOBS.c.worker, JOBS.c.lease_until)
            .where(JOBS.c.status == RUNNING)
            .order_by(JOBS.c.lease_until)
            .limit(BATCH)
        )
        with reading(), self._database.engine.connect() as connection:
            runs = {row.id: row for row in connection.execute(running)}
        silences = self._queue.silences(list(runs))
        for run in self._lost([(runs[job_id], silence) for job_id, silence in silences.items()]):
            with self._database.engine.begin() as connection:
                give_up_run(
                    connection,
                    run.id,
                    attempt=run.attempts,
                    reason=INTERRUPTED,
                    pause=pause_before(jobs.get(run.name), run.attempts),
                )

    def _lost(self, runs: list[tuple[Any, float]]) -> list[Any]:
        """Those of ``runs``, pairs of a row and the seconds of its silence, that nobody is at work on any more.

        A worker of this machine that was killed is found dead; another one can only be waited for. The silence is asked
        for of the dead as well: machines that share a name (containers may) do not see each other's processes.
        """
        lost = []
        overdue, moment = now(), time.monotonic()
        before, self._lifeless_since = self._lifeless_since, {}
        for run, silence in runs:
            if silence > SILENT and not is_alive(run.worker):
                lost.append(run)
            elif silence == math.inf and run.lease_until < overdue:
                since = before.get((run.id, run.attempts), moment)
                self._lifeless_since[run.id, run.attempts] = since
                if moment - since >= self._grace:
                    lost.append(run)
        return lost

    def _deliver(self, jobs: dict[str, Job]) -> None:
        due = sa.or_(JOBS.c.run_after.is_(None), JOBS.c.run_after <= now())
        for queue in QUEUES:
            waiting = (
                sa.select(JOBS.c.id, JOBS.c.name)
                .where(JOBS.c.status == QUEUED, JOBS.c.queue == queue, due)
                .order_by(JOBS.c.created_at)
                .limit(BATCH)
            )
            with reading(), self._database.engine.connect() as connection:
                names = {row.id: row.name for row in connection.execute(waiting)}
            for job_id in self._queue.undelivered(queue, list(names)):
                if names[job_id] in jobs and not self._queue.push(job_id, queue, jobs[names[job_id]].timeout):
                    return

    def _forget_old(self) -> None:
        moment = now()
        old = sa.or_(
            sa.and_(JOBS.c.status.in_((DONE, FAILED, CANCELLED)), JOBS.c.finished_at < moment - KEPT),
            sa.and_(
                JOBS.c.status == DONE,
                JOBS.c.system,
                JOBS.c.actor_id.is_(None),
                JOBS.c.key.is_(None),
                JOBS.c.finished_at < moment - CHORES_KEPT,
            ),
        )
        while True:
            # In batches, so that SQLite's one writer is never kept for long.
            some = sa.select(JOBS.c.id).where(old).limit(BATCH)
            with self._database.engine.begin() as connection:
                if connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(some))).rowcount < BATCH:
                    return
