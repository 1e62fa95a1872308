"""How many records there are, without counting a million of them for every page."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ClauseElement, Executable

from core.records.gate import narrowed
from core.records.record import Record

# Past this many rows a list says "10,000+": an exact count would cost more than it tells.
COUNT_LIMIT = 10_000
# From so many rows on PostgreSQL's own guess is good enough to be shown; below it the guess may be far off.
GUESSED_FROM = 50_000
BELIEVED = 60.0  # seconds
KEPT = 1_000  # questions

_many: dict[Hashable, float] = {}


@dataclass(frozen=True)
class Count:
    """A number of records: exact, or at least so many (``more``), or roughly (``about``)."""

    number: int
    more: bool = False
    about: bool = False

    @property
    def exact(self) -> bool:
        return not (self.more or self.about)


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _explained(element: _Explain, compiler: Any, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + str(compiler.process(element.statement, **options))


def bounded_count(session: Session, statement: sa.Select[Any], model: type[Record], limit: int) -> Count:
    """How many rows of ``statement`` the actor may see, counted up to ``limit``.

    That there were more is believed for a minute: the first page and the next ones ask the same.
    """
    some = narrowed(statement.with_only_columns(model.id).order_by(None), model).limit(limit + 1).subquery()
    asked = sa.select(sa.func.count()).select_from(some)
    question = _words(session, asked)
    if _many.get(question, 0) > time.monotonic():
        return Count(limit, more=True)
    counted = session.scalar(asked) or 0
    if counted > limit:
        if len(_many) >= KEPT:
            _many.clear()
        _many[question] = time.monotonic() + BELIEVED
    return Count(min(counted, limit), more=counted > limit)


def _words(session: Session, asked: sa.Select[Any]) -> Hashable:
    """The question as a key: the statement with its values, and of which database."""
    engine = session.connection().engine
    compiled = asked.compile(dialect=engine.dialect)
    return str(engine.url), str(compiled), tuple(sorted((name, repr(one)) for name, one in compiled.params.items()))


def guessed_count(session: Session, statement: sa.Select[Any], model: type[Record]) -> Count | None:
    """How many rows PostgreSQL expects, to three digits; None where it cannot be asked or there are not many."""
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        return None
    plan = connection.execute(_Explain(narrowed(statement.with_only_columns(model.id), model))).scalar_one()
    rows = int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])
    if rows < GUESSED_FROM:
        return None
    step = 10 ** (len(str(rows)) - 3)
    return Count(round(rows / step) * step, about=True)
