"""Indexes that find a part of a word among a million rows, over the column ``search_text`` of a table.

PostgreSQL has trigrams in an extension, which a cautious host may refuse to create. SQLite has them in FTS5: a table
``<table>_words`` beside the real one, which holds no text of its own and which triggers keep, so that no way of writing
can forget it. Where neither is there, a search reads the whole table and finds the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

COLUMN = "search_text"
BESIDE = "_words"
# What FTS5 keeps for a table that borrows its text from another one.
_PARTS = ("", "_config", "_data", "_docsize", "_idx")
_NAME = re.compile("[a-z][a-z0-9_]*", re.ASCII)


def index_words(connection: Connection, table: str) -> bool:
    """Index the words of ``table``, which has ``id`` and ``search_text``; for the migration that creates it.

    A migration that rebuilds a table on SQLite loses the triggers, and calls this once more.

    Returns:
        Whether there is an index now; without one a search is slower and otherwise the same.
    """
    try:
        with connection.begin_nested():
            for statement in index_statements(table, connection.dialect.name):
                connection.exec_driver_sql(statement)
    except sa.exc.DBAPIError:
        return False
    return True


def index_statements(table: str, dialect: str) -> list[str]:
    """The SQL that makes the index on ``postgresql`` or ``sqlite``.

    Raises:
        ValueError: no plain name of a table.
    """
    if _NAME.fullmatch(table) is None:
        raise ValueError(f"{table!r} is no name of a table.")
    return _postgres(table) if dialect == "postgresql" else _sqlite(table)


def has_word_index(connection: Connection, table: str) -> bool:
    """Whether a search of ``table`` is served by an index."""
    if connection.dialect.name == "postgresql":
        asked = sa.text("SELECT 1 FROM pg_class WHERE relkind = 'i' AND relname = :name")
        return connection.execute(asked, {"name": _postgres_index(table)}).first() is not None
    asked = sa.text("SELECT count(*) FROM sqlite_master WHERE tbl_name = :table AND name IN (:made, :gone, :changed)")
    names = {key: f"{table}{BESIDE}_{key}" for key in ("made", "gone", "changed")}
    return connection.scalar(asked, {"table": table} | names) == len(names)


def drop_word_tables(connection: Connection, tables: Iterable[str]) -> None:
    """Drop what stands beside ``tables`` on SQLite; PostgreSQL drops an index with its table."""
    if connection.dialect.name != "sqlite":
        return
    there = set(sa.inspect(connection).get_table_names())
    for table in tables:
        if f"{table}{BESIDE}" in there:
            connection.exec_driver_sql(f"DROP TABLE {table}{BESIDE}")


def real_tables(names: Collection[str]) -> list[str]:
    """``names`` without the tables that only serve as the index of another."""
    serving = {f"{name}{BESIDE}{part}" for name in names for part in _PARTS if f"{name}{BESIDE}_data" in names}
    return [name for name in names if name not in serving]


def _postgres_index(table: str) -> str:
    return f"ix_{table}_{COLUMN}_trgm"


def _postgres(table: str) -> list[str]:
    return [
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        f"CREATE INDEX IF NOT EXISTS {_postgres_index(table)} ON {table} USING gin ({COLUMN} gin_trgm_ops)",
    ]


def _sqlite(table: str) -> list[str]:
    """The index and its triggers. A blank before the text lets the beginning of its first word be found like others."""
    words = f"{table}{BESIDE}"
    into = f"INSERT INTO {words}"
    enter = f"{into}(rowid, {COLUMN}) VALUES (new.id, ' ' || new.{COLUMN});"
    leave = f"{into}({words}, rowid, {COLUMN}) VALUES ('delete', old.id, ' ' || old.{COLUMN});"
    return [
        f"DROP TABLE IF EXISTS {words}",
        *(f"DROP TRIGGER IF EXISTS {words}_{moment}" for moment in ("made", "gone", "changed")),
        f"CREATE VIRTUAL TABLE {words} USING fts5"
        f"({COLUMN}, content='{table}', content_rowid='id', tokenize='trigram case_sensitive 1')",
        f"{into}(rowid, {COLUMN}) SELECT id, ' ' || {COLUMN} FROM {table}",  # noqa: S608 - a checked name
        f"CREATE TRIGGER {words}_made AFTER INSERT ON {table} BEGIN {enter} END",
        f"CREATE TRIGGER {words}_gone AFTER DELETE ON {table} BEGIN {leave} END",
        f"CREATE TRIGGER {words}_changed AFTER UPDATE OF {COLUMN} ON {table}"
        f" WHEN old.{COLUMN} IS NOT new.{COLUMN} BEGIN {leave} {enter} END",
    ]
