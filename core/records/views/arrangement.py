"""What people arranged, kept between pages for as long as nobody arranges anything.

Saved views, widths of columns and teams change seldom and stand on every page. Whatever changes them through a session
changes the installation's mark in the same transaction, and what was read is kept with the mark of its moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from flask import g
from sqlalchemy import Engine
from sqlalchemy.orm import ORMExecuteState, Session

from core.accounts.models import User
from core.accounts.teams import Team, TeamMember
from core.database.engine import Session as RoutedSession
from core.database.marks import REARRANGE
from core.records.views.models import DefaultView, ListLayout, SavedView

KEPT = 10_000  # answers of a process
_CHANGED = "arrangement_changed"
_WATCHED = (SavedView, DefaultView, ListLayout, Team, TeamMember)
_TABLES = frozenset(model.__tablename__ for model in _WATCHED)

Found = TypeVar("Found")
_kept: WeakKeyDictionary[Engine, dict[tuple[int | None, str], tuple[int, Any]]] = WeakKeyDictionary()


def kept_arrangement(session: Session, user_id: int | None, record_type: str, read: Callable[[], Found]) -> Found:
    """What ``read`` answers for this user and list: what it answered before, where the request's mark is the same.

    Outside a request, and after a change in this one, it is read.
    """
    mark = None if session.info.get(_CHANGED) else g.get("arrangement")
    if mark is None:
        return read()
    answers, key = _kept.setdefault(session.get_bind().engine, {}), (user_id, record_type)
    before = answers.get(key)
    if before is not None and before[0] == mark:
        found: Found = before[1]
        return found
    found = read()
    if len(answers) >= KEPT:
        answers.clear()
    # The mark was read first, so what was read may only be newer than it says, and nobody asks for that mark again.
    answers[key] = (mark, found)
    return found


def _note(session: Session) -> None:
    session.info[_CHANGED] = True
    # Once it is committed, others may be first with a mark of theirs: this request reads.
    if g:
        g.pop("arrangement", None)


@sa.event.listens_for(RoutedSession, "before_flush", propagate=True)
def _watch_units(session: Session, _context: Any, _instances: Any) -> None:
    touched = (*session.new, *session.dirty, *session.deleted)
    # The database takes the views of a user who is deleted along.
    if any(isinstance(row, _WATCHED) for row in touched) or any(isinstance(row, User) for row in session.deleted):
        _note(session)


@sa.event.listens_for(RoutedSession, "do_orm_execute", propagate=True)
def _watch_statements(state: ORMExecuteState) -> None:
    if state.is_select:
        return
    table = getattr(getattr(state.statement, "table", None), "name", None)
    if table in _TABLES or (table == User.__tablename__ and state.is_delete):
        _note(state.session)


@sa.event.listens_for(RoutedSession, "before_commit", propagate=True)
def _mark(session: Session) -> None:
    """Last in the transaction, so that nobody waits for the one row for longer than a commit takes."""
    session.flush()
    if session.info.pop(_CHANGED, False):
        session.connection().execute(REARRANGE)


@sa.event.listens_for(RoutedSession, "after_soft_rollback", propagate=True)
def _forget(session: Session, _previous: Any) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_CHANGED, None)
