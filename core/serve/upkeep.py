"""What the doctor says about the audit, backups, the clock, and what failed meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.accounts.models import now
from core.config import Config
from core.database.append_only import is_append_only
from core.jobs.models import FAILED, JOBS
from core.records.privacy.models import RetentionRule
from core.records.seals.anchor import AnchorError, anchor_file, read_anchor
from core.records.seals.digest import ROWS, SealKey
from core.records.seals.sealing import agrees, newest_seal
from core.serve.findings import Finding

UNSEALED = dt.timedelta(minutes=15)  # how long a row may wait for its seal
BACKUP_AGE = dt.timedelta(days=8)
YOUNG = dt.timedelta(days=7)  # how old an installation may be without a backup
SKEW = dt.timedelta(minutes=1)
FUTURE = dt.timedelta(minutes=5)
LATELY = dt.timedelta(days=7)


def upkeep(config: Config, connection: Connection) -> Iterator[Finding]:
    """Look at what keeps an installation's past."""
    yield _audit(config, connection)
    yield _backups(config, connection)
    yield _clock(connection)
    yield _failures(connection)
    yield from _retention(connection)


def _audit(config: Config, connection: Connection) -> Finding:
    if not is_append_only(connection, ROWS.name):
        return Finding(
            False, "audit", "The database no longer refuses changes of it; look at it with: peyvand audit verify"
        )
    path = anchor_file(config)
    try:
        anchor = read_anchor(path)
    except AnchorError as error:
        return Finding(False, "audit", f"{error} Move it away after looking at the audit with: peyvand audit verify")
    if anchor is not None and not agrees(connection, anchor):
        return Finding(
            False,
            "audit",
            f"It does not go on from the seal in {path}: rows were cut off, or an older copy was put back by hand. "
            "See: peyvand audit verify",
        )
    seal = newest_seal(connection)
    if seal is not None and seal.key_id != SealKey.of(config.secret_key).id:
        return Finding(
            True, "audit", "It is sealed with an earlier secret key; keep that, to check the past with --earlier-key."
        )
    after = sa.select(sa.func.count(), sa.func.min(ROWS.c.at))
    count, oldest = connection.execute(after.where(ROWS.c.id > seal.last_id) if seal is not None else after).one()
    if count and oldest < now() - UNSEALED:
        return Finding(
            False,
            "audit",
            f"{count} rows are not sealed, the oldest since {oldest:%Y-%m-%d %H:%M} UTC; see that worker and scheduler "
            "run, or seal them with: peyvand audit seal",
        )
    return Finding(True, "audit", f"It is sealed; {count} rows wait for the next minute.")


def _backups(config: Config, connection: Connection) -> Finding:
    made = sa.select(sa.func.max(ROWS.c.at)).where(ROWS.c.record_type == "core.backup", ROWS.c.action == "made")
    last = connection.scalar(made)
    advice = "Make one with: peyvand backup, or have one made every day under Administration, Backups."
    if last is None:
        first = connection.scalar(sa.select(sa.func.min(ROWS.c.at)))
        if first is None or first > now() - YOUNG:
            return Finding(True, "backup", f"None was made yet. {advice}")
        return Finding(False, "backup", f"None was ever made. {advice}")
    told = f"The last one was made on {last:%Y-%m-%d %H:%M} UTC."
    return Finding(last > now() - BACKUP_AGE, "backup", told if last > now() - BACKUP_AGE else f"{told} {advice}")


def _clock(connection: Connection) -> Finding:
    newest = connection.scalar(sa.select(sa.func.max(ROWS.c.at)))
    if newest is not None and newest > now() + FUTURE:
        return Finding(
            False,
            "clock",
            f"The newest change is of {newest:%Y-%m-%d %H:%M} UTC, which is in the future; set the clock of this "
            "machine, and let it be kept by NTP.",
        )
    if connection.dialect.name == "postgresql":
        there = connection.scalar(sa.select(sa.func.now())) or now()
        apart = abs(there - now())
        if apart > SKEW:
            return Finding(
                False,
                "clock",
                f"It differs by {round(apart.total_seconds())} seconds from the database's; let NTP keep both.",
            )
    return Finding(True, "clock", "It agrees with what is stored.")


def _failures(connection: Connection) -> Finding:
    failed = sa.select(sa.func.count()).where(JOBS.c.status == FAILED, JOBS.c.finished_at > now() - LATELY)
    count = connection.scalar(failed) or 0
    if count:
        sentence = f"{count} failed within a week; look at them, and repeat them, under Administration, Jobs."
        return Finding(False, "failed jobs", sentence)
    return Finding(True, "failed jobs", "None within a week.")


def _retention(connection: Connection) -> Iterator[Finding]:
    broken = sa.select(RetentionRule.name).where(RetentionRule.active, RetentionRule.problem != "").limit(10)
    for name in connection.scalars(broken):
        yield Finding(
            False, f"rule “{name}”", "It does not run; Administration, Personal data, Rules of retention says why."
        )
