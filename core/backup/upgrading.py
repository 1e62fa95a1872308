"""Bringing an installation to the installed code, with a backup first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core.backup.archive import BackupError
from core.backup.making import Report, make_backup, new_backup_path, note_made, silent
from core.config import Config
from core.database import migrations
from core.database.engine import Database
from core.errors import PeyvandError
from core.extension.discovery import discover
from core.site.installation import prepare
from core.site.lifecycle import CORE_FOLDER
from core.site.state import DISABLED, ENABLED, wanted_states


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did: the backup, sentences of the start, and what could not be brought up, with the reasons."""

    backup: Path
    sentences: tuple[str, ...]
    behind: tuple[str, ...]


def upgrade(config: Config, *, report: Report = silent) -> Upgraded:
    """Make a backup, then bring the tables of the core and of all plugins to the code on the disk.

    Raises:
        BackupError: there is nothing to upgrade, no backup could be made, or the core's tables could not be brought
            up; they are as they were then, and the sentence says what to do.
    """
    path = new_backup_path(config, "before-upgrade")
    made = make_backup(config, path, report=report)
    try:
        sentences = prepare(config)
    except (PeyvandError, sa.exc.SQLAlchemyError) as error:
        raise BackupError(
            f"The tables stay as they were: {error} Start the version from before again, or correct what is named and "
            f"repeat: peyvand upgrade. The backup made just now is {path}."
        ) from error
    note_made(config, made)
    return Upgraded(path, tuple(sentences), tuple(_behind(config)))


def _behind(config: Config) -> list[str]:
    """What is installed and not at the newest revision of its code."""
    found = discover(config.instance / "plugins")
    sentences = []
    database = Database(config)
    try:
        with database.autocommit() as connection:
            folders = {"core": CORE_FOLDER}
            for name, row in wanted_states(connection).items():
                plugin = found.get(name)
                if row.state not in (ENABLED, DISABLED):
                    continue
                if plugin is None or plugin.manifest is None:
                    sentences.append(f"{name}: its package is not here.")
                else:
                    folders[name] = plugin.folder
            for name, folder in folders.items():
                newest = migrations.check_history(name, folder)
                current = migrations.current_revision(connection, name)
                if newest is not None and current != newest:
                    error = getattr(wanted_states(connection).get(name), "error", None)
                    why = f": {error}" if error else ""
                    sentences.append(f"{name}: its tables are at {current or 'nothing'} and not at {newest}{why}")
    finally:
        database.dispose()
    return sentences
