"""One run of one job: claimed, done with the rights of whoever asked, and settled.

RQ delivers at least once, and now and then twice. So the row decides: queued becomes running by one conditional update,
which counts the attempt, and a run may only settle the attempt it began. What the job's session holds at the end is
committed together with ``done``: either both are there or the job runs again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import random
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rq.timeouts import JobTimeoutException
from sqlalchemy.engine import Connection

from core.accounts.actor import Actor, acting_as, as_system
from core.accounts.models import User, now
from core.accounts.rights import actor_of
from core.database.engine import Database, reading
from core.errors import Blocked, Forbidden, PeyvandError, ValidationError
from core.jobs import models
from core.jobs.models import CANCELLED, DONE, FAILED, JOBS, PARKED, QUEUED, RUNNING
from core.jobs.progress import Cancelled, Progress
from core.parts import Job

log = logging.getLogger(__name__)

LONGEST_PAUSE = 3600  # seconds between two attempts
LONGEST_TRACEBACK = 20_000  # characters
POINTLESS = (Forbidden, ValidationError, Blocked)  # trying again would end the same way


class ActorGone(PeyvandError):
    """Whoever asked for the job may no longer sign in."""


@dataclass(frozen=True)
class Run:
    """One claimed attempt at a job."""

    id: str
    name: str
    attempt: int
    arguments: dict[str, Any]
    actor_id: int | None
    system: bool


def perform_job(runtime: Any, job_id: str, worker: str) -> None:
    """Run a queued job to its end, whatever that is; a row that is not queued (any more) is left alone.

    Args:
        runtime: the process' Runtime.
        job_id: the id of the row.
        worker: the name of the worker, written to the row.

    Raises:
        sqlalchemy.exc.DBAPIError: the database is away; the row is taken back by the worker.
    """
    site = runtime.current_site()
    database: Database = runtime.database
    run = _claim(runtime, site, job_id, worker)
    if run is None:
        return
    job: Job = site.jobs[run.name]
    progress = Progress(run.id, run.attempt, runtime.queue, lambda: _stop_requested(database, run))
    with site.app.app_context():
        try:
            with _on_behalf(run, site):
                result = job.run(progress, **run.arguments)
                _complete(database, run, result, progress)
        except Cancelled:
            database.session.rollback()
            _settle_ended(database, run, progress, status=CANCELLED)
        except (Exception, SystemExit) as error:  # a plugin's sys.exit() is a failure like any other
            database.session.rollback()
            _settle_error(database, run, job, progress, error)
        finally:
            database.session.remove()
            runtime.queue.forget_run(run.id, run.attempt)


def give_up_run(
    connection: Connection,
    job_id: str,
    *,
    reason: str,
    attempt: int | None = None,
    worker: str | None = None,
    pause: float = 0,
    free: bool = False,
    final: bool = False,
    **values: Any,
) -> None:
    """Settle a run that did not end well: queued again while attempts are left, else failed; cancelled if asked for.

    Args:
        connection: inside a transaction.
        job_id: the id of the row.
        reason: one of the reasons in ``core.jobs.models``.
        attempt: the attempt that is meant; another one that has begun since is left alone.
        worker: the same by the name of the worker that ran it.
        pause: seconds before the next attempt.
        free: the attempt does not count, because the job was not to blame.
        final: do not try again.
        values: further columns.
    """
    run = sa.update(JOBS).where(JOBS.c.id == job_id, JOBS.c.status == RUNNING)
    if attempt is not None:
        run = run.where(JOBS.c.attempts == attempt)
    if worker is not None:
        run = run.where(JOBS.c.worker == worker)
    moment = now()
    ended = {"reason": reason, "lease_until": None, **values}
    if connection.execute(run.where(JOBS.c.cancel_requested).values(status=CANCELLED, finished_at=moment)).rowcount:
        return
    after = moment + dt.timedelta(seconds=pause) if pause > 0 else None
    again = {"status": QUEUED, "run_after": after, **ended}
    if free:
        connection.execute(run.values(max_attempts=JOBS.c.max_attempts + 1, **again))
        return
    if not final and connection.execute(run.where(JOBS.c.attempts < JOBS.c.max_attempts).values(**again)).rowcount:
        return
    connection.execute(run.values(status=FAILED, finished_at=moment, **ended))


def pause_before(job: Job | None, attempt: int) -> float:
    """Seconds before another attempt: doubled each time, and spread, lest jobs that failed together return together."""
    first = job.retry_after if job is not None else 10
    return float(min(LONGEST_PAUSE, first * 2 ** min(attempt - 1, 12))) * random.uniform(0.75, 1.25)


def _claim(runtime: Any, site: Any, job_id: str, worker: str) -> Run | None:
    moment = now()
    due = sa.or_(JOBS.c.run_after.is_(None), JOBS.c.run_after <= moment)
    queued = sa.update(JOBS).where(JOBS.c.id == job_id, JOBS.c.status == QUEUED, due)
    with runtime.database.engine.begin() as connection:
        name = connection.scalar(sa.select(JOBS.c.name).where(JOBS.c.id == job_id, JOBS.c.status == QUEUED))
        if name is not None and name not in site.jobs:
            # Its plugin is off: no failure. The sweeper queues it again when the plugin is back.
            connection.execute(queued.values(status=PARKED))
            return None
        claimed = connection.execute(
            queued.values(
                status=RUNNING,
                attempts=JOBS.c.attempts + 1,
                started_at=moment,
                lease_until=moment + dt.timedelta(seconds=runtime.queue.lease_seconds),
                worker=worker,
                progress_done=0,
                progress_total=None,
                progress_message="",
            ).returning(JOBS.c.name, JOBS.c.attempts, JOBS.c.arguments, JOBS.c.actor_id, JOBS.c.system)
        ).first()
    if claimed is None:
        return None
    runtime.queue.show_life(job_id)
    return Run(job_id, claimed.name, claimed.attempts, claimed.arguments, claimed.actor_id, claimed.system)


@contextlib.contextmanager
def _on_behalf(run: Run, site: Any) -> Iterator[None]:
    """Act as whoever asked, with the rights that person has now and not when it was asked for."""
    if run.system:
        with acting_as(Actor(run.actor_id)), as_system(f"job {run.name}"):
            yield
        return
    session = site.runtime.database.session
    with reading(), as_system(f"job {run.name}"):
        user = session.get(User, run.actor_id) if run.actor_id is not None else None
        actor = actor_of(user, source="job", operation=run.id) if user is not None and user.active else None
    # Ended before the job begins, or the job would be in a transaction that only reads.
    session.remove()
    if actor is None:
        raise ActorGone("Whoever started this job may no longer sign in.")
    with acting_as(actor):
        yield


def _stop_requested(database: Database, run: Run) -> bool:
    """Whether the row says that this run is to stop, or is no longer this run's."""
    with reading(), database.engine.connect() as connection:
        row = connection.execute(sa.select(JOBS.c.cancel_requested, JOBS.c.attempts).where(JOBS.c.id == run.id)).first()
    return row is None or row.cancel_requested or row.attempts != run.attempt


def _ours(run: Run) -> sa.Update:
    return sa.update(JOBS).where(JOBS.c.id == run.id, JOBS.c.status == RUNNING, JOBS.c.attempts == run.attempt)


def _told(progress: Progress) -> dict[str, Any]:
    return {
        "progress_done": progress.done,
        "progress_total": progress.total,
        "progress_message": progress.message,
    }


def _complete(database: Database, run: Run, result: Any, progress: Progress) -> None:
    session = database.session()
    json.dumps(result)
    session.flush()
    done = _ours(run).values(
        status=DONE,
        result=result,
        finished_at=now(),
        lease_until=None,
        reason="",
        error="",
        traceback="",
        **_told(progress),
    )
    if session.connection().execute(done).rowcount:
        session.commit()
        return
    session.rollback()
    log.warning("Job %s was taken from this worker while it ran; what it did not commit is dropped.", run.id)


def _settle_ended(database: Database, run: Run, progress: Progress, *, status: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(_ours(run).values(status=status, finished_at=now(), lease_until=None, **_told(progress)))


def _settle_error(database: Database, run: Run, job: Job, progress: Progress, error: BaseException) -> None:
    reason = models.RAISED
    if isinstance(error, ActorGone):
        reason = models.ACTOR_GONE
    elif isinstance(error, POINTLESS):
        reason = models.REFUSED
    elif isinstance(error, JobTimeoutException):
        reason = models.TIMED_OUT
    log.warning("Job %s (%s) failed at attempt %d.", run.id, run.name, run.attempt, exc_info=error)
    with database.engine.begin() as connection:
        give_up_run(
            connection,
            run.id,
            attempt=run.attempt,
            reason=reason,
            pause=pause_before(job, run.attempt),
            final=reason in (models.ACTOR_GONE, models.REFUSED),
            # The text of an unforeseen error may show values that not everybody may see.
            error=str(error) if isinstance(error, PeyvandError) else "",
            traceback="".join(traceback.format_exception(error))[-LONGEST_TRACEBACK:],
            **_told(progress),
        )
