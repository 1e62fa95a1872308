"""What a program asks a list for, and the page that answers: records in an order, from a place on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.admin.list_query import SORTS, loader
from core.admin.lookup import matching_words
from core.errors import NotUnderstood
from core.records.catalog import RecordType
from core.records.conditions import Condition, current_context, parse_text, to_sql
from core.records.order import UNSORTABLE, Order, Sort
from core.records.paging import Page, read_on
from core.records.record import Searchable
from core.resources.fields import ALWAYS, readable

USUAL_SIZE, LARGEST_SIZE = 50, 200
LONGEST_SEARCH = 400  # characters
ARGUMENTS = ("where", "search", "sort", "fields", "limit", "after")
_NUMBER = re.compile("[0-9]{1,6}", re.ASCII)


@dataclass(frozen=True)
class Asked:
    """A list as a program asks for it; ``after`` is the place behind which it begins, as an earlier page named it."""

    where: Condition | None = None
    search: str = ""
    sort: tuple[Sort, ...] = ()
    fields: tuple[str, ...] = ()
    limit: int = USUAL_SIZE
    after: str = ""


def read_asked(record_type: RecordType, args: Mapping[str, Sequence[str]]) -> Asked:
    """What the arguments of an address ask for.

    Args:
        record_type: whose list it is.
        args: every value of each argument.

    Raises:
        NotUnderstood: an argument is unknown, stands there twice, or names what is not there for the current actor.
        ConditionError: the condition cannot be read.
    """
    for name, values in args.items():
        if name not in ARGUMENTS:
            raise NotUnderstood(name[:80], _("There is no such argument."))
        if len(values) > 1:
            raise NotUnderstood(name, _("It stands there twice."))
    said = {name: values[0] for name, values in args.items()}
    where = said.get("where")
    return Asked(
        where=parse_text(where, record_type) if where else None,
        search=_search(record_type, said.get("search", "").strip()),
        sort=_sort(record_type, said.get("sort", "")),
        fields=_fields(record_type, said.get("fields", "")),
        limit=_limit(said.get("limit", "")),
        after=said.get("after", ""),
    )


def _search(record_type: RecordType, text: str) -> str:
    screen = record_type.screen
    searchable = issubclass(record_type.model, Searchable) or (screen is not None and bool(screen.search))
    if text and (not searchable or len(text) > LONGEST_SEARCH):
        raise NotUnderstood("search", _("This cannot be searched for."))
    return text


def _sort(record_type: RecordType, text: str) -> tuple[Sort, ...]:
    words = [word for word in text.split(",") if word]
    sorts = tuple(Sort(word.removeprefix("-"), word.startswith("-")) for word in words)
    known = readable(record_type)
    for sort in sorts:
        if sort.name not in known or known[sort.name].kind in UNSORTABLE:
            raise NotUnderstood("sort", _("Nothing is sorted by “%(name)s”.", name=sort.name[:80]))
    if len({sort.name for sort in sorts}) < len(sorts) or len(sorts) > SORTS:
        raise NotUnderstood("sort", _("A list is sorted by at most %(count)s fields.", count=SORTS))
    return sorts


def _fields(record_type: RecordType, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in text.split(",") if name))
    for name in names:
        if name not in readable(record_type):
            raise NotUnderstood("fields", _("There is no field “%(name)s”.", name=name[:80]))
    return names


def _limit(text: str) -> int:
    if not text:
        return USUAL_SIZE
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= LARGEST_SIZE:
        raise NotUnderstood("limit", _("A number from 1 to %(largest)s is expected.", largest=LARGEST_SIZE))
    return int(text)


def shown(record_type: RecordType, asked: Asked) -> list[str]:
    """The names of the fields in the answer; a record is always told by its id and version."""
    if not asked.fields:
        return list(readable(record_type))
    return list(dict.fromkeys((*ALWAYS[:2], *asked.fields)))


def read_list(session: Session, record_type: RecordType, asked: Asked) -> Page:
    """The records of one page and the place where the next one begins.

    Raises:
        NotUnderstood: nobody wrote this place, or in another order.
    """
    model: Any = record_type.model
    known = readable(record_type)
    links = [known[name] for name in shown(record_type, asked) if known[name].is_link]
    statement = sa.select(model).options(*(loader(model, field) for field in links))
    if asked.where is not None and not asked.where.is_everything:
        statement = statement.where(to_sql(asked.where, model, current_context()))
    found, near = statement, None
    if asked.search and record_type.screen is not None:
        names = [name for name in record_type.screen.search if name in record_type.fields]
        found = statement.where(*matching_words(asked.search, model, names))
        near = statement.where(*matching_words(asked.search, model, names, indexed=False))
    order = Order(record_type, asked.sort, hits_first=bool(asked.search))
    try:
        return read_on(session, found, order, asked.limit, asked.after, near)
    except ValueError:
        raise NotUnderstood("after", _("This place is not one of this list.")) from None
