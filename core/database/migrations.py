"""Schema history: one linear history and one version table per plugin.

A shared version table would make every command fail as soon as one plugin's package is gone. Each plugin's
revisions lie in its ``migrations/`` folder and are called ``<plugin>_0001_…``; ``core`` is one of them. All of it runs
on a connection that the caller opened, so that schema, state and generation change in one transaction.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config as AlembicConfig
from alembic.operations.ops import CreateTableOp
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeDecorator

from core.database.base import METADATA, owner_of, plugin_tables
from core.database.engine import Database
from core.database.word_index import COLUMN, drop_word_tables, real_tables
from core.errors import PluginError

CORE = Path(__file__).resolve().parents[1]
LOCK_WAIT = "5s"
VERSION_TABLE = "alembic_version_"
REVISION = re.compile(r"(?P<plugin>[a-z][a-z0-9_]*)_(?P<number>\d{4})(_[a-z0-9_]+)?")


def version_table(plugin: str) -> str:
    """The name of the table that holds how far ``plugin``'s history was run."""
    return f"{VERSION_TABLE}{plugin}"


def own_tables(connection: Connection, plugin: str) -> list[str]:
    """The names of the tables that ``plugin`` has in the database.

    Works from what the database has, because the plugin's code may be gone; the version tables tell who else is there.
    """
    names = real_tables(sa.inspect(connection).get_table_names())
    marks = [name.removeprefix(VERSION_TABLE) for name in names if name.startswith(VERSION_TABLE)]
    return [name for name in names if owner_of(name, {plugin, *marks}) == plugin]


def _history(plugin: str, folder: Path) -> ScriptDirectory | None:
    versions = folder / "migrations"
    if not versions.is_dir() or not any(versions.glob("*.py")):
        return None
    return ScriptDirectory(str(versions), version_locations=[str(versions)])


def check_history(plugin: str, folder: Path) -> str | None:
    """The newest revision of a plugin; None when it has no tables.

    Raises:
        PluginError: the history branches, or a revision is named after somebody else.
    """
    script = _history(plugin, folder)
    if script is None:
        return None
    try:
        heads = script.get_heads()
        revisions = list(script.walk_revisions())
    except (CommandError, SyntaxError, ImportError, KeyError) as error:
        raise PluginError(plugin, f"Its migrations cannot be read: {error}") from error
    if len(heads) != 1:
        raise PluginError(plugin, f"Its migrations must form one line; they end in {', '.join(heads) or 'nothing'}.")
    for revision in revisions:
        match = REVISION.fullmatch(revision.revision)
        if match is None or match["plugin"] != plugin:
            raise PluginError(
                plugin, f"The revision {revision.revision!r} must be called {plugin}_0001, {plugin}_0002, …"
            )
    return str(heads[0])


def current_revision(connection: Connection, plugin: str) -> str | None:
    """How far the database is in ``plugin``'s history; None before its first revision."""
    context = MigrationContext.configure(connection, opts={"version_table": version_table(plugin)})
    return context.get_current_revision()


def has_revision(plugin: str, folder: Path, revision: str) -> bool:
    """Whether a revision is part of the history that lies in the plugin's folder."""
    script = _history(plugin, folder)
    return script is not None and any(entry.revision == revision for entry in script.walk_revisions())


def upgrade(connection: Connection, plugin: str, folder: Path, to: str = "head") -> None:
    """Run what is missing of ``plugin``'s history, up to a revision, in the caller's transaction.

    Raises:
        PluginError: a revision failed; the caller's transaction must be rolled back.
    """
    script = _history(plugin, folder)
    if script is None:
        return

    def missing(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs(to, revision)

    try:
        with EnvironmentContext(AlembicConfig(), script, fn=missing, destination_rev=to) as environment:
            environment.configure(
                connection=connection,
                target_metadata=METADATA,
                version_table=version_table(plugin),
                transactional_ddl=True,
                render_as_batch=connection.dialect.name == "sqlite",
            )
            environment.run_migrations()
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise PluginError(plugin, f"Its migration failed: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def schema_change(database: Database) -> Iterator[Connection]:
    """A transaction for DDL: it waits a bounded time for locks and leaves nothing when it is killed.

    SQLite checks foreign keys row by row while a table is rebuilt, so they are off inside and checked at the end.
    """
    with database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        raw = connection.connection.driver_connection
        if sqlite:
            raw.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        try:
            with connection.begin():
                if not sqlite:
                    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
                yield connection
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise sa.exc.IntegrityError("foreign_key_check", None, Exception("A foreign key points nowhere."))
        finally:
            if sqlite:
                raw.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]


def _own(connection: Connection, plugin: str) -> Any:
    own = {*own_tables(connection, plugin), *(table.name for table in plugin_tables(plugin))}

    def include(name: str | None, kind: str, parents: Any) -> bool:
        return kind == "schema" or (name if kind == "table" else parents.get("table_name")) in own

    return include


def _own_object(connection: Connection, plugin: str) -> Any:
    own = {*own_tables(connection, plugin), *(table.name for table in plugin_tables(plugin))}

    def include(obj: Any, name: str | None, kind: str, _reflected: bool, _to: Any) -> bool:
        table = obj if kind == "table" else getattr(obj, "table", None)
        if kind == "index" and name and name.endswith("_trgm"):
            return False  # made on PostgreSQL only, where the extension is available
        return table is None or table.name in own

    return include


def _comparison(connection: Connection, plugin: str) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={
            "target_metadata": METADATA,
            "version_table": version_table(plugin),
            "include_name": _own(connection, plugin),
            "include_object": _own_object(connection, plugin),
            "compare_type": False,
            "render_item": _render_type,
        },
    )


def differences(connection: Connection, plugin: str) -> Sequence[Any]:
    """What ``plugin``'s models have that its migrated tables lack, or the other way round."""
    return list(compare_metadata(_comparison(connection, plugin), METADATA))


def draft(connection: Connection, plugin: str, folder: Path, message: str) -> Path | None:
    """Write the revision that brings the database to the models; None when nothing differs.

    Args:
        connection: a database on which the plugin's present history was run.
        plugin: whose history goes on.
        folder: the plugin's folder.
        message: what the revision does, a few words.
    """
    context = _comparison(connection, plugin)
    script = produce_migrations(context, METADATA)
    assert script.upgrade_ops is not None
    if script.upgrade_ops.is_empty():
        return None
    body = render_python_code(script.upgrade_ops, migration_context=context, render_item=_render_type)
    body = re.sub(r"\n? *# ### .* ###", "", body).strip("\n")
    made = [entry for entry in script.upgrade_ops.ops if isinstance(entry, CreateTableOp)]
    searched = [entry.table_name for entry in made if any(getattr(c, "name", "") == COLUMN for c in entry.columns)]
    body += "".join(f'\n    index_words(op.get_bind(), "{table}")' for table in searched)
    facade = "\nfrom core import index_words\n" if searched else ""
    versions = folder / "migrations"
    versions.mkdir(exist_ok=True)
    number = len(list(versions.glob(f"{plugin}_*.py")))
    previous = f"{plugin}_{number:04d}" if number else None
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    path = versions / f"{plugin}_{number + 1:04d}_{slug}.py"
    path.write_text(
        f'"""{message}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n{facade}\n'
        f'revision = "{plugin}_{number + 1:04d}"\ndown_revision = {previous!r}\n\n\ndef upgrade() -> None:\n{body}\n',
        encoding="utf-8",
    )
    return path


def _render_type(kind: str, obj: Any, _context: Any) -> str | Literal[False]:
    """Own column types are written as what they are in the database: a migration must not change when code does."""
    if kind == "type" and isinstance(obj, TypeDecorator):
        return f"sa.{obj.impl_instance!r}"
    return False


def drop_tables(connection: Connection, plugin: str) -> list[str]:
    """Drop every table of ``plugin`` and its version table; their names."""
    inspector = sa.inspect(connection)
    names = own_tables(connection, plugin)
    found = sa.MetaData()
    found.reflect(connection, only=[*names, *(t for t in [version_table(plugin)] if inspector.has_table(t))])
    dropped = [table for table in found.sorted_tables if table.name in names or table.name == version_table(plugin)]
    drop_word_tables(connection, names)
    found.drop_all(connection, tables=dropped)
    return [table.name for table in dropped]
