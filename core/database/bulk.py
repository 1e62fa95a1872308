"""Thousands of rows into a table at once: COPY on PostgreSQL, one prepared statement on SQLite.

Values pass the column types' own conversion, and errors come as SQLAlchemy's, as from any other statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

CHUNK = 900  # parameters of one IN list; SQLite took 999 at most for long

Row = Sequence[Any]


def insert_rows(connection: Connection, table: sa.Table, names: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows in the connection's transaction.

    Args:
        connection: inside a transaction.
        table: where to.
        names: the columns of every row; the others take what the database gives them.
        rows: values in the order of ``names``.

    Raises:
        sqlalchemy.exc.DBAPIError: the database refused a row; the transaction, or its savepoint, must be rolled back.
    """
    converted = _converted([table.c[name] for name in names], rows, connection.dialect)
    quote = connection.dialect.identifier_preparer.quote
    target = f"{quote(table.name)} ({', '.join(map(quote, names))})"
    if connection.dialect.name != "postgresql":
        values = list(converted)
        if values:
            marks = ", ".join("?" * len(names))
            connection.exec_driver_sql(f"INSERT INTO {target} VALUES ({marks})", values)  # noqa: S608 - our own names
        return
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {target} FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in converted:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect) from error


def new_ids(connection: Connection, table: sa.Table, count: int) -> list[int]:
    """Ids for rows that are about to be inserted, in this transaction and by this connection."""
    if connection.dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        numbers = sa.func.generate_series(1, count).table_valued("value")
        query = sa.select(sa.func.nextval(sa.cast(sequence, sa.Text))).select_from(numbers)
        return list(connection.execute(query).scalars())
    # A writing transaction of SQLite is alone, so nobody else takes these.
    last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    return list(range(last + 1, last + 1 + count))


def among(column: Any, values: Iterable[Any], dialect: Dialect) -> sa.ColumnElement[bool]:
    """The criterion that ``column`` has one of many values, as one parameter whatever their number.

    Args:
        column: a column of texts or whole numbers; others go into a plain IN list.
        values: at most some thousand.
        dialect: the database that is asked.
    """
    wanted = list(values)
    if dialect.name == "postgresql":
        if isinstance(column.type, sa.Integer):
            # The driver looks at every element of a list, which takes as long as finding it; a text is made at once.
            text = sa.literal(_array(tuple(wanted)), sa.Text)
            return column == sa.any_(sa.cast(text, sa.ARRAY(column.type)))  # type: ignore[no-any-return]
        return column == sa.any_(sa.literal(wanted, sa.ARRAY(column.type)))  # type: ignore[no-any-return]
    if all(type(value) in (str, int) for value in wanted):
        each = sa.func.json_each(json.dumps(wanted)).table_valued("value")
        return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]
    return column.in_(wanted)  # type: ignore[no-any-return]


def among_parameter(column: Any, name: str, *, postgresql: bool) -> sa.ColumnElement[bool]:
    """The criterion that a column of whole numbers has one of the values in the parameter ``name``.

    For statements that are made once; ``as_parameter`` gives the value.
    """
    parameter = sa.bindparam(name, type_=sa.Text)
    if postgresql:
        return column == sa.any_(sa.cast(parameter, sa.ARRAY(column.type)))  # type: ignore[no-any-return]
    each = sa.func.json_each(parameter).table_valued("value")
    return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]


def as_parameter(numbers: Iterable[int], *, postgresql: bool) -> str:
    """Whole numbers as the value of a parameter of ``among_parameter``."""
    return _array(tuple(numbers)) if postgresql else json.dumps([*numbers])


@lru_cache(maxsize=4)
def _array(numbers: tuple[int, ...]) -> str:
    """Numbers as PostgreSQL writes an array of them; the same ids are asked about in several tables, one by one."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _converted(columns: Sequence[sa.Column[Any]], rows: Iterable[Row], dialect: Dialect) -> Iterable[tuple[Any, ...]]:
    convert = [_processor(column, dialect) for column in columns]
    special = [(place, processor) for place, processor in enumerate(convert) if processor is not None]
    # The same moment stands in every row, so what was converted last is kept.
    last: list[tuple[Any, Any]] = [(None, None)] * len(columns)
    for row in rows:
        values = list(row)
        for place, processor in special:
            value = values[place]
            if value is None:
                continue
            if value is not last[place][0]:
                last[place] = (value, processor(value))
            values[place] = last[place][1]
        yield tuple(values)


def _processor(column: sa.Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(column.type, sa.JSON):
        return lambda value: value if isinstance(value, str) else json.dumps(value)
    return column.type.dialect_impl(dialect).bind_processor(dialect)
