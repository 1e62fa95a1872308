"""Removing old audit rows when an administrator wants that, in a way that the rest can still be verified.

Rows go by whole seals. One mark takes the place of the seals that covered them: it goes on from the seal before, the
next one goes on from it, and it is keyed like a seal, so nobody else can pretend that rows were removed. Rows that an
undo still needs stay, under the mark: those of operations that can be undone, and the history of records that such an
operation removed for good; but nothing of records that were erased. The newest seal always stays, and with it the
numbering of SQLite.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.config import Config
from core.database.engine import Database
from core.errors import PeyvandError
from core.records.audit import record_act
from core.records.operations.models import PURGE, UNDONE, Operation
from core.records.privacy.marks import is_erased
from core.records.seals.digest import COLUMNS, ROWS, RowDigest, SealKey, key_ring, mark_digest
from core.records.seals.models import OPENINGS, SEALS
from core.records.seals.verifying import BATCH, check_seal
from core.records.settings import InstallationSetting, whole_number

REMOVE_OLD_AUDIT = "core.remove_old_audit"
LONGEST = 36_500  # days
SEALS_AT_ONCE = 5  # 25,000 rows, during whose removal nobody else writes to SQLite
KEPT_DAYS = InstallationSetting("core.audit_days", 0, whole_number(0, LONGEST))
"""For how many days audit rows are kept; 0 for ever."""


class Tampered(PeyvandError):
    """Rows that are to be removed are not what was sealed; removing them would remove the proof."""


@dataclass(frozen=True)
class Removal:
    """How many audit rows went and how many old ones stayed for the sake of an undo."""

    removed: int = 0
    kept: int = 0


def run_removal(progress: Any) -> dict[str, int]:
    """The job that removes audit rows older than the setting says."""
    runtime = current_app.extensions["peyvand"].runtime
    session: Session = runtime.database.session()
    days = KEPT_DAYS.read(session)
    session.rollback()
    if not days:
        return {"removed": 0}
    before = now() - dt.timedelta(days=days)
    done = remove_old(runtime.database, runtime.config, before, progress.report)
    if done.removed:
        record_act(session, "core.audit", "removed", {"rows": (done.removed, None), "before": (before, None)})
    return {"removed": done.removed, "kept": done.kept}


def remove_old(database: Database, config: Config, before: dt.datetime, report: Any = lambda _done: None) -> Removal:
    """Remove the rows of all seals made before a moment.

    Raises:
        Tampered: they do not agree with their seals; nothing more is removed.
    """
    removed = kept = 0
    keys = key_ring([config.secret_key])
    number: int | None = None
    while True:
        with database.engine.begin() as connection:
            if not database.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE core_audit_seal IN EXCLUSIVE MODE")
            last, old = _old_seals(connection, before, number)
            if not old:
                return Removal(removed, kept)
            done = _replace(connection, last, old, keys, SealKey.of(config.secret_key))
        removed, kept, number = removed + done.removed, kept + done.kept, old[-1].number
        report(removed)


def _old_seals(connection: Connection, before: dt.datetime, after: int | None) -> tuple[Any, Sequence[Any]]:
    """The next seals to go, and the mark or seal before them. Never the newest one."""
    columns = [column for column in SEALS.c if column.name != "hints"]
    newest = sa.select(sa.func.max(SEALS.c.number)).scalar_subquery()
    wanted = sa.select(*columns).where(SEALS.c.at < before, SEALS.c.number < newest, SEALS.c.mark.is_(None))
    if after is not None:
        wanted = wanted.where(SEALS.c.number > after)
    old = connection.execute(wanted.order_by(SEALS.c.number).limit(SEALS_AT_ONCE)).all()
    if not old:
        return None, old
    earlier = sa.select(*columns).where(SEALS.c.number < old[0].number).order_by(SEALS.c.number.desc()).limit(1)
    return connection.execute(earlier).first(), old


def _replace(
    connection: Connection, last: Any, old: Sequence[Any], keys: Mapping[str, SealKey], key: SealKey
) -> Removal:
    """Put one mark in the place of some seals, and with an empty mark before them."""
    before = last
    for seal in old:
        if problem := check_seal(connection, seal, before, keys):
            raise Tampered(f"{problem} Nothing is removed; look at the audit with: peyvand audit verify")
        before = seal
    end = old[-1]
    start = last.last_id if last is not None else None
    removed = _remove_rows(connection, start, end.last_id)
    first, gone = old[0], removed
    if last is not None and last.mark is not None and last.size == 0:
        first, gone = last, removed + last.removed
    digest = RowDigest(key)
    for row in connection.execute(_within(start, end.last_id)):
        digest.add(row)
    mark = SimpleNamespace(
        number=end.number, last_id=end.last_id, removed=gone, previous=first.previous, digest=end.digest, at=end.at
    )
    connection.execute(sa.delete(SEALS).where(SEALS.c.number >= first.number, SEALS.c.number <= end.number))
    values = vars(mark) | {"first_id": first.first_id, "size": digest.count, "key_id": key.id, "hints": b""}
    connection.execute(sa.insert(SEALS).values(values | {"mark": mark_digest(digest, mark)}))
    return Removal(removed, digest.count)


def _within(start: int | None, end: int) -> sa.Select[Any]:
    wanted = sa.select(*COLUMNS).where(ROWS.c.id <= end).order_by(ROWS.c.id).execution_options(yield_per=BATCH)
    return wanted if start is None else wanted.where(ROWS.c.id > start)


def _remove_rows(connection: Connection, start: int | None, end: int) -> int:
    other = ROWS.alias()
    offered = sa.select(Operation.id).where(Operation.kind != PURGE, Operation.state != UNDONE)
    gone = sa.exists().where(
        other.c.record_type == ROWS.c.record_type,
        other.c.record_id == ROWS.c.record_id,
        other.c.action == "purged",
        other.c.operation.in_(offered),
    )
    needed = sa.or_(sa.and_(ROWS.c.operation.is_not(None), ROWS.c.operation.in_(offered)), gone)
    # What was erased is not undone, and must not outlive the days that rows are kept.
    needed = sa.and_(needed, ~is_erased(ROWS.c))
    wanted = sa.delete(ROWS).where(ROWS.c.id <= end, ~needed)
    connection.execute(sa.insert(OPENINGS).values(last_id=end))
    removed = connection.execute(wanted if start is None else wanted.where(ROWS.c.id > start)).rowcount
    connection.execute(sa.delete(OPENINGS))
    return removed
