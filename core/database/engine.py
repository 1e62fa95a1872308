"""The one engine of a process, its sessions, and the counter that says which Site is current."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import scoped_session, sessionmaker

from core.config import Config
from core.database.cursor import Cursor

POOL_WAIT = 10  # seconds a request waits for a connection before it is told that the database is busy
FRESH = 1.0  # seconds after its use in which a connection is believed to live
SQLITE_WAIT = 15  # seconds a SQLite writer waits for another

# The file is read through the memory all processes share; what is mapped is not copied into each of their caches. What
# a statement needs for a while (a sort, the pages that it may have to put back) goes to a file once it outgrows the
# cache: with ``temp_store=MEMORY`` a batch of an import held 90 MB of it, and a long UPDATE as much as it changed.
PRAGMAS = (
    "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "mmap_size=1073741824", "cache_size=-16384",
    "temp_store=FILE",
)  # fmt: skip

ONE_PLAN = "one_plan"
"""The option of a statement that is the same work for all values, as one by keys is: PostgreSQL keeps its plan."""
NEVER = 2**31  # uses after which the driver would prepare a statement by itself

READER = "reader"
_TRANSACTING = "transacting"

_reading: ContextVar[bool] = ContextVar("reading", default=False)


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Transactions begun inside only read.

    SQLite refuses at once, without waiting, to turn a read transaction into a writing one when somebody else wrote in
    between. So a transaction takes the write lock when it begins, unless it is begun in here.
    """
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Transactions begun inside may write, also within ``reading()``: what a request that reads leaves behind."""
    token = _reading.set(False)
    try:
        yield
    finally:
        _reading.reset(token)


class ScopedSession(scoped_session[orm.Session]):
    """A session per thread that also answers to ``.session``, which Flask-Admin reads."""

    @property
    def session(self) -> orm.Session:
        return self()

    @contextlib.contextmanager
    def replaced_by(self, session: orm.Session) -> Iterator[orm.Session]:
        """Inside the block ``session`` is this thread's unit of work; the one before comes back after it."""
        before = self.registry() if self.registry.has() else None
        self.registry.set(session)
        try:
            yield session
        finally:
            if before is None:
                self.registry.clear()
            else:
                self.registry.set(before)


class Session(orm.Session):
    """A unit of work that, while it only reads, begins no transaction where the database needs none for that.

    That spares a page the round trips of BEGIN and ROLLBACK. psycopg also forgets every prepared statement when a
    transaction is rolled back, as that of a page always is, and the server had to read each query anew. In
    PostgreSQL's READ COMMITTED a transaction shows queries nothing that they would not see by themselves. What writes,
    locks, or asks for the connection begins a transaction as ever, in which all that follows takes part.
    """

    def get_bind(self, mapper: Any = None, *, clause: Any = None, **given: Any) -> Any:
        """The engine for ``clause``: that of plain reads, inside ``reading()`` and until something else was done."""
        reader = self.info.get(READER)
        if reader is not None and mapper is None and clause is None and not given:
            return super().get_bind()  # somebody asks which database this is
        alone = _reading.get() and not self.info.get(_TRANSACTING) and not self.in_nested_transaction()
        if reader is not None and alone and _only_reads(clause):
            return reader
        if reader is not None:
            self.info[_TRANSACTING] = True
        return super().get_bind(mapper, clause=clause, **given)

    def connection(self, bind_arguments: Any = None, execution_options: Any = None) -> Connection:
        """The connection of the transaction, which begins with it."""
        if READER in self.info and not bind_arguments:
            self.info[_TRANSACTING] = True
        return super().connection(bind_arguments, execution_options)


@sa.event.listens_for(Session, "do_orm_execute", propagate=True)
def _name_clause(state: orm.ORMExecuteState) -> None:
    # SQLAlchemy does not tell ``get_bind`` of a union of entities' columns.
    state.bind_arguments.setdefault("clause", state.statement)


@sa.event.listens_for(Session, "after_transaction_end", propagate=True)
def _end(session: orm.Session, transaction: orm.SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_TRANSACTING, None)


def _only_reads(clause: Any) -> bool:
    """Whether a statement can stand alone: a select that locks nothing and needs no cursor of the server."""
    if not isinstance(clause, sa.Select | sa.CompoundSelect) or getattr(clause, "_for_update_arg", None) is not None:
        return False
    options = clause.get_execution_options()
    return not (options.get("yield_per") or options.get("stream_results"))


class Database:
    """The database of this process. It outlives every Site.

    Args:
        config: where the database is.
        session_class: the session to make; the gate's class in production.
    """

    def __init__(self, config: Config, session_class: type[orm.Session] = Session) -> None:
        self.config = config
        self.engine = create_engine(config.database_url)
        # Reads of the generation happen outside the request's transaction, or they would see an old snapshot.
        # On SQLite SQLAlchemy's own AUTOCOMMIT would reset pysqlite's isolation level when the connection returns.
        option = {"begins_nothing": True} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._autocommit = self.engine.execution_options(**option)
        # SQLite's files know no server's plans, and its transactions show one moment, which readers would miss.
        info = {} if self.is_sqlite else {READER: self._autocommit}
        self.sessions = sessionmaker(self.engine, class_=session_class, expire_on_commit=False, info=info)
        self.session = ScopedSession(self.sessions)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection whose every statement commits by itself."""
        with self._autocommit.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def at_once(self) -> Iterator[Connection]:
        """The same; on SQLite a statement fails at once while somebody else writes, instead of waiting for him."""
        with self.autocommit() as connection:
            if not self.is_sqlite:
                yield connection
                return
            connection.exec_driver_sql("PRAGMA busy_timeout=0")
            try:
                yield connection
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={SQLITE_WAIT * 1000}")

    def dispose(self) -> None:
        """Close every connection of this process."""
        self.session.remove()
        self.engine.dispose()

    def abandon_after_fork(self) -> None:
        """Forget the parent's connections in a child without closing them under the parent's feet."""
        self.session.registry.clear()
        self.engine.dispose(close=False)


def create_engine(url: str) -> Engine:
    """An engine for SQLite (WAL, foreign keys, transactional DDL) or PostgreSQL.

    pysqlite opens transactions behind one's back and commits before DDL; with ``isolation_level=None`` and our own
    BEGIN a migration that is killed leaves nothing behind.
    """
    if not url.startswith("sqlite"):
        engine = sa.create_engine(
            url,
            # What was used last is used next: such a connection needs no question whether it lives.
            pool_use_lifo=True,
            pool_timeout=POOL_WAIT,
            pool_size=5,
            max_overflow=10,
            connect_args={"connect_timeout": 5, "cursor_factory": Cursor},
        )
        _ask_idle_connections(engine)
        _plan_each_time(engine)
        return engine
    engine = sa.create_engine(url, connect_args={"timeout": SQLITE_WAIT, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("begins_nothing"):
            connection.exec_driver_sql("BEGIN" if _reading.get() else "BEGIN IMMEDIATE")

    return engine


def _plan_each_time(engine: Engine) -> None:
    """Have every query planned for the values it asks for, but those that say ``ONE_PLAN``.

    A plan made once for all values takes any range of birthdays for a two-hundredth of the people, and any part of a
    name for a rare one; that of a whole city would be read by the wrong index. What is not prepared is planned for its
    values; that it is parsed anew costs 0.1 ms. A query by keys is the same work for all of them: of the 2.2 ms that a
    record with everything that belongs to it took, 2 were its plan. The server still makes a plan for the values where
    that promises to be cheaper.
    """

    @sa.event.listens_for(engine, "connect")
    def unprepared(connection: Any, _record: Any) -> None:
        connection.prepare_threshold = NEVER

    @sa.event.listens_for(engine, "do_execute")
    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        # What a flush changes it finds by keys; SQLAlchemy has a cache of its own for it. An insertion is as
        # long as its rows, and would be kept for each number of them.
        by_flush = context.isupdate and "compiled_cache" in context.execution_options
        planned_once = bool(context.execution_options.get(ONE_PLAN)) or by_flush
        if planned_once:
            cursor.execute(statement, parameters, prepare=True)
        return planned_once


def _ask_idle_connections(engine: Engine) -> None:
    """Ask a connection that lay in the pool for a while whether the server still knows it, and replace it if not.

    SQLAlchemy's own ``pool_pre_ping`` asks every time, which was two of the fourteen answers a list waits for.
    """

    @sa.event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used_at", 0.0) < FRESH:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The others of the pool were cut off by the same restart.
            raise sa.exc.InvalidatePoolError from error
