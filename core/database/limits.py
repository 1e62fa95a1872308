"""A query that may take only so long: past its time it is ended by the database, and the transaction goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

STEPS = 20_000  # SQLite instructions between two looks at the clock, well below a millisecond


class TooSlow(Exception):
    """The time was up."""


@contextlib.contextmanager
def time_limit(session: Session, seconds: float) -> Iterator[None]:
    """End the queries of the block after ``seconds``; whatever came before in the transaction stays.

    Raises:
        TooSlow: a query was ended.
    """
    connection = session.connection()
    limited = _limited_sqlite if connection.dialect.name == "sqlite" else _limited_postgresql
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
def _limited_postgresql(connection: sa.Connection, seconds: float) -> Iterator[None]:
    limit = max(1, round(seconds * 1000))
    try:
        # The savepoint is what the transaction goes on from; rolled back, it takes the limit with it.
        with connection.begin_nested():
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
            yield
            connection.exec_driver_sql("SET LOCAL statement_timeout = DEFAULT")
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "57014":  # query_canceled
            raise TooSlow from None
        raise
