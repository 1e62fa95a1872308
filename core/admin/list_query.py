"""What a list is asked for, and the query that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from flask import abort, flash, g
from flask_babel import gettext as _
from sqlalchemy.orm import Session, defer, joinedload, lazyload, load_only, selectinload

from core.accounts.actor import acting
from core.accounts.models import User
from core.admin.beside import Beside, is_typed, named_by_columns
from core.admin.grouping import Groupings
from core.admin.listed import listed
from core.admin.lookup import matching_words
from core.database.engine import ONE_PLAN
from core.records.catalog import RecordType
from core.records.conditions import Condition, Context, current_context, parse, parse_text, to_sql
from core.records.conditions.tree import Words
from core.records.counting import COUNT_LIMIT, Count, bounded_count, guessed_count
from core.records.field_rights import has_hidden
from core.records.fields import Field
from core.records.order import UNSORTABLE, Order, Sort
from core.records.paging import FEW_HITS, Asked, Page, read_page
from core.records.policy import row_criterion
from core.records.record import Record, Searchable
from core.text import latin_digits

if TYPE_CHECKING:
    from core.admin.filters import FieldFilter
    from core.parts import Screen

ALWAYS = ("created_at", "updated_at")
MOST_CHOICES = 100  # of columns, whose query is kept
SORTS = 4  # fields a list is sorted by at once
_FILTER = re.compile("(?:flt[0-9]*_)?([a-z][a-z0-9_]*__[a-z_]+)", re.ASCII)
_NUMBER = re.compile("[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class ListRequest:
    """What the address of a list asks for.

    ``page`` counts from 0 and reaches as far as rows are counted; further on a page is asked for by the row ``after``
    or ``before`` which it lies, as ``Order.write`` names it. ``filters`` are (position, value) pairs.
    ``where`` is a condition beside them.
    """

    page: int = 0
    page_size: int = 25
    sort: tuple[Sort, ...] = ()
    search: str = ""
    filters: tuple[tuple[int, str], ...] = ()
    where: Condition | None = None
    after: str = ""
    before: str = ""
    group: str = ""
    columns: tuple[str, ...] = ()

    def changed(self, **changes: Any) -> ListRequest:
        """A copy that asks for something else, from the first page on unless a place is among the changes."""
        anew: dict[str, Any] = {"page": 0, "after": "", "before": ""}
        return replace(self, **(anew | changes))

    def at_page(self, page: int) -> ListRequest:
        """A copy with another number; a place in the address goes before numbers."""
        return replace(self, page=page)


class ListQuery:
    """Turns requests into statements for one screen.

    Every name that comes from outside is looked up here; an unknown one is answered with 400.
    """

    def __init__(self, screen: Screen, record_type: RecordType, filters: Sequence[FieldFilter]) -> None:
        self.screen = screen
        self.record_type = record_type
        self.model = record_type.model
        self.filters = list(filters)
        # What a list may show: whatever the screen shows anywhere, so that a field it keeps to itself stays there.
        named = [*screen.columns, *(column.name for column in screen.computed)]
        named += [name for group in screen.form for name in group.fields] + [*screen.filters, *ALWAYS]
        known = (record_type.fields, {column.name for column in screen.computed})
        self.offered = tuple(dict.fromkeys(name for name in named if name in known[0] or name in known[1]))
        fields = [record_type.fields[name] for name in self.offered if name in record_type.fields]
        self.sortable = {field.name for field in fields if field.kind not in UNSORTABLE}
        self.groups = Groupings(record_type, self.offered)
        # Statements that are asked again and again are the same objects, so that SQLAlchemy knows them again.
        self._everything: sa.Select[tuple[Any]] = sa.select(self.model)
        self._found: dict[tuple[str, Context], sa.Select[tuple[Any]]] = {}
        self._statements: WeakKeyDictionary[Any, dict[Any, sa.Select[tuple[Any]]]] = WeakKeyDictionary()
        self._orders: dict[tuple[tuple[Sort, ...], bool], Order] = {}
        self._beside: dict[tuple[tuple[str, ...], bool, frozenset[str]], Beside | None] = {}
        if screen.order is not None:
            record_type.field(screen.order)
        for name in screen.search:
            record_type.field(name)
        self._positions = {arg: position for position, entry in enumerate(self.filters) for arg in entry.args}

    @property
    def searchable(self) -> bool:
        return bool(self.screen.search) or issubclass(self.model, Searchable)

    def read(self, args: Mapping[str, str], page_sizes: Sequence[int]) -> ListRequest:
        """The request in the arguments of an address."""
        size = _small_number(args.get("page_size"))
        return ListRequest(
            # People count from 1, addresses from 0.
            page=_small_number(args.get("number")) - 1 if args.get("number") else _small_number(args.get("page")),
            page_size=size if size in page_sizes else self.screen.page_size,
            sort=self._read_sort(args),
            search=(args.get("search") or "").strip()[:400],
            filters=self._read_filters(args),
            where=self.read_where(args),
            after=args.get("after") or "",
            before=args.get("before") or "",
            group=self._read_group(args),
            columns=self._read_columns(args),
        )

    def _read_group(self, args: Mapping[str, str]) -> str:
        name = args.get("group") or ""
        return name if not name or self.groups.find(name) is not None else abort(400)

    def _read_columns(self, args: Mapping[str, str]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name for name in (args.get("columns") or "").split(",") if name))
        if not set(names) <= set(self.offered):
            abort(400)
        return () if names == self.screen.columns else names

    def shown(self, asked: ListRequest) -> tuple[str, ...]:
        """The columns of the list, in their order."""
        return asked.columns or self.screen.columns

    def _read_sort(self, args: Mapping[str, str]) -> tuple[Sort, ...]:
        """``sort=-amount,name``; older addresses say ``sort=amount&desc=1``."""
        words = [word for word in (args.get("sort") or "").split(",") if word]
        sorts = tuple(Sort(word.removeprefix("-"), word.startswith("-")) for word in words)
        names = {sort.name for sort in sorts}
        if not names <= self.sortable or len(names) != len(sorts) or len(sorts) > SORTS:
            abort(400)
        if len(sorts) == 1 and args.get("desc") == "1":
            return (Sort(sorts[0].name, True),)
        return sorts

    def read_where(self, args: Mapping[str, str]) -> Condition | None:
        """The condition in an address.

        Raises:
            ConditionError: it cannot be read; left out, it would let more records match.
        """
        text = args.get("where")
        condition = parse_text(text, self.record_type) if text else None
        return None if condition is None or condition.is_everything else condition

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
            "after": asked.after or None,
            "before": asked.before or None,
            "sort": ",".join(map(str, asked.sort)) or None,
            "search": asked.search or None,
            "group": asked.group or None,
            "columns": ",".join(asked.columns) or None,
            "page_size": asked.page_size if asked.page_size != self.screen.page_size else None,
        }
        return {key: value for key, value in found.items() if value is not None} | self.filter_arguments(asked)

    def filter_arguments(self, asked: ListRequest) -> dict[str, str]:
        """The active filters and the condition beside them as arguments of an address."""
        short = {
            f"flt{number}_{self.filters[position].arg}": value
            for number, (position, value) in enumerate(asked.filters)
        }
        return short | ({"where": asked.where.text} if asked.where else {})

    def matching(self, asked: ListRequest, *, indexed: bool = True) -> sa.Select[tuple[Any]]:
        """The records that match search and filters, in no order; see ``core.records.search.holds_words``."""
        statement = self._fitting(self.condition(asked))
        if asked.search:
            words = matching_words(asked.search, self.model, self.screen.search, indexed=indexed)
            statement = statement.where(*words) if words else statement
        return statement

    def _fitting(self, condition: Condition) -> sa.Select[tuple[Any]]:
        """The records of which ``condition`` holds. People filter by few conditions, again and again."""
        if condition.is_everything:
            return self._everything
        context = current_context()
        key = (condition.text, context)
        if key not in self._found:
            made = self._everything.where(to_sql(condition, self.model, context))
            if any(isinstance(node, Words) for node in condition.nodes()):
                return made  # how words are looked for changes with what stands in the table
            if len(self._found) >= MOST_CHOICES:
                self._found.clear()
            self._found[key] = made
        return self._found[key]

    def condition(self, asked: ListRequest) -> Condition:
        """Filters and ``where`` as one condition; the search is not part of it. A page asks a dozen times."""
        kept: tuple[Any, ...] | None = g.get("list_condition")
        if kept is not None and kept[:2] == (self, asked.filters) and kept[2] is asked.where:
            found: Condition = kept[3]
            return found
        condition = self._condition(asked)
        g.list_condition = (self, asked.filters, asked.where, condition)
        return condition

    def _condition(self, asked: ListRequest) -> Condition:
        trees = [self.filters[position].condition(value).tree for position, value in asked.filters]
        if asked.where is not None:
            trees.append(asked.where.tree)
        return parse(trees[0] if len(trees) == 1 else {"all": trees}, self.record_type)

    def count(self, session: Session, asked: ListRequest, matching: sa.Select[tuple[Any]] | None = None) -> Count:
        """How many records match: up to ``COUNT_LIMIT`` exactly; of a whole table PostgreSQL knows about how many."""
        matching = self.matching(asked) if matching is None else matching
        guessed = None
        if not (asked.search or asked.filters or asked.where):
            guessed = guessed_count(session, matching, self.model)
        question = (asked.search, self.condition(asked).text)
        return guessed or bounded_count(session, matching, self.model, COUNT_LIMIT, question)

    def page(
        self, session: Session, asked: ListRequest, count: Count, matching: sa.Select[tuple[Any]] | None = None
    ) -> Page:
        """The records of one page, with the links its columns show. A place nobody wrote is answered with 400."""
        matching = self.matching(asked) if matching is None else matching
        place = Asked(asked.page_size, asked.page, asked.after, asked.before)
        try:
            names, beside = self.shown(asked), self.beside(session, self.shown(asked))
            statement, near = self._read_for(matching, names, beside), None
            if self.newest_first(asked, count):
                near = self._read_for(self.matching(asked, indexed=False), names, beside)
            return read_page(session, statement, self.order_of(asked, count), place, count, near)
        except ValueError:
            abort(400)

    def newest_first(self, asked: ListRequest, count: Count) -> bool:
        """Whether so many records hold the words looked for that they are not sorted unasked."""
        return bool(asked.search) and not asked.sort and count.number > FEW_HITS

    def order_of(self, asked: ListRequest, count: Count) -> Order:
        """The order in which the pages of a list of ``count`` records are read."""
        if self.newest_first(asked, count):
            return self._order((), hits_first=True)
        return self._order(self._sorts(asked), hits_first=bool(asked.search))

    def order(self, asked: ListRequest) -> Order:
        """The order asked for, or else the screen's."""
        return self._order(self._sorts(asked), hits_first=False)

    def _sorts(self, asked: ListRequest) -> tuple[Sort, ...]:
        if not asked.sort and self.screen.order is not None:
            return (Sort(self.screen.order, self.screen.descending),)
        return asked.sort

    def _order(self, sorts: tuple[Sort, ...], *, hits_first: bool) -> Order:
        key = (sorts, hits_first)
        if key not in self._orders:
            if len(self._orders) >= MOST_CHOICES:
                self._orders.clear()
            self._orders[key] = Order(self.record_type, sorts, hits_first=hits_first)
        return self._orders[key]

    def _read_for(
        self, matching: sa.Select[tuple[Any]], names: tuple[str, ...], together: Beside | None
    ) -> sa.Select[tuple[Any]]:
        """``matching`` with all that these columns need of the records beside what ``together`` brings, and no more."""
        made = self._statements.setdefault(matching, {})
        key = (names, together, has_hidden(), acting().hidden(self.record_type.name))
        if key not in made:
            if len(made) >= MOST_CHOICES:
                made.clear()
            # What people look for is planned for each of them; a walk along an order is the same work from any place.
            alike = matching.whereclause is None
            made[key] = self._reading(matching, names, together).execution_options(**{ONE_PLAN: alike})
        return made[key]

    def _reading(
        self, matching: sa.Select[tuple[Any]], names: tuple[str, ...], together: Beside | None
    ) -> sa.Select[tuple[Any]]:
        brought = () if together is None else together.names
        left = [name for name in names if name not in brought]
        fields = [self.record_type.fields[name] for name in left if name in self.record_type.fields]
        if len(fields) == len(left) and not has_hidden():
            rows = listed(matching, self.model, fields)
            if rows is not None:
                return rows
        links = [loader(self.model, field) for field in fields if field.is_link]
        return matching.options(*links, *unshown(self.model))

    def beside(self, session: Session, names: Sequence[str]) -> Beside | None:
        """What one query brings for these columns; None where there is nothing, or not by columns alone."""
        if has_hidden():
            return None  # the session empties objects, and refuses a column
        postgresql = session.get_bind().dialect.name == "postgresql"
        fields = [self.record_type.fields[name] for name in names if name in self.record_type.fields]
        links = [field for field in fields if named_by_columns(field)]
        seen = frozenset(field.name for field in links if row_criterion(field.target) is None)  # type: ignore[arg-type]
        key = (tuple(names), postgresql, seen)
        if key not in self._beside:
            if len(self._beside) >= MOST_CHOICES:
                self._beside.clear()
            computed = [column for column in self.screen.computed if column.name in names and is_typed(column)]
            some = bool(computed or links)
            made = Beside(computed, links, self.model, postgresql=postgresql, seen=seen) if some else None
            self._beside[key] = made
        return self._beside[key]

    def ordered(self, statement: sa.Select[tuple[Any]], asked: ListRequest) -> sa.Select[tuple[Any]]:
        """``statement`` in the order asked for; empty values come last, ties are settled by age."""
        return self.order(asked).sorted(statement)


def loader(model: type[Any], field: Field) -> Any:
    """The loader option that brings ``field``'s records with one query for all rows.

    A linked record is only named, so what its class loads with it (the roles of an owner) stays where it is, and so do
    its other columns where it is known what writes the name.
    """
    attribute = getattr(model, field.name)
    if field.kind != "link":
        return selectinload(attribute)
    names = _naming(field.target)
    only = [load_only(*names)] if names else []
    return joinedload(attribute).options(*only, lazyload("*"))


def unshown(model: type[Any]) -> list[Any]:
    """The loader options that leave out what no page of many records shows: the words by which they are found."""
    return [defer(model.search_text), defer(model.name_sort)] if issubclass(model, Searchable) else []


@lru_cache(maxsize=256)
def _naming(target: Any) -> tuple[Any, ...]:
    """The columns that tell how records of a class are named and coloured, and whether they lie in the recycle bin.

    None where only the object knows its name.
    """
    if target is User:
        return (User.name, User.email)
    mapper = sa.inspect(target)
    if target.__str__ is not Record.__str__ or "name" not in mapper.column_attrs:
        return ()
    names = [name for name in ("name", "color", "archived_at") if name in mapper.column_attrs]
    return tuple(mapper.attrs[name].class_attribute for name in names)


def _small_number(text: str | None) -> int:
    """The number in an address; 0 for anything else, so that an odd link still shows a list."""
    plain = latin_digits(text or "")
    return int(plain) if _NUMBER.fullmatch(plain) else 0
