"""Thousands of rows into a table at once: COPY on PostgreSQL, statements of many rows on SQLite.

Values pass the column types' own conversion, and errors come as SQLAlchemy's, as from any other statement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from core.database.copying import copied

TOGETHER = 1_000  # rows that are converted at a time
PARAMETERS = 30_000  # of one statement; SQLite takes 32,766


class _Numbers(sa.types.UserDefinedType[str]):
    """An array of whole numbers whose value is a text such as ``{1,2}``.

    The driver looks at every element of a list, which takes as long as finding it. And a text that the query itself
    turned into an array would be read again for every row that no index finds.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "BIGINT[]"


Row = Sequence[Any]
Load = tuple[sa.Table, Sequence[str], Iterable[Row]]
"""A table, the names of its columns, and values in their order."""


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
    insert_all(connection, [(table, names, rows)])


def insert_all(connection: Connection, loads: Iterable[Load]) -> None:
    """Insert rows into several tables, one after the other; see ``insert_rows``.

    Args:
        connection: inside a transaction; nobody else may use it before this is done.
        loads: the arguments of ``insert_rows`` for each table. They are asked for one by one: PostgreSQL takes in the
            rows of one table while those of the next are made.
    """
    quote = connection.dialect.identifier_preparer.quote
    driver: Any = connection.connection.driver_connection
    statement = ""
    try:
        with ExitStack() as under_way:
            for table, names, rows in loads:
                pieces = _converted([table.c[name] for name in names], rows, connection.dialect)
                target = f"{quote(table.name)} ({', '.join(map(quote, names))})"
                if connection.dialect.name != "postgresql":
                    _insert_each(connection, target, [row for columns in pieces for row in zip(*columns, strict=True)])
                    continue
                texts: Iterable[str] = copied(pieces, driver)
                if statement:
                    texts = [*texts]
                    under_way.close()
                statement = f"COPY {target} FROM STDIN"
                copy = under_way.enter_context(under_way.enter_context(driver.cursor()).copy(statement))
                for text in texts:
                    copy.write(text)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect) from error


def _insert_each(connection: Connection, target: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows some hundred at a time: the word index of SQLite is written to disk after every statement."""
    if not rows:
        return
    marks = f"({', '.join('?' * len(rows[0]))})"
    together = max(1, min(TOGETHER, PARAMETERS // len(rows[0])))
    for start in range(0, len(rows), together):
        some = rows[start : start + together]
        statement = f"INSERT INTO {target} VALUES {', '.join([marks] * len(some))}"  # noqa: S608 - our own names
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))


def new_ids(connection: Connection, table: sa.Table, count: int) -> list[int]:
    """Ids for rows that are about to be inserted, in this transaction and by this connection."""
    if connection.dialect.name == "postgresql":
        sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
        numbers = sa.func.generate_series(1, count).table_valued("value")
        # As one value: to take thousands of rows from the driver takes longer than to make the numbers.
        each = sa.select(sa.func.nextval(sa.literal(sequence, sa.Text)).label("id")).select_from(numbers).subquery()
        return list(connection.scalar(sa.select(sa.func.array_agg(each.c.id))) or ())
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
            return column == sa.any_(sa.literal(_array(tuple(wanted)), _Numbers()))  # type: ignore[no-any-return]
        return column == sa.any_(sa.literal(wanted, sa.ARRAY(column.type)))  # type: ignore[no-any-return]
    if all(type(value) in (str, int) for value in wanted):
        each = sa.func.json_each(json.dumps(wanted)).table_valued("value")
        return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]
    return column.in_(wanted)  # type: ignore[no-any-return]


def among_parameter(column: Any, name: str, *, postgresql: bool) -> sa.ColumnElement[bool]:
    """The criterion that a column of whole numbers has one of the values in the parameter ``name``.

    For statements that are made once; ``as_parameter`` gives the value.
    """
    if postgresql:
        return column == sa.any_(sa.bindparam(name, type_=_Numbers()))  # type: ignore[no-any-return]
    each = sa.func.json_each(sa.bindparam(name, type_=sa.Text)).table_valued("value")
    return column.in_(sa.select(each.c.value))  # type: ignore[no-any-return]


def as_parameter(numbers: Iterable[int], *, postgresql: bool) -> str:
    """Whole numbers as the value of a parameter of ``among_parameter``."""
    return _array(tuple(numbers)) if postgresql else json.dumps([*numbers])


@lru_cache(maxsize=4)
def _array(numbers: tuple[int, ...]) -> str:
    """Numbers as PostgreSQL writes an array of them; the same ids are asked about in several tables, one by one."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _converted(columns: Sequence[sa.Column[Any]], rows: Iterable[Row], dialect: Dialect) -> Iterator[list[Row]]:
    """The rows in pieces, each as its columns, as the driver takes their values."""
    convert = [_processor(column, dialect) for column in columns]
    coming = iter(rows)
    while some := list(islice(coming, TOGETHER)):
        yield [
            values if processor is None else _processed(processor, values)
            for processor, values in zip(convert, zip(*some, strict=True), strict=True)
        ]


def _processed(processor: Callable[[Any], Any], values: Row) -> Row:
    first = values[0]
    if all(value is first for value in values):  # the same moment stands in every row
        return (first if first is None else processor(first),) * len(values)
    return [value if value is None else processor(value) for value in values]


def _processor(column: sa.Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(column.type, sa.JSON):
        return lambda value: value if isinstance(value, str) else json.dumps(value)
    return column.type.dialect_impl(dialect).bind_processor(dialect)
