"""How far a job is, told while it runs.

On SQLite one connection writes at a time, and the job's own session may be the one that does, so what changes by the
second is kept in Redis (`peyvand:<installation>:progress:<id>:<attempt>`); only the last word goes to the job's row,
with its result. Nobody may wait for Redis either: without it a job runs on unseen.
"""

import time
from collections.abc import Callable

from core.errors import PeyvandError
from core.jobs.delivery import JobQueue
from core.parts import Label

BETWEEN_REPORTS = 0.25  # seconds
BETWEEN_LOOKS = 2.0  # seconds between looks at the row, which also says when to stop
LONGEST_MESSAGE = 500


class Cancelled(PeyvandError):
    """Somebody asked the job to stop; raised where it reports. Let it pass: what was committed stays."""

    def __init__(self) -> None:
        super().__init__("The job was cancelled.")


class Progress:
    """Given to every job as its first argument.

    Args:
        job_id: the id of the job's row.
        attempt: which run of it this is.
        queue: the Redis side.
        stop_requested: asks the row whether somebody wants the job to stop.
    """

    def __init__(self, job_id: str, attempt: int, queue: JobQueue, stop_requested: Callable[[], bool]) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.done = 0
        self.total: int | None = None
        self.message = ""
        self._queue = queue
        self._stop_requested = stop_requested
        self._stop = False
        self._reported_at = float("-inf")
        self._looked_at = time.monotonic()

    def report(self, done: int, total: int | None = None, message: Label = "") -> None:
        """Say how far the job is; cheap enough for every row of a file.

        Args:
            done: how many of the things to do are done.
            total: how many there are, if known; what was said before stays.
            message: a short sentence for whoever waits.

        Raises:
            Cancelled: the job is to stop.
        """
        self.done = done
        self.total = self.total if total is None else total
        self.message = str(message)[:LONGEST_MESSAGE]
        if self.cancelled:
            raise Cancelled

    @property
    def cancelled(self) -> bool:
        """Whether the job is to stop; for jobs that must tidy up first."""
        moment = time.monotonic()
        if not self._stop and moment - self._reported_at >= BETWEEN_REPORTS:
            self._reported_at = moment
            said = {"done": self.done, "total": "" if self.total is None else self.total, "message": self.message}
            self._stop = self._queue.publish(self.job_id, self.attempt, said)
        if not self._stop and moment - self._looked_at >= BETWEEN_LOOKS:
            self._looked_at = moment
            self._stop = self._stop_requested()
        return self._stop
