"""Fixtures for the tests of jobs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from core.accounts.actor import as_system
from core.accounts.models import Role, User
from core.config import Config
from core.jobs.models import JOBS
from core.jobs.queue import enqueue
from core.processes import process_id
from core.testing.servers import RedisServer, create_database, drop_database
from tests.jobs.toy import ToyRuntime

ROOT = Path(__file__).parents[2]
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each of the two kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'toy.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    url = create_database(server)
    yield url
    drop_database(server, url)


@pytest.fixture
def runtime(database_url: str, redis_server: RedisServer, tmp_path: Path) -> Iterator[ToyRuntime]:
    """The toy installation, its tables made, its Redis empty, and user 1, who is called Ada, in it."""
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    client.close()
    config = Config.load(
        {"PEYVAND_INSTANCE": str(tmp_path), "PEYVAND_DATABASE_URL": database_url, "PEYVAND_REDIS_URL": redis_server.url}
    )
    runtime = ToyRuntime(config)
    runtime.create_tables()
    session = runtime.database.session
    session.add(User(id=1, email="ada@example.org", name="Ada", fs_uniquifier="ada", roles=[Role(id=1, name="user")]))
    session.commit()
    session.remove()
    yield runtime
    runtime.database.dispose()
    runtime.queue.client.close()


@pytest.fixture
def ask(runtime: ToyRuntime) -> Callable[..., str]:
    """Enqueue a job as the installation itself, commit, and return its id."""

    def ask_for(name: str, **arguments: Any) -> str:
        with runtime.current_site().app.app_context(), as_system("test"):
            job_id = enqueue(name, **arguments).id
            runtime.database.session.commit()
            runtime.database.session.remove()
        return job_id

    return ask_for


@pytest.fixture
def start(runtime: ToyRuntime) -> Iterator[Start]:
    """Start a worker or a scheduler of the toy installation in a process of its own; killed after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start_role(role: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **runtime.config.environment()}
        command = [sys.executable, "-m", "tests.jobs.toy", role]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
        started.append(process)
        return process

    yield start_role
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


@pytest.fixture
def killed() -> str:
    """The name of a process of this machine that was killed."""
    process = subprocess.Popen(["sleep", "60"])
    name = process_id(process.pid)
    process.kill()
    process.wait()
    return name


@pytest.fixture
def row(runtime: ToyRuntime) -> Callable[[str], Any]:
    """A job's row as it is now."""

    def read(job_id: str) -> Any:
        with runtime.database.engine.connect() as connection:
            return connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).one()

    return read


@pytest.fixture
def status(row: Callable[[str], Any]) -> Callable[[str], str]:
    """A job's status as it is now."""
    return lambda job_id: row(job_id).status


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until something is true.

    Raises:
        AssertionError: it is not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
