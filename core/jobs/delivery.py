"""How the id of a job travels from the process that asked for it to a worker, through Redis and RQ.

RQ imports and calls whatever function name it finds in Redis; with the JSON serializer `os.system` still ran. So a
`Delivery` believes nothing of what it is told: one function, one argument, the id; no callbacks, no webhooks.
"""

import hashlib
import hmac
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import redis
import rq
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import DeserializationError
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from core.config import Config
from core.errors import PeyvandError
from core.processes import is_alive

log = logging.getLogger(__name__)

PERFORM = "core.jobs.worker.perform"
QUEUES = ("system", "default", "bulk")
"""The queues, the most urgent first."""

PATIENCE = 2.0  # seconds a request waits for Redis
REST = 3.0  # seconds in which Redis is not asked again after it did not answer
FAILURE_KEPT = 60  # seconds RQ keeps its own note of a failure; ours is the row
PROGRESS_KEPT = 86_400  # seconds
SIGN_OF_LIFE = 2  # seconds between signs of life of a running job


class ForbiddenFunction(PeyvandError):
    """Somebody put something on the queue that is no job of ours."""


class Delivery(RqJob):
    """An RQ job that can only be `perform(<its own id>)`."""

    def check(self) -> None:
        """Look at what Redis says is to be called.

        Raises:
            ForbiddenFunction: it is anything but our one function with this id.
        """
        try:
            asked = (self.func_name, self.instance, list(self.args or ()), dict(self.kwargs or {}))
        except (DeserializationError, TypeError, ValueError):
            asked = None
        if asked != (PERFORM, None, [self.id], {}):
            raise ForbiddenFunction(f"The delivery {self.id} asks for something that is no job.")

    @property
    def func(self) -> Any:
        self.check()
        return super().func

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: an address found in Redis is not called."""


class JobQueue:
    """The Redis side of the queue, one per process; connects when first used, and outlives every Site.

    Nothing here may be needed for a save: a Redis that is away only delays jobs, which the sweeper delivers later.
    `lease_seconds` is how long a running job may show no sign of life.
    """

    def __init__(self, config: Config) -> None:
        self.url = config.redis_location
        # The same in each process of the installation, and another one for its neighbour on the same Redis.
        self.installation = hmac.digest(config.secret_key, b"installation", hashlib.sha256).hex()[:12]
        self.lease_seconds = 30
        self._rests_until = 0.0
        self._spoke_at: dict[str, float] = {}

    @cached_property
    def client(self) -> redis.Redis:
        """A client that gives up soon; for requests, and for everything else that must not hang."""
        return redis.Redis.from_url(
            self.url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 1)
        )

    def waiting_client(self) -> redis.Redis:
        """A client of its own for a worker, which waits in Redis for the next job."""
        return redis.Redis.from_url(self.url, socket_connect_timeout=PATIENCE)

    def rq_queue(self, name: str, client: redis.Redis | None = None) -> rq.Queue:
        """RQ's queue for one of `QUEUES`."""
        return rq.Queue(
            f"peyvand-{self.installation}-{name}",
            connection=client or self.client,
            job_class=Delivery,
            serializer=JSONSerializer,
        )

    def answers(self) -> bool:
        """Whether Redis can be reached; asked at most every few seconds while it cannot."""
        return self._guarded(self.client.ping) is not None

    def push(self, job_id: str, queue: str, timeout: int) -> bool:
        """Tell the workers about a committed row. False when Redis is away; the sweeper will do it then.

        Args:
            job_id: the row's id.
            queue: one of `QUEUES`.
            timeout: seconds the job may take.
        """
        delivered = self._guarded(
            lambda: self.rq_queue(queue).enqueue_call(
                PERFORM, args=[job_id], job_id=job_id, timeout=timeout, result_ttl=0, failure_ttl=FAILURE_KEPT
            )
        )
        if delivered is None:
            log.warning("Job %s waits: Redis does not answer.", job_id)
        return delivered is not None

    def may_speak(self, name: str, pause: float) -> bool:
        """Whether this process has said nothing about the job ``name`` for ``pause`` seconds; it is about to then."""
        moment = time.monotonic()
        if pause and moment - self._spoke_at.get(name, float("-inf")) < pause:
            return False
        self._spoke_at[name] = moment
        return True

    def undelivered(self, queue: str, job_ids: Sequence[str]) -> list[str]:
        """Those of `job_ids` that do not stand in Redis' list; none when Redis is away."""

        def positions() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                for job_id in job_ids:
                    pipeline.lpos(self.rq_queue(queue).key, job_id)
                return list(pipeline.execute())

        found = self._guarded(positions) if job_ids else None
        return [job_id for job_id, position in zip(job_ids, found or (), strict=False) if position is None]

    # --- signs of life, and words to and from a running job

    def show_life(self, job_id: str) -> None:
        """Keep the lease of a running job; called again and again by its worker."""
        self._guarded(lambda: self.client.set(self._key("lease", job_id), "1", ex=self.lease_seconds))

    def silences(self, job_ids: Sequence[str]) -> dict[str, float]:
        """For how many seconds each of `job_ids` showed no sign of life; without end when its lease is gone.

        Nothing when Redis is away, for then nobody can tell.
        """

        def leases() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                for job_id in job_ids:
                    pipeline.pttl(self._key("lease", job_id))
                return list(pipeline.execute())

        left = self._guarded(leases) if job_ids else None
        return {
            job_id: self.lease_seconds - milliseconds / 1000 if milliseconds >= 0 else math.inf
            for job_id, milliseconds in zip(job_ids, left or (), strict=False)
        }

    def publish(self, job_id: str, attempt: int, progress: Mapping[Any, str | int]) -> bool:
        """Show how far a running job is. Returns whether it was asked to stop."""
        key = self._key("progress", job_id, attempt)

        def write() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                pipeline.hset(key, mapping=progress)
                pipeline.expire(key, PROGRESS_KEPT)
                pipeline.hget(key, "stop")
                return list(pipeline.execute())

        answer = self._guarded(write)
        return bool(answer and answer[-1])

    def progress(self, runs: Iterable[tuple[str, int]]) -> dict[str, dict[str, str]]:
        """What running jobs last said, by id; `runs` are pairs of id and attempt."""
        runs = list(runs)

        def read() -> list[Any]:
            with self.client.pipeline(transaction=False) as pipeline:
                for job_id, attempt in runs:
                    pipeline.hgetall(self._key("progress", job_id, attempt))
                return list(pipeline.execute())

        answers = self._guarded(read) if runs else None
        return {
            job_id: {name.decode(): value.decode() for name, value in answer.items()}
            for (job_id, _attempt), answer in zip(runs, answers or (), strict=False)
            if answer
        }

    def ask_to_stop(self, job_id: str, attempt: int) -> None:
        """Ask a run of a job to stop at its next report."""
        key = self._key("progress", job_id, attempt)

        def write() -> None:
            with self.client.pipeline(transaction=False) as pipeline:
                pipeline.hset(key, "stop", "1")
                pipeline.expire(key, PROGRESS_KEPT)
                pipeline.execute()

        self._guarded(write)

    def forget_run(self, job_id: str, attempt: int) -> None:
        """Drop what a run that has ended left in Redis."""
        self._guarded(lambda: self.client.delete(self._key("progress", job_id, attempt), self._key("lease", job_id)))

    # --- the one scheduler that leads

    def lead(self, process: str, seconds: int) -> bool:
        """Become or stay the leading scheduler for `seconds`. True as well when Redis is away: the rows decide then.

        `process` is its `core.processes.process_id`: one of this machine that was killed is not waited for.
        """
        key = self._key("leader")

        def take() -> bool:
            if self.client.set(key, process, nx=True, ex=seconds):
                return True
            leader: Any = self.client.get(key)
            if leader not in (None, process.encode()) and is_alive(leader.decode()):
                return False
            self.client.set(key, process, ex=seconds)
            return True

        return self._guarded(take) is not False

    def stop_leading(self, process: str) -> None:
        """Let another scheduler lead at once."""
        key = self._key("leader")
        self._guarded(lambda: self.client.get(key) == process.encode() and self.client.delete(key))

    # --- what may be lost

    def ask(self, question: Callable[[redis.Redis], Any]) -> Any:
        """What `question` gets from the client, or None while Redis is away; for what can be had in another way too."""
        return self._guarded(lambda: question(self.client))

    def key(self, *parts: object) -> str:
        """The key called `parts` of this installation."""
        return self._key(*parts)

    def _key(self, *parts: object) -> str:
        return ":".join(("peyvand", self.installation, *(str(part) for part in parts)))

    def _guarded(self, ask: Any) -> Any:
        """What `ask` returns, or None while Redis is away."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            return ask()
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST
            log.warning("Redis does not answer: %s", error)
            return None
