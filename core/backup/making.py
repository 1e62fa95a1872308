"""Making a backup while the installation serves: one moment of the database, and the files that its rows name.

All tables are read in one transaction, which on both databases shows the moment at which it began, whatever is written
meanwhile. Attached files lie under their digest and never change; while they are copied no sweep removes one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

import core
from core.accounts.actor import as_system
from core.accounts.models import now
from core.backup.archive import CHUNK, BackupError, Manifest, Table, Writer
from core.backup.rows import row_lines, stored_columns
from core.config import Config
from core.database.base import owner_of
from core.database.engine import Database, reading
from core.database.migrations import VERSION_TABLE, current_revision
from core.database.word_index import real_tables
from core.records.attachments.storage import Storage
from core.records.audit import record_act

log = logging.getLogger(__name__)

FOLDER = "backups"
BACKUP = "core.backup"  # in the audit
KEYS = ("secret_key", "encryption_key")
INSTANCE_FOLDERS = ("plugins", "templates", "translations", "exports")
# Who is signed in and which processes run says nothing about another day; a link that was used must not work again, nor
# a token that was revoked.
LEFT_OUT = frozenset(
    {"core_process", "core_sign_in", "core_pending_sign_in", "core_set_up_link", "core_account_link",
     "core_access_token", "core_access_token_role"}
)  # fmt: skip

Report = Callable[[int, int, str], None]


def silent(_done: int, _total: int, _message: str) -> None:
    return None


@dataclass(frozen=True)
class Made:
    """A backup that was made."""

    path: Path
    size: int
    rows: int
    attachments: int
    missing: tuple[str, ...]


def backup_folder(config: Config) -> Path:
    """Where backups lie unless somebody names another place."""
    return config.instance / FOLDER


def new_backup_path(config: Config, reason: str = "") -> Path:
    """A file in the folder of backups that is not there yet."""
    name = f"peyvand-{now():%Y%m%d-%H%M%S}{f'-{reason}' if reason else ''}"
    path = backup_folder(config) / f"{name}.zip"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{name}-{number}.zip")
    return path


def tell_made(session: Session, made: Made) -> None:
    """Write into the audit that a backup was made; the caller commits."""
    told = {"file": made.path.name, "rows": made.rows, "size": made.size}
    record_act(session, BACKUP, "made", {name: (None, value) for name, value in told.items()})


def note_made(config: Config, made: Made) -> None:
    """The same for a command, which has no unit of work."""
    database = Database(config)
    try:
        with as_system("backup", source="command"), database.sessions() as session:
            tell_made(session, made)
            session.commit()
    finally:
        database.dispose()


def make_backup(config: Config, path: Path, *, with_keys: bool = False, report: Report = silent) -> Made:
    """Write a backup of the whole installation to ``path``.

    Args:
        config: the installation; it may be serving.
        path: the file, which appears when it is whole.
        with_keys: whether the secret and encryption keys go with it; whoever has the file then has everything.
        report: told the parts done, the parts in all and what is being written.

    Raises:
        BackupError: there is nothing to back up, the file is there already or cannot be written.
    """
    if path.exists():
        raise BackupError(f"{path} is there already.")
    database = Database(config)
    storage = Storage(config.attachments)
    try:
        with ExitStack() as stack:
            if config.attachments.is_dir():
                stack.enter_context(storage.keeping())
            connection = stack.enter_context(snapshot(database))
            tables, manifest = _tables(connection)
            writer = stack.enter_context(Writer(path))
            attached = _attached(connection)
            total = len(tables) + len(attached)
            for done, table in enumerate(tables):
                report(done, total, table.name)
                manifest.tables.append(_write_table(connection, writer, table))
            for done, sha256 in enumerate(attached, len(tables)):
                report(done, total, "")
                if not _write_attachment(writer, storage, sha256):
                    manifest.missing.append(sha256)
            _write_instance(config, writer)
            if with_keys:
                _write_keys(config, writer)
            writer.finish(manifest)
            report(total, total, "")
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        database.dispose()
    return Made(path, path.stat().st_size, manifest.rows, len(manifest.attachments), tuple(manifest.missing))


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection in a transaction that reads one moment, whatever is written meanwhile."""
    engine = database.engine
    if not database.is_sqlite:
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with reading(), engine.connect() as connection:
        yield connection


def _tables(connection: Connection) -> tuple[list[sa.Table], Manifest]:
    """The tables of the core and of every plugin that has any, also of one whose code is gone."""
    names = sa.inspect(connection).get_table_names()
    owners = {name.removeprefix(VERSION_TABLE) for name in names if name.startswith(VERSION_TABLE)}
    if "core" not in owners:
        raise BackupError("There is nothing to back up: the database has no tables of Peyvand.")
    own = [name for name in real_tables(names) if owner_of(name, owners) and name not in LEFT_OUT]
    found = sa.MetaData()
    found.reflect(connection, only=own, resolve_fks=False)
    plugins = connection.execute(sa.text("SELECT name, version, state FROM core_plugin ORDER BY name")).all()
    manifest = Manifest(
        version=core.__version__,
        made_at=now().isoformat(timespec="seconds"),
        dialect=connection.dialect.name,
        plugins={row.name: [row.version, row.state] for row in plugins},
        revisions={owner: current_revision(connection, owner) or "" for owner in sorted(owners)},
    )
    return [found.tables[name] for name in sorted(own)], manifest


def _write_table(connection: Connection, writer: Writer, table: sa.Table) -> Table:
    entry = Table(table.name, [column.name for column in stored_columns(table)])

    def counted() -> Iterator[bytes]:
        for lines in row_lines(connection, table):
            entry.rows += lines.count(b"\n")
            yield lines

    writer.add(f"tables/{table.name}.jsonl", counted())
    return entry


def _attached(connection: Connection) -> list[str]:
    if not sa.inspect(connection).has_table("core_attachment"):
        return []
    return list(connection.scalars(sa.text("SELECT DISTINCT sha256 FROM core_attachment ORDER BY sha256")))


def _write_attachment(writer: Writer, storage: Storage, sha256: str) -> bool:
    """Copy an attached file; False where it is not there or is not what its row says."""
    path = storage.path(sha256)
    try:
        if _digest(path) != sha256:
            return False
    except FileNotFoundError:
        return False
    writer.add(f"attachments/{sha256}", _chunks(path), packed=False)
    return True


def _write_instance(config: Config, writer: Writer) -> None:
    for name in INSTANCE_FOLDERS:
        for path in sorted((config.instance / name).rglob("*")):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                writer.add(f"instance/{path.relative_to(config.instance).as_posix()}", _chunks(path))


def _write_keys(config: Config, writer: Writer) -> None:
    writer.add("keys/secret_key", [config.secret_key])
    if config.encryption_keys:
        writer.add("keys/encryption_key", ["\n".join(key.hex() for key in config.encryption_keys).encode()])
    elif config.encryption_key_file.exists():
        writer.add("keys/encryption_key", [config.encryption_key_file.read_bytes()])


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
