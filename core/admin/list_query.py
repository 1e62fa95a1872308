"""What a list is asked for, and the query that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash
from flask_babel import gettext as _
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from core.admin.lookup import matching_words
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.record import Searchable
from core.text import latin_digits

if TYPE_CHECKING:
    from core.admin.filters import FieldFilter
    from core.parts import Screen

# Past this many rows a list says "10,000+": an exact count would cost more than it tells.
COUNT_LIMIT = 10_000
UNSORTABLE = frozenset({"long_text", "json", "links", "children"})
_FILTER = re.compile("(?:flt[0-9]*_)?([a-z][a-z0-9_]*__[a-z]+)", re.ASCII)
_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class ListRequest:
    """What the address of a list asks for. ``page`` counts from 0; ``filters`` are (position, value) pairs."""

    page: int = 0
    page_size: int = 25
    sort: str | None = None
    descending: bool = False
    search: str = ""
    filters: tuple[tuple[int, str], ...] = ()

    def changed(self, **changes: Any) -> ListRequest:
        """A copy that asks for something else."""
        return replace(self, **changes)


class ListQuery:
    """Turns requests into statements for one screen.

    Every name that comes from outside is looked up here; an unknown one is answered with 400.
    """

    def __init__(self, screen: Screen, record_type: RecordType, filters: Sequence[FieldFilter]) -> None:
        self.screen = screen
        self.record_type = record_type
        self.model = record_type.model
        self.filters = list(filters)
        self.columns = [record_type.field(name) for name in screen.columns if name in record_type.fields]
        self.sortable = {field.name for field in self.columns if field.kind not in UNSORTABLE}
        if screen.order is not None:
            record_type.field(screen.order)
        for name in screen.search:
            record_type.field(name)
        self._positions = {entry.arg: position for position, entry in enumerate(self.filters)}

    @property
    def searchable(self) -> bool:
        return bool(self.screen.search) or issubclass(self.model, Searchable)

    def read(self, args: Mapping[str, str], page_sizes: Sequence[int]) -> ListRequest:
        """The request in the arguments of an address."""
        sort = args.get("sort") or None
        if sort is not None and sort not in self.sortable:
            abort(400)
        size = _small_number(args.get("page_size"))
        return ListRequest(
            page=_small_number(args.get("page")),
            page_size=size if size in page_sizes else self.screen.page_size,
            sort=sort,
            descending=args.get("desc") == "1",
            search=(args.get("search") or "").strip()[:400],
            filters=self._read_filters(args),
        )

    def _read_filters(self, args: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
        active = []
        for name, value in args.items():
            match = _FILTER.fullmatch(name)
            if match is None:
                if name.startswith("flt") or "__" in name:
                    abort(400)
                continue
            position = self._positions.get(match[1])
            if position is None:
                abort(400)
            if not value.strip():
                continue
            if self.filters[position].validate(value):
                active.append((position, value))
            else:
                label = self.filters[position].name
                flash(_("The filter on %(field)s was left out: its value cannot be read.", field=label), "warning")
        return tuple(active)

    def arguments(self, asked: ListRequest) -> dict[str, Any]:
        """The arguments of the address that asks for ``asked``."""
        found: dict[str, Any] = {
            "page": asked.page or None,
            "sort": asked.sort,
            "desc": 1 if asked.descending else None,
            "search": asked.search or None,
            "page_size": asked.page_size if asked.page_size != self.screen.page_size else None,
        }
        return {key: value for key, value in found.items() if value is not None} | self.filter_arguments(asked)

    def filter_arguments(self, asked: ListRequest) -> dict[str, str]:
        """The active filters as arguments of an address."""
        return {
            f"flt{number}_{self.filters[position].arg}": value
            for number, (position, value) in enumerate(asked.filters)
        }

    def matching(self, asked: ListRequest) -> sa.Select[tuple[Any]]:
        """The records that match search and filters, in no order."""
        statement: sa.Select[tuple[Any]] = sa.select(self.model)
        if asked.search:
            for criterion in matching_words(asked.search, self.model, self.screen.search):
                statement = statement.where(criterion)
        for position, value in asked.filters:
            statement = self.filters[position].apply(statement, value)
        return statement

    def count(self, session: Session, asked: ListRequest) -> tuple[int, bool]:
        """How many records match, at most ``COUNT_LIMIT``, and whether there are more."""
        # Both selects name the model, so that the session narrows both to what the actor may see.
        some = self.matching(asked).with_only_columns(self.model.id).limit(COUNT_LIMIT + 1)
        counted = session.scalar(sa.select(sa.func.count(self.model.id)).where(self.model.id.in_(some))) or 0
        return min(counted, COUNT_LIMIT), counted > COUNT_LIMIT

    def page(self, session: Session, asked: ListRequest) -> Sequence[Any]:
        """The records of one page, with the links its columns show."""
        statement = self.ordered(self.matching(asked), asked).options(*self.loading())
        statement = statement.offset(asked.page * asked.page_size).limit(asked.page_size)
        return session.scalars(statement).unique().all()

    def loading(self) -> list[Any]:
        """Loader options for the links among the columns and for nothing else."""
        return [loader(self.model, field) for field in self.columns if field.is_link]

    def ordered(self, statement: sa.Select[tuple[Any]], asked: ListRequest) -> sa.Select[tuple[Any]]:
        """``statement`` in the order asked for; empty values come last, ties are settled by age."""
        name, descending = asked.sort, asked.descending
        if name is None:
            name, descending = self.screen.order, self.screen.descending
        if name is None:
            return statement.order_by(self.model.id.desc())
        field = self.record_type.field(name)
        if field.kind == "link":
            linked: Any = field.target
            target = aliased(linked)
            statement = statement.outerjoin(target, getattr(self.model, name))
            key, nullable = _order_key(target, linked), True
        elif name == "name" and issubclass(self.model, Searchable):
            key, nullable = self.model.name_sort, False
        else:
            key, nullable = getattr(self.model, name), bool(field.column.nullable)
        direction = key.desc() if descending else key.asc()
        last = self.model.id.desc() if descending else self.model.id
        return statement.order_by(direction.nulls_last() if nullable else direction, last)


def loader(model: type[Any], field: Field) -> Any:
    """The loader option that brings ``field``'s records with one query for all rows."""
    attribute = getattr(model, field.name)
    return joinedload(attribute) if field.kind == "link" else selectinload(attribute)


def _order_key(alias: Any, target: Any) -> Any:
    columns = sa.inspect(target).column_attrs
    key = next((key for key in ("name_sort", "position", "name") if key in columns), "id")
    return getattr(alias, key)


def _small_number(text: str | None) -> int:
    """The number in an address; 0 for anything else, so that an odd link still shows a list."""
    plain = latin_digits(text or "")
    return int(plain) if _NUMBER.fullmatch(plain) else 0
