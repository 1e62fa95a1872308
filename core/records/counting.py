"""How many records there are, without counting a million of them for every page."""

from __future__ import annotations

import json
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ClauseElement, Executable

from core.accounts.actor import acting
from core.records.conditions.context import current_context
from core.records.narrowing import are_same, narrowed, narrowing
from core.records.record import Record

# Past this many rows a list says "10,000+": an exact count would cost more than it tells.
COUNT_LIMIT = 10_000
# From so many rows on PostgreSQL's own guess is good enough to be shown; below it the guess may be far off.
GUESSED_FROM = 50_000
BELIEVED = 60.0  # seconds
KEPT = 1_000  # questions

@dataclass(frozen=True)
class Count:
    """A number of records: exact, or at least so many (``more``), or roughly (``about``)."""

    number: int
    more: bool = False
    about: bool = False

    @property
    def exact(self) -> bool:
        return not (self.more or self.about)


_Answers = dict[Hashable, tuple[float, Count]]
_believed: WeakKeyDictionary[Engine, _Answers] = WeakKeyDictionary()
_counted: WeakKeyDictionary[Any, tuple[int, tuple[Any, ...], sa.Select[Any]]] = WeakKeyDictionary()


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _explained(element: _Explain, compiler: Any, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + str(compiler.process(element.statement, **options))


def bounded_count(
    session: Session, statement: sa.Select[Any], model: type[Record], limit: int, question: Hashable
) -> Count:
    """How many rows of ``statement`` the actor may see, counted up to ``limit``.

    That there were more is believed for a minute: the first page and the next ones ask the same.

    Args:
        session: what to count with.
        statement: the records.
        model: their class.
        limit: where counting ends.
        question: what ``statement`` asks for, in words; the actor, the day and the database are added here.
    """
    answers, key = _answers(session), _key(model.__record_type__, limit, question)
    known = _recall(answers, key)
    if known is not None:
        return known
    counted = session.scalar(_counting(statement, model, limit)) or 0
    count = Count(min(counted, limit), more=counted > limit)
    if count.more:
        _remember(answers, key, count)
    return count


def _counting(statement: sa.Select[Any], model: type[Record], limit: int) -> sa.Select[Any]:
    """The statement that counts: the same one as before, where what narrows it is the same."""
    options = narrowing({model}, archived=False)
    before = _counted.get(statement)
    if before is not None and before[0] == limit and are_same(before[1], options):
        return before[2]
    ids = statement.with_only_columns(model.id).order_by(None).options(*options)
    made = sa.select(sa.func.count()).select_from(ids.limit(limit + 1).subquery())
    _counted[statement] = (limit, options, made)
    return made


def _answers(session: Session) -> _Answers:
    return _believed.setdefault(session.get_bind().engine, {})


def _key(*question: Hashable) -> Hashable:
    """What an answer depends on. Making the statement's text to compare it took longer than asking again."""
    return acting(), current_context(), *question


def _recall(answers: _Answers, key: Hashable) -> Count | None:
    known = answers.get(key)
    return known[1] if known is not None and known[0] > time.monotonic() else None


def _remember(answers: _Answers, key: Hashable, count: Count) -> None:
    if len(answers) >= KEPT:
        answers.clear()
    answers[key] = (time.monotonic() + BELIEVED, count)


def guessed_count(session: Session, statement: sa.Select[Any], model: type[Record]) -> Count | None:
    """How many rows of the whole list PostgreSQL expects, to three digits; None where it cannot or there are not many.

    Such a guess is believed for a minute: the planner needs some milliseconds for it, on every page.
    """
    if session.get_bind().dialect.name != "postgresql":
        return None
    answers, key = _answers(session), _key(model.__record_type__)
    guess = _recall(answers, key)
    if guess is None:
        plan = session.scalar(_Explain(narrowed(statement.with_only_columns(model.id), model)))
        guess = Count(int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"]), about=True)
        _remember(answers, key, guess)
    if guess.number < GUESSED_FROM:
        return None
    step = 10 ** (len(str(guess.number)) - 3)
    return Count(round(guess.number / step) * step, about=True)
