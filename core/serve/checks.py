"""What is looked at before anything is started, so that the usual mishaps are told in one sentence.

Each check returns nothing when all is well and raises `StartError` otherwise. No message repeats a password.
"""

import errno
import fcntl
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from core.config import Config
from core.errors import StartError

LEAST_FREE_BYTES = 32 * 1024 * 1024
"""Room below which SQLite's journal and Redis' append-only file would soon fail in the middle of somebody's work."""

_CONNECT_WITHIN = 5
_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_instance(folder: Path, least_free: int = LEAST_FREE_BYTES) -> None:
    """See that `folder` exists or can be made, takes a file, and has `least_free` bytes left."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        # What people entrust to a CRM is for no other user of the machine.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            probe.write_bytes(b"\0" * 4096)
        finally:
            probe.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        if error.errno in _FULL:
            raise StartError(f"The disk of {folder} is full.") from error
        raise StartError(f"The instance folder {folder} cannot be written: {error.strerror}.") from error
    if free < least_free:
        raise StartError(f"The disk of {folder} is full: {free >> 20} MB are left, {least_free >> 20} MB are needed.")


def check_port(host: str, port: int) -> None:
    """See that the web server will be able to listen on `host` and TCP `port`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise StartError(f"PEYVAND_HOST is not an address of this machine: {host}.") from error
    with socket.socket(family, kind, protocol) as probe:
        # As the web server does, so that connections still closing do not count as a taken port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            raise StartError(_why_not_bound(host, port, error)) from error


def check_database(config: Config) -> None:
    """See that the database can be opened."""
    if config.is_sqlite:
        _check_sqlite(Path(config.database_url.removeprefix("sqlite:///").partition("?")[0]))
        return
    url = config.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_WITHIN).close()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise StartError(f"The database at {_place(url)} cannot be reached: {reason}") from error


def check_redis(config: Config) -> None:
    """See that the Redis which this process shall use, but not start, answers."""
    client = redis.Redis.from_url(
        config.redis_location, socket_connect_timeout=_CONNECT_WITHIN, socket_timeout=_CONNECT_WITHIN
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        if config.own_redis:
            raise StartError(
                f"No Redis runs for {config.instance}: start the whole site there, or set PEYVAND_REDIS_URL."
            ) from error
        raise StartError(f"The Redis at {_place(config.redis_location)} cannot be reached: {error}") from error
    finally:
        client.close()


@contextmanager
def only_supervisor(config: Config) -> Iterator[int]:
    """Hold the lock of the instance, of which one supervisor may run; yields its descriptor.

    The own Redis is given the descriptor too: while an old one still writes its files, no second one may start.
    """
    path = config.instance / "run" / "lock"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read().strip() or "unknown"
            raise StartError(f"{config.instance} is being served already, by process {holder}.") from error
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield descriptor


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program; end that one, or set PEYVAND_PORT to another."
    if error.errno == errno.EACCES:
        return f"Port {port} is reserved for the system's administrator; set PEYVAND_PORT to 1024 or higher."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"PEYVAND_HOST is not an address of this machine: {host}."
    return f"Port {port} on {host} cannot be used: {error.strerror}."


def _check_sqlite(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_CONNECT_WITHIN)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except (sqlite3.Error, OSError) as error:
        raise StartError(f"The database {path} cannot be opened: {error}.") from error


def _place(url: str) -> str:
    """Where `url` points to, without its user and password."""
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.hostname or ''}{port}{parts.path}"
