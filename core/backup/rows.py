"""Rows of a table as lines of JSON, the same on SQLite and PostgreSQL, and back.

What a value is follows from the column that takes it, so the lines need no marks: a moment is ISO 8601, an exact number
is text, bytes are base64. JSON stays the text that the database holds, letter for letter, because the audit is sealed
over that text.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core.backup.archive import BackupError
from core.database.bulk import insert_rows

BATCH = 2000  # rows


def stored_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns that hold something; what the database computes it computes again."""
    return [column for column in table.columns if column.computed is None]


def row_lines(connection: Connection, table: sa.Table) -> Iterator[bytes]:
    """Every row of a table as a line, read in the connection's transaction and in bounded memory."""
    columns = [
        sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column for column in stored_columns(table)
    ]
    asked = sa.select(*columns).execution_options(yield_per=BATCH)
    for some in connection.execute(asked).partitions():
        yield b"".join(json.dumps(list(row), default=_plain, separators=(",", ":")).encode() + b"\n" for row in some)


def load_rows(connection: Connection, table: sa.Table, names: Sequence[str], lines: Iterable[bytes]) -> int:
    """Insert rows that ``row_lines`` wrote; how many they were.

    Raises:
        BackupError: a line is none of such a row.
        sqlalchemy.exc.DBAPIError: the database refused a row.
    """
    readers = [_reader(table.c[name].type) for name in names]
    special = [(place, reader) for place, reader in enumerate(readers) if reader is not None]
    count = 0
    for some in _batches(lines):
        insert_rows(connection, table, names, [_values(line, len(names), special, table.name) for line in some])
        count += len(some)
    return count


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    for line in lines:
        some.append(line)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some


def _values(line: bytes, width: int, special: Sequence[tuple[int, Callable[[Any], Any]]], table: str) -> list[Any]:
    try:
        values: list[Any] = json.loads(line)
        if len(values) != width:
            raise ValueError("width")
        for place, reader in special:
            if values[place] is not None:
                values[place] = reader(values[place])
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BackupError(f"A row of {table} in the backup cannot be read.") from error
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"A backup cannot hold {type(value).__name__}.")


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """What makes the value of a column out of what JSON has."""
    if isinstance(kind, sa.DateTime):
        return dt.datetime.fromisoformat
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat
    if isinstance(kind, sa.Time):
        return dt.time.fromisoformat
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode
    if isinstance(kind, sa.Boolean):
        return bool
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return Decimal
    return None
