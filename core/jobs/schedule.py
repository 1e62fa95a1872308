"""The scheduler process: puts scheduled jobs on the queue when they are due, and sweeps.

Time is cut into periods of ``every`` seconds, counted from midnight UTC of 1970-01-01. The row of a schedule holds the
last period in which the job was queued; moving it on and queueing the job is one transaction, so that of two schedulers
one wins, and a scheduler that slept through ten periods queues the job once. The leader lock in Redis only saves the
others the trouble.

A clock that is set back leaves the row in the future. More than one period ahead it can only be that, and the job runs;
one period ahead it may be another machine whose clock goes a little faster, and the job waits.
"""

import hashlib
import json
import logging
import signal
import threading
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from core.accounts.actor import as_system
from core.accounts.models import now
from core.database.engine import Database, reading
from core.jobs.models import SCHEDULES, insert_once
from core.jobs.queue import enqueue_if_idle
from core.jobs.sweep import Sweeper
from core.parts import Schedule
from core.processes import process_id

log = logging.getLogger(__name__)

TICK = 1.0  # seconds
SWEEP_EVERY = 2.0  # seconds
LEADS_FOR = 15  # seconds a leader on another machine that was killed is waited for


def main(runtime: Any) -> int:
    """Keep time until SIGTERM or SIGINT, or until the runtime wants to be replaced; returns the exit status.

    `runtime` needs `database`, `queue`, `current_site()` and `must_retire()`.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    me = process_id()
    sweeper = Sweeper(runtime)
    swept_at = float("-inf")
    while not stop.is_set() and not runtime.must_retire():
        try:
            site = runtime.current_site()
            if runtime.queue.lead(me, LEADS_FOR):
                queue_due(site)
                if time.monotonic() - swept_at >= SWEEP_EVERY:
                    swept_at = time.monotonic()
                    sweeper.sweep(site.jobs)
        except SQLAlchemyError as error:
            log.warning("The scheduler waits for the database: %s", error)
        except Exception:
            # One bad schedule or build must not end the others' time.
            log.exception("The scheduler could not finish a round.")
        stop.wait(TICK)
    runtime.queue.stop_leading(me)
    return 0


def queue_due(site: Any, moment: float | None = None) -> list[str]:
    """Put the jobs that are due on the queue; returns the names of their schedules.

    Args:
        site: the current Site.
        moment: seconds since 1970-01-01 UTC; now by default.
    """
    database: Database = site.runtime.database
    moment = time.time() if moment is None else moment
    with reading(), database.engine.connect() as connection:
        known = {row.name: row for row in connection.execute(sa.select(SCHEDULES))}
    queued = []
    for schedule in site.schedules:
        name, period = schedule_name(schedule), int(moment // schedule.every)
        row = known.get(name)
        if row is not None and row.every == schedule.every and row.period - 1 <= period <= row.period:
            continue
        if schedule.job in site.jobs and _claim(site, schedule, name, period):
            queued.append(name)
    return queued


def schedule_name(schedule: Schedule) -> str:
    """The key of a schedule: the job's name, and a mark of its arguments when it has any."""
    if not schedule.arguments:
        return schedule.job
    text = json.dumps(dict(schedule.arguments), sort_keys=True)
    return f"{schedule.job}#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _claim(site: Any, schedule: Schedule, name: str, period: int) -> bool:
    """Move the row on and queue the job, if nobody has; a schedule never seen before waits for its next period."""
    session = site.runtime.database.session
    with site.app.app_context(), as_system("schedule"):
        try:
            connection = session.connection()
            if insert_once(connection, SCHEDULES, {"name": name, "every": schedule.every, "period": period}):
                session.commit()
                return False
            behind = sa.or_(
                SCHEDULES.c.every != schedule.every, SCHEDULES.c.period < period, SCHEDULES.c.period > period + 1
            )
            claim = sa.update(SCHEDULES).where(SCHEDULES.c.name == name, behind)
            won = connection.execute(claim.values(every=schedule.every, period=period, last_run_at=now())).rowcount
            added = bool(won) and enqueue_if_idle(schedule.job, schedule=name, **schedule.arguments)
            session.commit()
            return added
        finally:
            session.remove()
