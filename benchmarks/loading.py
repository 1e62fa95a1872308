"""Rows put into tables as fast as each database takes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import psycopg
from psycopg import sql

BATCH = 20_000


class Loader:
    """A plain connection to the database at ``url``, an SQLAlchemy URL of SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self.sqlite = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60)
            self.sqlite.execute("PRAGMA cache_size=-400000")
        else:
            self.postgres = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)

    def close(self) -> None:
        """End the connection."""
        (self.sqlite if self.is_sqlite else self.postgres).close()

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append ``rows`` to ``table``: COPY on PostgreSQL, one transaction of executemany on SQLite."""
        if self.is_sqlite:
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - names of ours
            with self.sqlite:
                iterator = iter(rows)
                while batch := [tuple(map(_stored, row)) for row in islice(iterator, BATCH)]:
                    self.sqlite.executemany(statement, batch)
            return
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with self.postgres.cursor() as cursor, cursor.copy(copy) as stream:
            for row in rows:
                stream.write_row(row)

    @contextmanager
    def without_indexes(self, table: str) -> Iterator[None]:
        """Indexes of ``table`` are made once, after the block: far quicker than row by row."""
        indexes = self._indexes(table)
        for name, _statement in indexes:
            self.run(f"DROP INDEX {name}")
        yield
        for _name, statement in indexes:
            self.run(statement)

    def _indexes(self, table: str) -> list[tuple[str, str]]:
        if self.is_sqlite:
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
            return list(self.sqlite.execute(query, (table,)))
        query = (
            "SELECT i.indexname, i.indexdef FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname "
            "JOIN pg_index x ON x.indexrelid = c.oid WHERE i.tablename = %s AND NOT x.indisunique"
        )
        return [(name, statement) for name, statement in self.postgres.execute(query, (table,)).fetchall()]

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Run one statement; its rows, if it has any."""
        if self.is_sqlite:
            with self.sqlite:
                return self.sqlite.execute(statement.replace("%s", "?"), values).fetchall()
        cursor = self.postgres.execute(statement, values or None)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def _stored(value: object) -> object:
    """A value as the product's types keep it in SQLite."""
    if hasattr(value, "hour"):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")  # type: ignore[attr-defined]
    return value.isoformat() if hasattr(value, "isoformat") else value
