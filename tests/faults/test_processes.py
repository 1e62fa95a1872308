"""Processes and servers are killed while people work: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from core.jobs.models import JOBS, LIVE, RUNNING
from core.processes import is_alive
from core.records.events import OutboxEvent
from core.site.state import Process
from core.testing.servers import PostgresServer, create_database
from core.testing.serving import ServedInstallation

RECOVERED_WITHIN = 15.0  # seconds
EVENTS: Any = OutboxEvent.__table__


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of this module's own, because it is crashed; commits wait for its log, as in production."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[ServedInstallation]:
    url = create_database(postgres)
    engine = sa.create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET synchronous_commit = on")
        connection.exec_driver_sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = on")
    engine.dispose()
    folder = tmp_path_factory.mktemp("faults") / "instance"
    with ServedInstallation(folder, ("contacts",), url) as installation:
        yield installation


class Work:
    """Somebody who makes one person after the other, and remembers which were acknowledged."""

    def __init__(self, served: ServedInstallation, name: str) -> None:
        self.served, self.name = served, name
        self.acknowledged: list[str] = []
        self.answers: Counter[int] = Counter()
        self.slowest = 0.0
        self.last_at = 0.0
        self._stop = threading.Event()
        self._client = served.client()
        self._client.get("/contacts/person/new")
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            name, began = f"{self.name}{number}", time.monotonic()
            try:
                self._client.post("/contacts/person/new", {"first_name": "Load", "last_name": name})
                self.answers[self._client.status] += 1
                if self._client.status == 302:
                    self.acknowledged.append(name)
                    self.last_at = time.monotonic()
            except (urllib.error.URLError, http.client.HTTPException, OSError):
                self.answers[0] += 1
                time.sleep(0.05)
            self.slowest = max(self.slowest, time.monotonic() - began)

    def during(self, fault: Callable[[], None], before: float = 0.7) -> float:
        """Work while ``fault`` happens, until it goes well again; how many seconds that took."""
        self._thread.start()
        try:
            time.sleep(before)
            assert self.acknowledged, self.answers
            fault()
            done, count = time.monotonic(), len(self.acknowledged)
            while len(self.acknowledged) < count + 5:
                assert time.monotonic() - done < RECOVERED_WITHIN, f"no recovery: {self.answers}"
                time.sleep(0.05)
            return time.monotonic() - done
        finally:
            self._stop.set()
            self._thread.join()

    def check(self) -> None:
        """Everything that was acknowledged is there, and nothing is there twice."""
        with self.served.runtime.database.engine.connect() as connection:
            asked = sa.text("SELECT last_name, count(*) FROM contacts_contact WHERE last_name LIKE :name GROUP BY 1")
            found = {row[0]: row[1] for row in connection.execute(asked, {"name": f"{self.name}%"})}
        assert [name for name in self.acknowledged if found.get(name) != 1] == []
        assert [name for name, count in found.items() if count != 1] == []


def processes(served: ServedInstallation, kind: str) -> list[int]:
    """The living processes of a kind."""
    with served.runtime.database.autocommit() as connection:
        rows = connection.execute(sa.select(Process.__table__.c.id).where(Process.__table__.c.kind == kind))
        return [int(row.id.rsplit(":", 2)[1]) for row in rows if is_alive(row.id)]


def wait(condition: Callable[[], Any], what: str, seconds: float, look_every: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(look_every)


def works(served: ServedInstallation) -> bool:
    """Whether a worker is in the middle of a job."""
    with served.runtime.database.autocommit() as connection:
        return bool(connection.scalar(sa.select(sa.func.count()).where(JOBS.c.status == RUNNING)))


def nothing_waits(served: ServedInstallation) -> bool:
    """Whether every event was told to the modules and every job of theirs has ended."""
    with served.runtime.database.autocommit() as connection:
        events = connection.scalar(sa.select(sa.func.count()).where(EVENTS.c.delivered_at.is_(None)))
        deliveries = sa.select(sa.func.count()).where(JOBS.c.name == "core.deliver_events", JOBS.c.status.in_(LIVE))
        return events == 0 and connection.scalar(deliveries) == 0


def test_web_processes_killed_in_the_middle_of_saves_lose_nothing(served: ServedInstallation) -> None:
    work = Work(served, "Web")

    def kill_all() -> None:
        for pid in processes(served, "web"):
            os.kill(pid, signal.SIGKILL)

    work.during(kill_all)
    work.check()


def test_worker_and_scheduler_killed_at_work_are_replaced_and_finish_it(served: ServedInstallation) -> None:
    work = Work(served, "Worker")

    def kill_both() -> None:
        wait(lambda: works(served), "no event is told", 10, look_every=0.001)
        for kind in ("worker", "scheduler"):
            for pid in processes(served, kind):
                os.kill(pid, signal.SIGKILL)

    work.during(kill_both)
    work.check()
    wait(lambda: nothing_waits(served), "events wait for ever", 45)


def test_a_redis_that_is_killed_and_forgets_everything_stops_no_save_and_loses_no_job(
    served: ServedInstallation,
) -> None:
    work = Work(served, "Redis")
    (redis,) = [
        process for process in psutil.Process(served._process.pid).children() if "redis" in " ".join(process.cmdline())
    ]

    def kill_it() -> None:
        wait(lambda: works(served), "no event is told", 10, look_every=0.001)
        folder = served.config.instance / "redis"
        redis.send_signal(signal.SIGSTOP)
        for path in [entry for entry in folder.rglob("*") if entry.is_file() and entry.suffix != ".log"]:
            path.unlink()
        redis.kill()

    work.during(kill_it)
    work.check()
    assert set(work.answers) <= {302}, work.answers
    wait(lambda: nothing_waits(served), "events wait for ever", 45)


@pytest.mark.timeout(120)
def test_a_postgresql_that_crashes_under_load_has_what_it_acknowledged(
    served: ServedInstallation, postgres: PostgresServer
) -> None:
    work = Work(served, "Postgres")
    away = served.client()

    def crash() -> None:
        wait(lambda: works(served), "no event is told", 10, look_every=0.001)
        postgres.crash()
        # The test's own connections were cut off too, and one used a moment ago is not asked whether it lives.
        served.runtime.database.dispose()

    recovered = work.during(crash)
    work.check()
    assert set(work.answers) <= {302, 503, 0}, work.answers
    assert work.slowest < RECOVERED_WITHIN
    assert recovered < RECOVERED_WITHIN
    away.get("/")
    assert away.status == 200, "a page that only reads recovers too"
    wait(lambda: nothing_waits(served), "events wait for ever", 45)


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_loses_nothing(served: ServedInstallation) -> None:
    work = Work(served, "Supervisor")
    supervisor = psutil.Process(served._process.pid)
    children = supervisor.children(recursive=True)

    def kill_and_start() -> None:
        supervisor.kill()
        served._process.wait()
        gone, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        served.log.write_text("")
        served.start()

    work.during(kill_and_start)
    work.check()
