"""One change of modules at a time, on however many machines; a process that dies lets go of the lock."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _

from core.database.engine import Database
from core.errors import LifecycleError

KEY = 7_307_199_061  # of the PostgreSQL advisory lock; any number that nobody else uses


@contextlib.contextmanager
def one_change_at_a_time(database: Database, instance: Path) -> Iterator[None]:
    """Hold the lock for the length of the block.

    Raises:
        LifecycleError: somebody else holds it.
    """
    busy = LifecycleError(_("Another change of modules is under way. Try again when it is done."))
    if database.is_sqlite:
        # Everybody who shares a SQLite file shares its machine.
        with (instance / "lifecycle.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise busy from None
            yield
        return
    with database.autocommit() as connection:
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(KEY))).scalar_one():
            raise busy
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(KEY)))
