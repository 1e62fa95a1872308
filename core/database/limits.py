"""A query that may take only so long: past its time it is ended by the database, and the transaction goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

QUERY_CANCELED = "57014"
_BEFORE = "before_limit"
STEPS = 20_000  # SQLite instructions between two looks at the clock, well below a millisecond


class TooSlow(Exception):
    """The time was up."""


@contextlib.contextmanager
def time_limit(session: Session, seconds: float) -> Iterator[None]:
    """End the queries of the block after ``seconds``; whatever came before in the transaction stays.

    Raises:
        TooSlow: a query was ended.
    """
    connection = session.connection(bind_arguments={"clause": sa.select()})
    limited = _limited_sqlite if connection.dialect.name == "sqlite" else _limited_postgresql
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        limited = _limited_reader
    with limited(connection, seconds):
        yield


@contextlib.contextmanager
def _limited_sqlite(connection: sa.Connection, seconds: float) -> Iterator[None]:
    raw: Any = connection.connection.driver_connection
    deadline = time.monotonic() + seconds
    raw.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
    try:
        yield
    except sa.exc.OperationalError as error:
        if "interrupted" in str(error.orig):
            raise TooSlow from None
        raise
    finally:
        raw.set_progress_handler(None, 0)


@contextlib.contextmanager
def _limited_reader(connection: sa.Connection, seconds: float) -> Iterator[None]:
    """Without a transaction there is nothing to save and to roll back."""
    connection.exec_driver_sql(f"SET statement_timeout = {max(1, round(seconds * 1000))}")
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == QUERY_CANCELED:
            raise TooSlow from None
        raise
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql("SET statement_timeout = DEFAULT")


@contextlib.contextmanager
def _limited_postgresql(connection: sa.Connection, seconds: float) -> Iterator[None]:
    limit = max(1, round(seconds * 1000))
    # Two statements at a time: a savepoint of SQLAlchemy's own would make it four round trips, half a millisecond each.
    connection.exec_driver_sql(f"SAVEPOINT {_BEFORE}; SET LOCAL statement_timeout = {limit}")
    try:
        yield
    except BaseException as error:
        if not connection.invalidated:
            # What the transaction goes on from; going back to it takes the limit away too.
            connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {_BEFORE}; RELEASE SAVEPOINT {_BEFORE}")
        if isinstance(error, sa.exc.OperationalError) and getattr(error.orig, "sqlstate", None) == QUERY_CANCELED:
            raise TooSlow from None
        raise
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = DEFAULT; RELEASE SAVEPOINT {_BEFORE}")
