"""Asking for work: a row in the transaction of the change that needs it, and a word to Redis after the commit.

A rolled back change asks for nothing, and a lost word costs a few seconds: the sweeper (`core.jobs.sweep`) repeats it.
"""

import datetime as dt
import json
import uuid
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting, as_system
from core.accounts.models import now
from core.database.engine import ONE_PLAN
from core.errors import Blocked, Forbidden, PeyvandError
from core.jobs.delivery import QUEUES, JobQueue
from core.jobs.models import CANCELLED, FAILED, JOBS, PARKED, QUEUED, RUNNING, JobRecord, insert_once
from core.parts import Job

__all__ = ["JobQueue", "MANAGE", "UnknownJob", "cancel", "enqueue", "enqueue_if_idle", "retry"]

MANAGE = "core.jobs.manage"
"""The permission to cancel and repeat other people's jobs and to read tracebacks."""

_WORDS = "jobs_to_deliver"


class UnknownJob(PeyvandError):
    """No enabled plugin has a job of this name."""


def enqueue(name: str, *, key: str | None = None, delay: float = 0, **arguments: Any) -> JobRecord:
    """Have a job run by a worker once the current transaction is committed, with the rights of whoever acts now.

    Args:
        name: ``<plugin>.<job>``.
        key: what makes the job the same one when it is asked for twice, such as ``invoice-17-mail``; the first row with
            this key is returned then, whatever became of it.
        delay: seconds to wait first.
        arguments: what the job's function is called with: plain JSON values, ids instead of records.

    Returns:
        The job's row, part of the current session.

    Raises:
        UnknownJob: there is no such job.
        Forbidden: nobody acts; use ``as_system``.
        TypeError: an argument is no JSON value.
    """
    job = _job(name)
    actor = acting()
    if actor.user_id is None and not actor.system:
        raise Forbidden("core.jobs.enqueue")
    session = _session()
    job_id = _insert(session, job, arguments, key=key, delay=delay)
    with session.no_autoflush:
        wanted = JobRecord.id == job_id if job_id else JobRecord.key == key
        return session.scalars(sa.select(JobRecord).where(wanted)).one()


def enqueue_if_idle(name: str, *, schedule: str | None = None, pause: float = 0, **arguments: Any) -> bool:
    """Have a chore of the installation run, unless it is already waiting to: what is waiting will see this change too.

    A run that has started does not count, for it may have looked already, except for a ``schedule`` (its name), which
    is neither piled up nor run beside itself. Returns whether a row was added.

    Args:
        name: the job's name.
        schedule: the name of the schedule that asks for it.
        pause: seconds between two words to the workers about this job. A row added sooner waits for the sweeper, so
            that a burst of changes is dealt with together and not by a process for each.
        arguments: what the job's function is called with.

    Raises:
        UnknownJob: there is no such job.
    """
    job = _job(name)
    session = _session()
    asked = {"name": name} if schedule is None else {"name": name, "schedule": schedule}
    if session.connection().execute(waiting_row(scheduled=schedule is not None), asked).first() is not None:
        return False
    with as_system(name):
        _insert(session, job, arguments, pause=pause, schedule=schedule, actor_id=None)
    return True


@cache
def waiting_row(*, scheduled: bool) -> sa.Select[Any]:
    """The statement by which ``enqueue_if_idle`` finds a job that waits; its parameters are called like its own."""
    idle = [JOBS.c.name == sa.bindparam("name")]
    if scheduled:
        idle += [JOBS.c.status.in_((QUEUED, RUNNING, PARKED)), JOBS.c.schedule == sa.bindparam("schedule")]
    else:
        idle += [JOBS.c.status == QUEUED, JOBS.c.system, JOBS.c.run_after.is_(None)]
    # The lock makes a worker wait that would claim the row before this change can be seen.
    found = sa.select(JOBS.c.id).where(*idle).limit(1).with_for_update(read=True, skip_locked=True)
    return found.execution_options(**{ONE_PLAN: True})


def cancel(job_id: str) -> JobRecord:
    """End a waiting job, and ask a running one to stop at its next report. One that has ended stays as it is.

    Raises:
        Forbidden: there is no such job, or it is somebody else's.
    """
    record = _allowed(job_id)
    session = _session()
    waiting = sa.update(JOBS).where(JOBS.c.id == record.id, JOBS.c.status.in_((QUEUED, PARKED)))
    ended = session.connection().execute(waiting.values(status=CANCELLED, finished_at=now()))
    session.refresh(record)
    if not ended.rowcount and record.status == RUNNING:
        # Redis first: the running job may hold SQLite's only write lock for a while.
        _site().runtime.queue.ask_to_stop(record.id, record.attempts)
        running = sa.update(JOBS).where(JOBS.c.id == record.id, JOBS.c.status == RUNNING)
        session.connection().execute(running.values(cancel_requested=True))
        session.refresh(record)
    return record


def retry(job_id: str) -> JobRecord:
    """Run a failed or cancelled job again, with as many attempts as at first and as the person who asked for it then.

    Raises:
        Forbidden: there is no such job, or it is somebody else's.
        Blocked: the job's plugin is off.
    """
    record = _allowed(job_id)
    job = _site().jobs.get(record.name)
    if job is None:
        raise Blocked(_("The module of this job is switched off."))
    session = _session()
    ended = sa.update(JOBS).where(JOBS.c.id == record.id, JOBS.c.status.in_((FAILED, CANCELLED)))
    again = session.connection().execute(
        ended.values(
            status=QUEUED,
            max_attempts=JOBS.c.attempts + job.attempts,
            run_after=None,
            finished_at=None,
            cancel_requested=False,
            reason="",
            error="",
            traceback="",
        )
    )
    if again.rowcount:
        _tell_after_commit(session, record.id, job)
    session.refresh(record)
    return record


def _site() -> Any:
    return current_app.extensions["peyvand"]


def _session() -> Session:
    session: Session = _site().runtime.database.session()
    return session


def _job(name: str) -> Job:
    job: Job | None = _site().jobs.get(name)
    if job is None:
        raise UnknownJob(f"No enabled module has a job named {name!r}.")
    if job.queue not in QUEUES:
        raise UnknownJob(f"The job {name!r} wants the queue {job.queue!r}; the queues are {', '.join(QUEUES)}.")
    return job


def _allowed(job_id: str) -> JobRecord:
    actor = acting()
    record = _session().get(JobRecord, job_id)
    own = record is not None and actor.user_id is not None and record.actor_id == actor.user_id
    if record is None or not (own or actor.may(MANAGE)):
        raise Forbidden(MANAGE)
    return record


def _insert(
    session: Session, job: Job, arguments: dict[str, Any], *, delay: float = 0, pause: float = 0, **given: Any
) -> str | None:
    """Add the row without flushing anybody's changes; None when its key exists."""
    actor = acting()
    moment = now()
    values = {
        "id": uuid.uuid4().hex,
        "name": job.name,
        "plugin": job.name.partition(".")[0],
        "queue": job.queue,
        "arguments": json.loads(json.dumps(arguments)),
        "actor_id": actor.user_id,
        "system": actor.system,
        "max_attempts": max(1, job.attempts),
        "run_after": moment + dt.timedelta(seconds=delay) if delay > 0 else None,
        "created_at": moment,
        **given,
    }
    if not insert_once(session.connection(), JOBS, values):
        return None
    if delay <= 0 and _site().runtime.queue.may_speak(job.name, pause):
        _tell_after_commit(session, values["id"], job)
    return str(values["id"])


def _tell_after_commit(session: Session, job_id: str, job: Job) -> None:
    words = session.info.get(_WORDS)
    if words is None:
        words = session.info[_WORDS] = []
        sa.event.listen(session, "after_commit", _tell)
        sa.event.listen(session, "after_rollback", _forget)
    words.append((_site().runtime.queue, job_id, job.queue, job.timeout))


def _tell(session: Session) -> None:
    # A released savepoint is no commit.
    if session.in_nested_transaction():
        return
    words = session.info[_WORDS]
    while words:
        queue, *word = words.pop(0)
        queue.push(*word)


def _forget(session: Session) -> None:
    # After a savepoint's end some words may be about rows that never were: a worker finds nothing and goes on.
    if not session.in_nested_transaction():
        session.info[_WORDS].clear()
