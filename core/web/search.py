"""Finding anything: records of every type the person may see, within a bounded time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for

from core.accounts.models import User
from core.admin.formatters import record_url
from core.admin.list_query import loader
from core.admin.lookup import matching_words
from core.database.limits import TooSlow, time_limit
from core.parts import Screen
from core.records.catalog import RecordType
from core.records.policy import may
from core.records.record import Searchable
from core.site.site import current_site, session
from core.text import fold, sort_key

SHOWN = 5  # records of one type
CANDIDATES = 60  # matches looked at before the best are shown
JOINT_TIME = 0.15  # seconds for a query over all types
WHOLE_TIME = 0.5  # seconds for everything, where that was not enough and each type is asked by itself
EACH_TIME = 0.15  # seconds for a query of one
PEOPLE, TAGS = "@", "#"
LINES_PER_TAG = 3
LIST_OF = ("links", "link")


@dataclass(frozen=True)
class Hit:
    """One line of what was found. ``text`` may come from people and reads in its own direction."""

    text: str
    url: str
    icon: str = "list"
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Lines of one kind. ``more_url`` is where the others are, ``slow`` that there was no time to look."""

    title: str
    hits: tuple[Hit, ...]
    more_url: str | None = None
    slow: bool = False


# Record type and id of what was opened lately, the last one first.
Recent = Sequence[tuple[str, int]]


def find_records(text: str, recent: Recent, sign: str = "") -> list[Group]:
    """The records that hold every word of ``text``, the lately opened first, a group for each type that has any.

    A type the actor may not see is not asked at all, and so is neither a group nor an amount of time. The queries are
    few: one for the ids of all types, and one for each type that has any. Only where that takes too long each type is
    asked by itself.

    Args:
        text: as typed, in any spelling.
        recent: what the person opened lately.
        sign: ``@`` or ``#`` looks only where a screen carries that sign.
    """
    deadline = time.monotonic() + WHOLE_TIME
    sought = [_Sought.of(screen, text, recent) for screen in searched_screens(sign)]
    sought = [entry for entry in sought if entry.words]
    try:
        return _find(sought, text, JOINT_TIME)
    except TooSlow:
        return [group for entry in sought for group in _find_alone(entry, text, deadline)]


def searched_screens(sign: str = "") -> list[Screen]:
    """The screens whose records are looked through, in the order of the menu."""
    screens = (screen for screen in current_site().screens.values() if not sign or screen.sign == sign)
    seen = [screen for screen in screens if may(screen.permission("see"))]
    return sorted(seen, key=lambda screen: (not screen.in_menu, screen.weight, screen.name))


@dataclass(frozen=True)
class _Sought:
    """The records of one screen that are looked for: the criteria, and the ids that were opened lately."""

    screen: Screen
    record_type: RecordType
    words: list[sa.ColumnElement[bool]]
    recent: list[int]

    @classmethod
    def of(cls, screen: Screen, text: str, recent: Recent) -> _Sought:
        record_type = current_site().catalog.find(screen.name)
        words = matching_words(text, record_type.model, screen.search or ("name", "title"))
        return cls(screen, record_type, words, [key for name, key in recent if name == screen.name])

    @property
    def statements(self) -> list[sa.Select[Any]]:
        """Type, id and name of the matches that were opened lately, and of the first others."""
        model = self.record_type.model
        name: Any = model.name_sort if issubclass(model, Searchable) else sa.literal("")
        matches = sa.select(sa.literal(self.screen.name).label("type"), model.id, name.label("name")).where(*self.words)
        # No order: the database may stop at the first matches, however many there are.
        first = [matches.limit(CANDIDATES)]
        return [matches.where(model.id.in_(self.recent)), *first] if self.recent else first


# Ids with the names by which they are sorted.
_Candidates = dict[int, str]


def _find_alone(sought: _Sought, text: str, deadline: float) -> list[Group]:
    """The group of one type, so that a type that is slow costs no other its place."""
    left = min(EACH_TIME, deadline - time.monotonic())
    if left > 0:
        with contextlib.suppress(TooSlow):
            return _find([sought], text, left)
    return [Group(str(sought.screen.plural), (), _more_url(sought.screen, text), slow=True)]


def _find(sought: Sequence[_Sought], text: str, seconds: float) -> list[Group]:
    """The groups of these types.

    Raises:
        TooSlow: a query took longer than ``seconds``.
    """
    if not sought:
        return []
    with time_limit(session, seconds):
        found = _candidates(sought)
        groups = [_group(entry, found[entry.screen.name], text) for entry in sought]
    return [group for group in groups if group is not None]


def _candidates(sought: Sequence[_Sought]) -> dict[str, _Candidates]:
    """By type some matches, of all types with one query."""
    found: dict[str, _Candidates] = {entry.screen.name: {} for entry in sought}
    parts = [part.subquery() for entry in sought for part in entry.statements]
    # The session narrows what it executes itself, so the union stands inside of a query of its own.
    together = sa.union_all(*(sa.select(part.c.type, part.c.id, part.c.name) for part in parts)).subquery()
    for name, record_id, sorted_by in session.execute(sa.select(together)):
        found[name][record_id] = sorted_by
    return found


def _group(sought: _Sought, found: _Candidates, text: str) -> Group | None:
    screen, start = sought.screen, sort_key(text.strip())
    place = {key: number for number, key in enumerate(sought.recent)}
    ranked = sorted(
        found, key=lambda key: (place.get(key, len(place)), not found[key].startswith(start), found[key], -key)
    )
    records = _load(screen, sought.record_type, ranked[:SHOWN])
    if not records:
        return None
    hits = tuple(hit for record in records for hit in (record_hit(screen, record), *_tagged(screen, record)))
    return Group(str(screen.plural), hits, _more_url(screen, text) if len(ranked) > SHOWN else None)


def _more_url(screen: Screen, text: str) -> str:
    return url_for(f"{screen.endpoint}.index_view", search=text)


def _load(screen: Screen, record_type: RecordType, ids: Sequence[int]) -> list[Any]:
    """The records with these ids that the actor may see, with the links their lines are written with, in this order."""
    if not ids:
        return []
    model = record_type.model
    links = [field for name, field in record_type.fields.items() if field.kind == "link" and name in screen.columns]
    statement = sa.select(model).where(model.id.in_(ids)).options(*(loader(model, field) for field in links))
    records = {record.id: record for record in session.scalars(statement).unique()}
    return [records[key] for key in ids if key in records]


def record_hit(screen: Screen, record: Any) -> Hit:
    """The line of a record."""
    note = screen.subtitle(record) if screen.subtitle else ""
    return Hit(str(record), record_url(record) or "", screen.icon, str(note or ""))


def recent_records(recent: Recent) -> list[Hit]:
    """The lately opened records that the person may still see."""
    hits: dict[tuple[str, int], Hit] = {}
    for screen in searched_screens():
        ids = [key for name, key in recent if name == screen.name]
        record_type = current_site().catalog.find(screen.name)
        hits |= {(screen.name, r.id): record_hit(screen, r) for r in _load(screen, record_type, ids)}
    return [hits[entry] for entry in recent if entry in hits]


def find_people(text: str) -> Group | None:
    """The users whose name or address holds every word: their page for who manages users, and what they own."""
    words = matching_words(text, User, ("name", "email"))
    found = session.scalars(
        sa.select(User).where(User.active, *words).order_by(sa.func.lower(User.name), User.id).limit(SHOWN)
    ).all()
    hits = []
    for user in found:
        if may("core.users.manage"):
            hits.append(Hit(str(user), url_for("users.details", user_id=user.id), "user", user.email))
        for screen, name in _lists_by(User)[:LINES_PER_TAG]:
            hits.append(Hit(str(user), _filtered_url(screen, name, user.id), screen.icon, str(screen.plural)))
    return Group("", tuple(hits)) if hits else None


def _tagged(screen: Screen, record: Any) -> list[Hit]:
    """Beside a tag, the lists of what carries it."""
    if screen.sign != TAGS:
        return []
    return [
        Hit(str(record), _filtered_url(other, name, record.id), other.icon, str(other.plural))
        for other, name in _lists_by(screen.model)[:LINES_PER_TAG]
    ]


def _lists_by(model: type) -> list[tuple[Screen, str]]:
    """Lists in the menu that can be filtered by a link to ``model``, each with the name of that field."""
    found = []
    for screen in searched_screens():
        fields = current_site().catalog.find(screen.name).fields
        named = [fields[name] for name in screen.filters if name in fields]
        link = next((field for field in named if field.kind in LIST_OF and field.target is model), None)
        if link is not None and screen.in_menu:
            found.append((screen, link.name))
    return found


def _filtered_url(screen: Screen, name: str, record_id: int) -> str:
    asked: dict[str, Any] = {f"flt0_{name}__eq": record_id}
    return url_for(f"{screen.endpoint}.index_view", **asked)


def is_blank(text: str) -> bool:
    """Whether there is nothing to look for in ``text``."""
    return not fold(text)
