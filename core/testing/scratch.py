"""Folders in memory for what tests write and nobody keeps.

A copy of a database is a thousand files. On a disk making them takes a fifth of a second of the processor, in memory a
fiftieth. Folders of runs that were killed are removed by the next run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 3 << 30  # bytes that must be free there; a run takes less than a third of it
PREFIX = "peyvand-test-"
LOCK = "in-use"


@contextlib.contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """An empty folder, in memory where there is room and else where temporary files lie; removed at the end.

    Args:
        name: what it is for, part of its name.
    """
    place = _place()
    if place is not None:
        _remove_left_behind(place)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=place))
    try:
        folder.chmod(0o711)  # servers that run as somebody else find what is theirs in it
        # Locked before it has its name, so that nobody finds it without an owner.
        with (folder / f".{LOCK}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f".{LOCK}").rename(folder / LOCK)
            yield folder
    finally:
        shutil.rmtree(folder)


def _place() -> Path | None:
    """Where folders in memory are made; None where there is no room for them, or nothing in them can be run."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return None
    return MEMORY if found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC else None


def _remove_left_behind(place: Path) -> None:
    """Remove the folders whose owners have ended without doing so."""
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
