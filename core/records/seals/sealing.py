"""Sealing what was written since the last seal: a chore beside the writers, who never wait for one another's seals.

A seal made in the writer's own transaction would have every save wait for every other. So rows are sealed a little
later, and only up to a row before which nobody can still add one. Ids are given out before the commit: on PostgreSQL a
row with a smaller id may appear after one with a larger. For a moment nobody may be writing, which the lock of the
table tells; it is asked for without queueing, because whoever queues for it makes all later writers queue behind.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError, OperationalError

from core.accounts.models import now
from core.config import Config
from core.database.engine import Database, reading
from core.records.seals.anchor import Anchor, AnchorError, anchor_file, read_anchor, write_anchor
from core.records.seals.digest import COLUMNS, ROWS, RowDigest, SealKey, seal_digest
from core.records.seals.models import SEALS

log = logging.getLogger(__name__)

SEAL_AUDIT = "core.seal_audit"
SEAL_EVERY = 60  # seconds
ROWS_PER_SEAL = 5000
TRIES, PAUSE = 20, 0.05  # seconds
LAST_TRY = 200  # milliseconds that writers may have to wait, when the table is never without one
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Sealed:
    """What one round did: seals made, rows in them, and whether the anchor says so now.

    ``busy``: somebody was writing all the time; the next round tries again. ``conflict``: the anchor knows another
    history than the database, and was left alone.
    """

    seals: int = 0
    rows: int = 0
    busy: bool = False
    conflict: bool = False


def run_sealing(_progress: Any) -> dict[str, Any]:
    """The job that seals."""
    runtime = current_app.extensions["peyvand"].runtime
    done = seal_audit(runtime.database, runtime.config)
    return {"seals": done.seals, "rows": done.rows}


def seal_audit(database: Database, config: Config) -> Sealed:
    """Seal everything that nobody can add to any more, and write the anchor."""
    top = _settled(database)
    seals = rows = 0
    if top is not None:
        key = SealKey.of(config.secret_key)
        while (count := _seal_one(database, key, top)) > 0:
            seals, rows = seals + 1, rows + count
    return Sealed(seals, rows, busy=top is None, conflict=not _anchor(database, config))


def newest_seal(connection: Connection) -> Row[Any] | None:
    """The last seal, without its hints."""
    columns = [column for column in SEALS.c if column.name != "hints"]
    return connection.execute(sa.select(*columns).order_by(SEALS.c.number.desc()).limit(1)).first()


def _settled(database: Database) -> int | None:
    """The id up to which no audit row can appear any more; None when somebody is writing all the time."""
    if database.is_sqlite:
        # One writes at a time, and what is not committed is not seen.
        with reading(), database.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(ROWS.c.id))) or 0
    for attempt in range(TRIES + 1):
        last = attempt == TRIES
        try:
            with database.engine.begin() as connection:
                if last:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LAST_TRY}")
                connection.exec_driver_sql(f"LOCK TABLE core_audit IN SHARE MODE{'' if last else ' NOWAIT'}")
                return connection.scalar(sa.select(sa.func.max(ROWS.c.id))) or 0
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
        if not last:
            time.sleep(PAUSE)
    return None


def _seal_one(database: Database, key: SealKey, top: int) -> int:
    """Make the next seal over rows up to ``top``; how many rows are in it, 0 when there is nothing to seal."""
    digest = RowDigest(key, hints=True)
    with reading(), database.engine.connect() as connection:
        last = newest_seal(connection)
        wanted = sa.select(*COLUMNS).where(ROWS.c.id <= top).order_by(ROWS.c.id).limit(ROWS_PER_SEAL)
        if last is not None:
            wanted = wanted.where(ROWS.c.id > last.last_id)
        for row in connection.execute(wanted):
            digest.add(row)
    if not digest.count:
        return 0
    number, previous, at = (last.number + 1, last.digest, now()) if last is not None else (1, "", now())
    values = {
        "number": number,
        "first_id": digest.first_id,
        "last_id": digest.last_id,
        "size": digest.count,
        "previous": previous,
        "digest": seal_digest(digest, number, digest.last_id, previous, at),
        "key_id": key.id,
        "at": at,
        "hints": digest.hints,
    }
    try:
        with database.engine.begin() as connection:
            connection.execute(sa.insert(SEALS).values(values))
    except IntegrityError:
        return 0  # another process made this seal; it will make the next ones too
    return digest.count


def _anchor(database: Database, config: Config) -> bool:
    """Write the newest seal beside the database, unless what stands there belongs to another history."""
    path = anchor_file(config)
    try:
        before = read_anchor(path)
    except AnchorError as error:
        log.error("%s The audit is sealed without an anchor.", error)
        return False
    with reading(), database.engine.connect() as connection:
        last = newest_seal(connection)
        if before is not None and not agrees(connection, before):
            log.error("The audit does not go on from the seal in %s; look at it with: peyvand audit verify", path)
            return False
    if last is not None and (before is None or before.number < last.number):
        write_anchor(path, Anchor(last.number, last.digest, last.last_id, last.at.isoformat()))
    return True


def agrees(connection: Connection, anchor: Anchor) -> bool:
    """Whether the seals go on from the one that the anchor names, or cover it with a mark of removed rows."""
    after = sa.select(SEALS.c.number, SEALS.c.digest, SEALS.c.mark).where(SEALS.c.number >= anchor.number)
    found = connection.execute(after.order_by(SEALS.c.number).limit(1)).first()
    if found is None:
        return False
    return found.digest == anchor.digest if found.number == anchor.number else found.mark is not None
