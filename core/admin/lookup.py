"""Finding the records a link may point to: what a picker offers, and what a posted id stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, lazyload

from core.accounts.models import User
from core.admin.ids import read_id
from core.records.record import Searchable
from core.records.search import holds_words, holds_words_of_columns

PAGE = 20
LARGEST_PAGE = 50
# What a picker holds before anybody types, so that it also works without a script.
OFFERED = 200
_NAMES = ("name", "title", "email")


class Lookup:
    """The records one link may point to, as the current actor sees them. The session leaves out the others.

    Args:
        name: the field's name, ``<field>`` or ``<children>.<field>``; pickers ask by it.
        target: the class the link points to.
    """

    def __init__(self, name: str, target: type[Any]) -> None:
        self.name = name
        self.target = target

    @property
    def session(self) -> Session:
        return current_session()

    def one(self, text: str) -> Any:
        """The record with the id written in ``text``, or None when there is none that the actor may see."""
        number = read_id(text)
        if number is None:
            return None
        return self.session.scalars(self._visible().where(self.target.id == number)).one_or_none()

    def several(self, numbers: Sequence[int]) -> Sequence[Any]:
        """The records with these ids, as far as the actor may see them."""
        return self.session.scalars(self._visible().where(self.target.id.in_(numbers))).all()

    def find(self, text: str = "", offset: int = 0, limit: int = PAGE) -> Sequence[Any]:
        """The records whose words hold every word of ``text``, in the order people expect."""
        statement = self._visible()
        for word in matching_words(text, self.target):
            statement = statement.where(word)
        return self.session.scalars(statement.order_by(*self._order()).offset(offset).limit(limit)).all()

    def _visible(self) -> sa.Select[tuple[Any]]:
        # A picker shows names; what the class loads with each record (the roles of a user) stays where it is.
        statement = sa.select(self.target).options(lazyload("*"))
        return statement.where(User.active) if self.target is User else statement

    def _order(self) -> list[Any]:
        keys = [key for key in ("name_sort", "position", "name") if _has(self.target, key)]
        return [*(getattr(self.target, key) for key in keys[:1]), self.target.id]


def current_session() -> Session:
    """The session of this request."""
    session: Session = current_app.extensions["peyvand"].runtime.database.session.session
    return session


def matching_words(
    text: str, model: type[Any], names: Sequence[str] = _NAMES, *, indexed: bool = True
) -> list[sa.ColumnElement[bool]]:
    """Criteria under which a record holds every word of ``text``, in any spelling where ``model`` is Searchable.

    Percent signs and underscores are looked for, not obeyed. ``names`` are the columns searched otherwise;
    ``indexed`` is as for ``core.records.search.holds_words``.
    """
    if issubclass(model, Searchable):
        return holds_words(current_session(), model, text, indexed=indexed)
    return holds_words_of_columns([getattr(model, name) for name in names if _has(model, name)], text)


def _has(model: type[Any], name: str) -> bool:
    return name in sa.inspect(model).column_attrs
