"""The worker process: RQ fetches ids from Redis and forks a work horse for each; the rest is `core.jobs.execution`.

What happens in the parent before each fork, and why:

- the Site is brought up to date, so that its building is paid once per change and not once per job;
- the database's connections are closed: a connection that two processes share is corrupted by both, and a SQLite file
  closed by the child would drop the parent's locks;
- nothing runs in a thread (RQ's listener for remote commands is not started): a lock held by a thread at the fork
  stays locked in the child for ever.
"""

import logging
import resource
import time
from typing import Any

import redis
import rq
import sqlalchemy as sa
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer
from rq.worker.base import StopRequested
from sqlalchemy.exc import SQLAlchemyError

from core.database.engine import reading
from core.garbage import set_aside
from core.jobs.delivery import QUEUES, SIGN_OF_LIFE, Delivery, ForbiddenFunction
from core.jobs.execution import give_up_run, pause_before, perform_job
from core.jobs.models import INTERRUPTED, JOBS, RUNNING
from core.processes import process_id

log = logging.getLogger(__name__)

IDLE_LOOK = 1  # seconds between looks at the generation while there is nothing to do
STOP_WITHIN = 6.0  # seconds a running job may go on after the worker was told to stop

_worker: "JobWorker | None" = None


def main(runtime: Any) -> int:
    """Run jobs until SIGTERM or SIGINT, or until the runtime wants to be replaced; returns the exit status.

    `runtime` needs `database`, `queue`, `current_site()` and `must_retire()`. A status other than 0 means that Redis
    was lost, and that it is worth starting again.
    """
    global _worker
    try:
        _worker = JobWorker(runtime)
        _worker.work(logging_level="WARNING")
    except redis.RedisError as error:
        log.error("The worker lost its Redis: %s", error)
        return 1
    return 0 if _worker.was_asked_to_end else 1


def perform(job_id: str) -> None:
    """Run a job; the only function that a delivery can name."""
    if _worker is None:
        raise ForbiddenFunction("Jobs are run by a worker process.")
    perform_job(_worker.runtime, job_id, _worker.name)


def _limit_memory(megabytes: int) -> None:
    """Let this process take no more: a job without bounds fails by itself instead of taking the machine with it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes << 20
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


class JobWorker(rq.Worker):
    """RQ's forking worker, for deliveries and nothing else."""

    job_class = Delivery
    max_connection_wait_time = 5.0

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.retired = False
        self._told_to_stop_at: float | None = None
        client = runtime.queue.waiting_client()
        super().__init__(
            [runtime.queue.rq_queue(name, client) for name in QUEUES],
            # By it the sweeper knows that this process was killed.
            name=process_id(),
            connection=client,
            job_class=Delivery,
            serializer=JSONSerializer,
            job_monitoring_interval=SIGN_OF_LIFE,
            log_job_description=False,
        )

    @property
    def was_asked_to_end(self) -> bool:
        """Whether a signal or the runtime ended the work, and not an accident."""
        return self.retired or self._told_to_stop_at is not None

    def subscribe(self) -> None:
        """Nothing: see the module's first lines. Jobs are cancelled by their row."""

    def handle_warm_shutdown_request(self) -> None:
        """Note when the stop was asked for; called by RQ's signal handler."""
        self._told_to_stop_at = time.monotonic()
        super().handle_warm_shutdown_request()

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """Wait for a delivery, and look every second whether the Site changed meanwhile."""
        while True:
            self._keep_up()
            found = super().dequeue_job_and_maintain_ttl(IDLE_LOOK if timeout else None, IDLE_LOOK)
            if found is not None or timeout is None:
                return found

    def execute_job(self, job: RqJob, queue: rq.Queue) -> None:
        """Fork for one delivery."""
        try:
            Delivery.check(job)  # type: ignore[arg-type]  # RQ types the base class, but makes ours
        except ForbiddenFunction as error:
            log.error("%s It was thrown away.", error)
            job.delete(remove_from_queue=False)
            return
        self._refresh_site()
        self.runtime.database.dispose()
        super().execute_job(job, queue)
        self._take_back(job.id)

    def main_work_horse(self, job: RqJob, queue: rq.Queue) -> None:
        """The first thing the child does; it does not return."""
        self.runtime.database.abandon_after_fork()
        _limit_memory(self.runtime.config.job_memory)
        set_aside()
        super().main_work_horse(job, queue)

    def maintain_heartbeats(self, job: RqJob, execution: Execution) -> None:
        """Called every few seconds while a job runs."""
        self.runtime.queue.show_life(job.id)
        try:
            super().maintain_heartbeats(job, execution)
        except redis.RedisError as error:
            log.warning("Job %s runs on without Redis: %s", job.id, error)
        if self._told_to_stop_at is not None and time.monotonic() - self._told_to_stop_at > STOP_WITHIN:
            self.kill_horse()
        try:
            # Looking is also the process' heartbeat. Last, for on SQLite it may have to wait for the job.
            self.runtime.current_site()
        except SQLAlchemyError as error:
            log.warning("Job %s runs on without the database: %s", job.id, error)

    def _take_back(self, job_id: str) -> None:
        """Queue a job again whose child did not settle its row: killed, out of memory, or left by the database."""
        left = sa.select(JOBS.c.id).where(JOBS.c.id == job_id, JOBS.c.status == RUNNING, JOBS.c.worker == self.name)
        engine = self.runtime.database.engine
        while True:
            stopping = self._told_to_stop_at is not None
            try:
                with reading(), engine.connect() as connection:
                    if connection.execute(left).first() is None:
                        return
                pause = 0 if stopping else pause_before(None, 1)
                with engine.begin() as connection:
                    give_up_run(connection, job_id, worker=self.name, reason=INTERRUPTED, pause=pause, free=stopping)
                return
            except SQLAlchemyError as error:
                if stopping:
                    log.warning("Job %s was interrupted; the sweeper will find it: %s", job_id, error)
                    return
                log.warning("Job %s was interrupted; its worker waits for the database: %s", job_id, error)
                time.sleep(IDLE_LOOK)

    def _keep_up(self) -> None:
        """Between jobs: end when the runtime is to be replaced, else have the current Site."""
        if self.runtime.must_retire():
            self.retired = True
            raise StopRequested
        self._refresh_site()

    def _refresh_site(self) -> None:
        """Have the current Site, waiting for the database while it is away."""
        while True:
            # RQ raises this in its signal handler, where whatever is being built may swallow it.
            if self._told_to_stop_at is not None:
                raise StopRequested
            try:
                self.runtime.current_site()
                return
            except SQLAlchemyError as error:
                log.warning("The worker waits for the database: %s", error)
                time.sleep(IDLE_LOOK)
