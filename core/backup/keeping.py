"""Backups in the folder of the instance: which there are, one made every day, and how many of those are kept."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from core.backup.making import backup_folder, make_backup, new_backup_path, tell_made
from core.config import Config
from core.jobs.queue import enqueue_if_idle
from core.records.policy import require
from core.records.settings import InstallationSetting, whole_number

MANAGE = "core.backups.manage"
MAKE_BACKUP = "core.make_backup"
DAILY_BACKUP = "core.daily_backup"
DAILY = "daily"
LISTED = 100
ABANDONED = 24 * 3600  # seconds after which a draft is nobody's any more
MADE_DAILY = InstallationSetting("core.backup_daily", 0, whole_number(0, 1))
KEPT = InstallationSetting("core.backup_keep", 7, whole_number(1, 365))
"""How many daily backups are kept; those that somebody asked for stay until somebody removes them."""
_NAME = re.compile(r"peyvand-[0-9]{8}-[0-9]{6}(-[a-z0-9-]{1,40})?\.zip", re.ASCII)


@dataclass(frozen=True)
class BackupFile:
    """One file in the folder of backups."""

    name: str
    size: int
    made_at: dt.datetime
    daily: bool


def backup_files(config: Config) -> list[BackupFile]:
    """The newest backups of the folder, newest first."""
    found = []
    for path in sorted(backup_folder(config).glob("peyvand-*.zip"), reverse=True):
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            stat = path.stat()
            made_at = dt.datetime.fromtimestamp(stat.st_mtime, dt.UTC)
            found.append(BackupFile(path.name, stat.st_size, made_at, f"-{DAILY}" in path.name))
    return found[:LISTED]


def find_backup(config: Config, name: str) -> Path | None:
    """The file of this name in the folder of backups, or None."""
    if _NAME.fullmatch(name) is None:
        return None
    path = backup_folder(config) / name
    return path if path.is_file() and not path.is_symlink() else None


def run_backup(progress: Any, reason: str = "") -> dict[str, Any]:
    """The job that makes a backup; what a killed run left is removed by the next daily one."""
    require(MANAGE)
    runtime = current_app.extensions["peyvand"].runtime
    path = new_backup_path(runtime.config, reason)
    made = make_backup(runtime.config, path, report=progress.report)
    session: Session = runtime.database.session()
    tell_made(session, made)
    if reason == DAILY:
        # Only now: a disk on which no new one can be made keeps the old ones.
        for file in [file for file in backup_files(runtime.config) if file.daily][KEPT.read(session) :]:
            (path.parent / file.name).unlink(missing_ok=True)
    return {"file": path.name, "rows": made.rows, "missing": len(made.missing)}


def run_daily(_progress: Any) -> dict[str, Any]:
    """The job of the schedule: has a backup made where the setting says so."""
    runtime = current_app.extensions["peyvand"].runtime
    session: Session = runtime.database.session()
    folder = backup_folder(runtime.config)
    for draft in folder.glob(".peyvand-*"):
        if draft.stat().st_mtime < time.time() - ABANDONED:
            draft.unlink(missing_ok=True)
    if not MADE_DAILY.read(session):
        return {"made": False}
    return {"made": enqueue_if_idle(MAKE_BACKUP, reason=DAILY)}
