"""The story of a record and of its children: what every plugin tells, newest first, one bounded query per source."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeVarTuple

import sqlalchemy as sa

from core.records.policy import current_hooks
from core.story import KINDS, TimelineEntry, Upcoming

log = logging.getLogger(__name__)

# Records by their types: the one whose story is told and its children.
Records = Mapping[str, Sequence[int]]
Columns = TypeVarTuple("Columns")
Guard = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, order=True)
class Position:
    """A place in a story. Two sources may have an entry at the same place; they then stand on the same page."""

    at: dt.datetime
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> Position:
        """The place written in ``text``.

        Raises:
            ValueError: there is none.
        """
        moment, _tilde, number = text.partition("~")
        at, id_ = dt.datetime.fromisoformat(moment), int(number)
        if not 0 <= id_ < 2**63:
            raise ValueError(text)
        return cls(at if at.tzinfo else at.replace(tzinfo=dt.UTC), id_)


@dataclass(frozen=True, kw_only=True)
class StoryQuery:
    """What a plugin is asked for: the newest ``limit`` entries about ``records`` that are older than ``before``.

    ``kinds`` are the kinds that the reader wants; a plugin that has none of them need not look. ``pinned`` is the
    record whose pinned entries are wanted too, however old they are.
    """

    records: Records
    limit: int
    before: Position | None = None
    kinds: frozenset[str] = frozenset(KINDS)
    pinned: tuple[str, int] | None = None

    def wants(self, *kinds: str) -> bool:
        """Whether the reader wants any of these kinds."""
        return not self.kinds.isdisjoint(kinds)

    @property
    def shape(self) -> StoryShape:
        """What is asked for but for the values, which are ``values``."""
        types = tuple(name for name, ids in self.records.items() if ids)
        return StoryShape(types, self.before is not None, self.pinned is not None)

    @property
    def values(self) -> dict[str, Any]:
        """The parameters with which a statement of ``shape.query`` answers this question."""
        found: dict[str, Any] = {"limit": self.limit}
        found |= {f"ids{place}": list(self.records[name]) for place, name in enumerate(self.shape.record_types)}
        if self.before is not None:
            found |= {"before_at": self.before.at, "before_id": self.before.id}
        if self.pinned is not None:
            found |= {"pinned_type": self.pinned[0], "pinned_id": self.pinned[1]}
        return found

    def page(
        self, statement: sa.Select[*Columns], *, record_type: Any, record_id: Any, at: Any, id: Any
    ) -> sa.Select[*Columns]:
        """``statement`` narrowed to the wanted entries, newest first.

        Args:
            statement: a select of the plugin's own table.
            record_type: the column with the type of the record an entry is about.
            record_id: the column with its id.
            at: the column with the moment (UTC).
            id: the column that tells entries of one moment apart.
        """
        statement = statement.where(about(self.records, record_type, record_id))
        if self.before is not None:
            older = sa.and_(at == self.before.at, id < self.before.id)
            statement = statement.where(at <= self.before.at, sa.or_(at < self.before.at, older))
        # Found first and sorted then: a record has some hundred entries, and an index of this order has those of all
        # records, through which PostgreSQL would walk where it takes this one for a frequent one.
        return statement.order_by(sa.func.coalesce(at, at).desc(), id.desc()).limit(self.limit)


@dataclass(frozen=True)
class StoryShape:
    """What many questions have in common, so that a statement for them is made once and kept.

    ``record_types`` are those of the records it is about; ``before`` and ``pinned`` say whether there is such a thing.
    """

    record_types: tuple[str, ...]
    before: bool
    pinned: bool

    @property
    def query(self) -> StoryQuery:
        """The question with a parameter in place of each value."""

        def value(name: str, **given: Any) -> Any:
            return sa.bindparam(name, **given)

        return StoryQuery(
            records={name: value(f"ids{place}", expanding=True) for place, name in enumerate(self.record_types)},
            limit=value("limit", type_=sa.Integer),
            before=Position(value("before_at"), value("before_id")) if self.before else None,
            pinned=(value("pinned_type"), value("pinned_id")) if self.pinned else None,
        )


def about(records: Records, record_type: Any, record_id: Any) -> sa.ColumnElement[bool]:
    """An SQL criterion: the two columns name one of ``records``, whose ids may be an expanding parameter."""
    named = []
    given: Mapping[str, Any] = records
    for name, ids in given.items():
        if isinstance(ids, sa.BindParameter) or ids:
            among = record_id.in_(ids if isinstance(ids, sa.BindParameter) else list(ids))
            named.append(sa.and_(record_type == name, among))
    return sa.or_(sa.false(), *named)


@dataclass(frozen=True)
class Story:
    """The entries of one page, the place to read on from (None where the story ends), and what is pinned."""

    entries: Sequence[TimelineEntry]
    older: Position | None = None
    pinned: Sequence[TimelineEntry] = ()


def tell(query: StoryQuery, guard: Guard) -> Story:
    """The newest entries of all plugins.

    Args:
        query: what is asked for; somewhat more is returned where several entries share the last place.
        guard: a context entered around every plugin's answer, which puts right what an error left behind.
    """
    found: list[TimelineEntry] = []
    # One more than is shown, to know whether there is more.
    asked = replace(query, limit=query.limit + 1)
    for plugin, entries in current_hooks().notify("timeline", guard=guard, query=asked):
        for entry in entries or ():
            if not isinstance(entry, TimelineEntry) or entry.kind not in KINDS:
                log.error("The hook timeline of the plugin %s returned %r, which is no entry.", plugin, entry)
            elif entry.kind in query.kinds:
                found.append(entry)
    found.sort(key=place, reverse=True)
    # A source hands over more than a page of newer entries before a pinned one that is older than all of them.
    pinned = [entry for entry in found if entry.pinned and (entry.record_type, entry.record_id) == query.pinned]
    if len(found) <= query.limit:
        return Story(found, pinned=pinned)
    last = place(found[query.limit - 1])
    shown = [entry for entry in found if place(entry) >= last]
    return Story(shown, last if len(shown) < len(found) else None, pinned)


def place(entry: TimelineEntry) -> Position:
    """Where in the story an entry stands."""
    return Position(entry.at, entry.id)


def plans(records: Records, limit: int, guard: Guard) -> list[Upcoming]:
    """What all plugins say is to be done next about ``records``: earliest first, what has no date last."""
    found = []
    for plugin, entries in current_hooks().notify("upcoming", guard=guard, records=records, limit=limit):
        for entry in entries or ():
            if isinstance(entry, Upcoming):
                found.append(entry)
            else:
                log.error("The hook upcoming of the plugin %s returned %r, which is no Upcoming.", plugin, entry)
    return sorted(found, key=_due)[:limit]


def _due(entry: Upcoming) -> tuple[bool, dt.datetime]:
    due = entry.due
    if due is None:
        return True, dt.datetime.max.replace(tzinfo=dt.UTC)
    if not isinstance(due, dt.datetime):
        # A day is over when it ends.
        due = dt.datetime.combine(due, dt.time.max, dt.UTC)
    return False, due
