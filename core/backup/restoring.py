"""Putting a backup back into an empty installation, all of it or nothing.

    read every part, compare checksums       nothing is touched before
    is it for this version? is it empty?
    put the files in their places            named by no row yet
    one transaction: make the tables as they were, load them, compare the counts
    bring the tables up to the installed code, as a start does

What was under way when the backup was made is not taken up again: waiting jobs are cancelled and mails that were about
to be sent are in doubt, because all of it may have been done since.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.accounts.actor import as_system
from core.accounts.models import now
from core.backup.archive import BackupError, Manifest, Reader
from core.backup.making import BACKUP, Report, silent
from core.backup.rows import load_rows
from core.config import Config
from core.database import migrations
from core.database.base import owner_of
from core.database.engine import Database
from core.errors import PluginError
from core.extension.discovery import discover
from core.extension.graph import in_order
from core.extension.manifest import Manifest as PluginManifest
from core.extension.manifest import read_manifest
from core.jobs.models import CANCELLED, JOBS, PARKED, QUEUED, RUNNING
from core.mail.models import IN_DOUBT, MAILS, STARTED
from core.mail.models import QUEUED as MAIL_QUEUED
from core.private_file import write_over
from core.records.attachments.storage import Storage
from core.records.audit import record_act
from core.records.seals.anchor import anchor_file
from core.records.seals.sealing import seal_audit
from core.site.installation import prepare
from core.site.lifecycle import CORE_FOLDER

CORE = "core"


@dataclass(frozen=True)
class Restored:
    """What was put back, and sentences for the person at the console."""

    manifest: Manifest
    sentences: tuple[str, ...]


def restore(config: Config, path: Path, *, without: frozenset[str] = frozenset(), report: Report = silent) -> Restored:
    """Put the backup at ``path`` into the empty installation of ``config``.

    Args:
        config: where to; its database has no tables yet.
        path: the file.
        without: plugins whose tables are left out, because their code is not here any more.
        report: told the parts done, the parts in all and what is being read.

    Raises:
        BackupError: the file is damaged or of a newer version, or the installation is not empty. Nothing was changed.
    """
    with Reader(path) as archive:
        report(0, 1, "checksums")
        archive.check()
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=_made(config.instance)) as staging:
            manifest = archive.manifest
            _unpack(archive, "instance", Path(staging))
            folders = _check(config, manifest, Path(staging), without)
            _place_files(config, archive, Path(staging))
            sentences = _place_keys(config, archive)
            _load(config, archive, folders, without, report)
    if sentences:
        config = dataclasses.replace(config, secret_key=_secret_key(config))
    try:
        sentences += prepare(config)
    except (PluginError, sa.exc.SQLAlchemyError) as error:
        raise BackupError(
            f"The backup is restored, but its tables could not be brought to this version: {error} "
            "Correct that, and go on with: peyvand init"
        ) from error
    _settle_audit(config, path, manifest)
    return Restored(manifest, tuple(sentences))


# --- before anything is touched


def _check(config: Config, manifest: Manifest, staging: Path, without: frozenset[str]) -> dict[str, Path]:
    """See that the backup fits; the folders of the histories of migrations, by plugin.

    Raises:
        BackupError: it does not.
    """
    for name in without - set(manifest.revisions):
        raise BackupError(f"The backup has no plugin {name}.")
    folders, manifests = _plugins(config, staging)
    for name, revision in manifest.revisions.items():
        if name in without:
            continue
        if name not in folders:
            raise BackupError(
                f"The backup has tables of the plugin {name}, which is not here. "
                f"Install its package first, or leave its tables out with: --without {name}"
            )
        try:
            known = not revision or migrations.has_revision(name, folders[name], revision)
        except PluginError as error:
            raise BackupError(str(error)) from error
        if not known:
            raise BackupError(
                f"The backup was made by a newer version: its tables of {name} are at {revision}, which this version "
                f"({manifest.version} made the backup) does not know. Install that version or a newer one."
            )
    _check_empty(config)
    _check_place(config, staging)
    ordered = [CORE, *in_order(set(manifest.revisions) - {CORE, *without}, manifests)]
    return {name: folders[name] for name in ordered}


def _plugins(config: Config, staging: Path) -> tuple[dict[str, Path], dict[str, PluginManifest]]:
    """Folders and manifests of the plugins that are here, and of those that come with the backup."""
    folders, manifests = {CORE: CORE_FOLDER}, {}
    for folder in sorted((staging / "plugins").glob("*")):
        with contextlib.suppress(PluginError):
            manifests[folder.name], folders[folder.name] = read_manifest(folder), folder
    for name, plugin in discover(config.instance / "plugins").items():
        if plugin.manifest is not None:
            manifests[name], folders[name] = plugin.manifest, plugin.folder
    return folders, manifests


def _check_empty(config: Config) -> None:
    if config.is_sqlite and not Path(config.database_url.removeprefix("sqlite:///")).exists():
        return
    database = Database(config)
    try:
        with database.autocommit() as connection:
            there = [name for name in sa.inspect(connection).get_table_names() if name.startswith("core_")]
    except sa.exc.SQLAlchemyError as error:
        raise BackupError(f"The database cannot be read: {type(error).__name__}.") from error
    finally:
        database.dispose()
    if there:
        raise BackupError(
            "This installation has data already, and a backup is put into an empty one only. Name an empty database "
            "and folder with PEYVAND_DATABASE_URL and PEYVAND_INSTANCE."
        )


def _check_place(config: Config, staging: Path) -> None:
    """A file of the instance folder that is there and is another one is not overwritten."""
    for path in _files(staging):
        place = config.instance / path.relative_to(staging)
        if place.exists() and (not place.is_file() or place.read_bytes() != path.read_bytes()):
            raise BackupError(f"{place} is there already and is another one than in the backup; move it away.")


# --- files


def _unpack(archive: Reader, folder: str, into: Path) -> None:
    for name in archive.names(folder):
        path = into / Path(name).relative_to(folder)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(archive.chunks(name))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _place_files(config: Config, archive: Reader, staging: Path) -> None:
    """Files first: until the rows are committed nobody knows them, and a second try finds them in place."""
    for path in _files(staging):
        place = config.instance / path.relative_to(staging)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(path, place)
    storage = Storage(config.attachments)
    for name in archive.names("attachments"):
        with archive.open(name) as part:
            stored = storage.take_in(part, limit=1 << 62)  # type: ignore[arg-type]
        if stored.sha256 != name.partition("/")[2]:
            storage.drop(stored)
            raise BackupError(f"The attached file {name} in the backup is not what its name says.")
        storage.keep(stored)


def _place_keys(config: Config, archive: Reader) -> list[str]:
    sentences = []
    for name in archive.names("keys"):
        key = name.partition("/")[2]
        variable = f"PEYVAND_{key.upper()}"
        if os.environ.get(variable):
            sentences.append(f"The backup holds the {key}; {variable} is set and wins. Set it to that of the backup.")
            continue
        with archive.open(name) as part:
            write_over(config.instance / key, part.read(1 << 16).decode("ascii"))
        sentences.append(f"The {key} of the backup is in {config.instance / key}.")
    return sentences


def _secret_key(config: Config) -> bytes:
    path = config.instance / "secret_key"
    given = os.environ.get("PEYVAND_SECRET_KEY")
    return config.secret_key if given or not path.exists() else path.read_bytes().strip()


# --- rows


def _load(
    config: Config, archive: Reader, folders: Mapping[str, Path], without: frozenset[str], report: Report
) -> None:
    """Everything in one transaction, so that what fails or is killed leaves an empty database."""
    database = Database(config)
    manifest = archive.manifest
    try:
        with migrations.schema_change(database) as connection:
            for plugin, folder in folders.items():
                if manifest.revisions[plugin]:
                    migrations.upgrade(connection, plugin, folder, manifest.revisions[plugin])
            tables = _expected(connection, manifest, folders)
            with _without_references(connection):
                for table in tables.values():
                    connection.execute(sa.delete(table))
                for done, entry in enumerate(manifest.tables):
                    if entry.name in tables:
                        report(done, len(manifest.tables), entry.name)
                        lines = archive.lines(f"tables/{entry.name}.jsonl")
                        load_rows(connection, tables[entry.name], entry.columns, lines)
            _compare(connection, manifest, tables)
            _reset_sequences(connection, tables)
            _leave_alone(connection, without)
    except (sa.exc.SQLAlchemyError, PluginError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise BackupError(f"The backup cannot be loaded, and nothing was: {reason}") from error
    finally:
        database.dispose()


def _expected(connection: Connection, manifest: Manifest, folders: Mapping[str, Path]) -> dict[str, sa.Table]:
    """The tables that the migrations made, by name.

    Raises:
        BackupError: they are others than those of the backup.
    """
    own = {name for plugin in folders for name in migrations.own_tables(connection, plugin)}
    found = sa.MetaData()
    found.reflect(connection, only=sorted(own), resolve_fks=False)
    owners = set(manifest.revisions)
    tables = {}
    for entry in manifest.tables:
        if owner_of(entry.name, owners) not in folders:
            continue
        there = {column.name for column in found.tables[entry.name].columns} if entry.name in own else set()
        if not set(entry.columns) <= there:
            raise BackupError(f"The table {entry.name} of the backup is another one than its revision makes here.")
        tables[entry.name] = found.tables[entry.name]
    return tables


@contextlib.contextmanager
def _without_references(connection: Connection) -> Iterator[None]:
    """Rows come in any order and point in circles; references are checked when all are there.

    On SQLite the transaction checks none until its end.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    asked = sa.text(
        "SELECT conrelid::regclass::text AS held, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS said"
        " FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    references = connection.execute(asked).all()
    for row in references:
        connection.exec_driver_sql(f"ALTER TABLE {row.held} DROP CONSTRAINT {row.name}")
    yield
    for row in references:
        connection.exec_driver_sql(f"ALTER TABLE {row.held} ADD CONSTRAINT {row.name} {row.said}")


def _compare(connection: Connection, manifest: Manifest, tables: Mapping[str, sa.Table]) -> None:
    for entry in manifest.tables:
        if entry.name in tables:
            count = connection.scalar(sa.select(sa.func.count()).select_from(tables[entry.name]))
            if count != entry.rows:
                raise BackupError(f"{entry.name} has {count} rows and not {entry.rows}; nothing was restored.")


def _reset_sequences(connection: Connection, tables: Mapping[str, sa.Table]) -> None:
    """The next row gets a number that nobody has."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables.values():
        for column in table.primary_key.columns:
            sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
            if sequence is not None:
                last = connection.scalar(sa.select(sa.func.max(column)))
                connection.execute(sa.select(sa.func.setval(sequence, last or 1, last is not None)))


def _leave_alone(connection: Connection, without: frozenset[str]) -> None:
    """What was under way may have been done since: it is not done again by itself. What was left out is absent."""
    for name in without:
        connection.execute(sa.text("DELETE FROM core_plugin WHERE name = :name"), {"name": name})
    waiting = JOBS.c.status.in_((QUEUED, RUNNING, PARKED))
    connection.execute(sa.update(JOBS).where(waiting).values(status=CANCELLED, finished_at=now(), lease_until=None))
    if sa.inspect(connection).has_table(MAILS.name):
        open_ = MAILS.c.state.in_((MAIL_QUEUED, STARTED))
        connection.execute(sa.update(MAILS).where(open_).values(state=IN_DOUBT))


# --- afterwards


def _settle_audit(config: Config, path: Path, manifest: Manifest) -> None:
    """Say in the audit that it was put back, and begin a new anchor: the old one belonged to another database."""
    anchor = anchor_file(config)
    if anchor.exists():
        anchor.replace(anchor.with_name(f"{anchor.name}.before-{now():%Y%m%d-%H%M%S}"))
    database = Database(config)
    try:
        with as_system("restore", source="command"), database.sessions() as session:
            told = {"file": (None, path.name), "made_at": (None, manifest.made_at), "rows": (None, manifest.rows)}
            record_act(session, BACKUP, "restored", told)
            session.commit()
        seal_audit(database, config)
    finally:
        database.dispose()


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
