"""The order of a list, and where in it a page begins.

A page is found by the values of the row before it, not by counting rows: page 20,000 costs what page 1 does. Empty
values come last in either direction, and ties are settled by age, so every row has one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.database.engine import ONE_PLAN
from core.records.catalog import RecordType
from core.records.place import Place, read_place, write_place
from core.records.record import Searchable

UNSORTABLE = frozenset({"long_text", "json", "links", "children"})

Criterion = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Sort:
    """A field to sort by."""

    name: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name


@dataclass(frozen=True)
class Key:
    """One column of the order."""

    column: Any
    descending: bool
    nullable: bool = False

    def beyond(self, value: Any, *, back: bool) -> Criterion:
        """The rows strictly behind ``value``, or before it when reading back."""
        if value is None:
            return self.column.is_not(None) if back else sa.false()
        smaller = self.descending != back
        criterion: Criterion = self.column < value if smaller else self.column > value
        return sa.or_(criterion, self.column.is_(None)) if self.nullable and not back else criterion

    def same(self, value: Any) -> Criterion:
        """The rows that have ``value``."""
        criterion: Criterion = self.column.is_(None) if value is None else self.column == value
        return criterion

    def sorted(self, *, back: bool) -> Any:
        """The column in the order read."""
        direction = self.column.asc() if self.descending == back else self.column.desc()
        if not self.nullable:
            return direction
        return direction.nulls_first() if back else direction.nulls_last()


@dataclass(frozen=True)
class _Zone:
    """A part of the order: where each row has a value of its one key, or none has, or (neither) any."""

    criteria: tuple[Criterion, ...]
    filled: bool = False
    empty: bool = False


class _Spot(NamedTuple):
    """A place whose values are parameters, so that one statement reads from any place; None is an empty value."""

    values: tuple[Any, ...]
    id: Any


class Order:
    """The order of records of one type by some of its fields.

    Args:
        record_type: whose records.
        sorts: by which fields; none is the newest first.
        hits_first: find the records by other criteria and then sort them, instead of walking along an index of this
            order until enough of them have turned up. A search knows better than the database which is less work.

    Raises:
        UnknownField: the record type has no such field.
    """

    def __init__(self, record_type: RecordType, sorts: Sequence[Sort], *, hits_first: bool = False) -> None:
        self.record_type = record_type
        self.model: Any = record_type.model
        self.hits_first = hits_first
        self.sorts = tuple(sorts)
        self._joined: list[tuple[Any, Any]] = []
        keys = [self._key(record_type, sort) for sort in sorts]
        # The same direction lets one index serve both; without any order the newest come first.
        keys.append(Key(self.model.id, sorts[0].descending if sorts else True))
        if hits_first:
            keys = [Key(sa.func.coalesce(key.column, key.column), key.descending, key.nullable) for key in keys]
        *self.keys, self.last = keys
        # The pages of statements that are asked again and again, so that SQLAlchemy knows them again.
        self._pages: WeakKeyDictionary[Any, dict[Any, sa.Select[Any]]] = WeakKeyDictionary()

    def _key(self, record_type: RecordType, sort: Sort) -> Key:
        field = record_type.field(sort.name)
        if field.kind == "link":
            linked: Any = field.target
            target = aliased(linked)
            self._joined.append((target, getattr(self.model, sort.name)))
            return Key(order_of(target, linked), sort.descending, nullable=True)
        if sort.name == "name" and issubclass(self.model, Searchable):
            return Key(self.model.name_sort, sort.descending)
        return Key(getattr(self.model, sort.name), sort.descending, bool(field.column.nullable))

    def sorted(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """``statement`` in this order."""
        return self._with(statement).order_by(*(key.sorted(back=False) for key in (*self.keys, self.last)))

    def read(
        self, session: Session, statement: sa.Select[Any], limit: int, place: Place | None = None, *,
        back: bool = False, skip: int = 0,
    ) -> list[tuple[Any, Place]]:  # fmt: skip
        """At most ``limit`` records and their places, from ``place`` on or back from it, always in this order.

        Args:
            session: what to read with.
            statement: the records to choose from.
            limit: how many.
            place: begin behind it, or read back from it; None is the beginning, or the end when reading back.
            back: read back.
            skip: rows to leave out first; each costs as much as one shown.
        """
        found: list[tuple[Any, Place]] = []
        made = self._pages.setdefault(statement, {}) if not skip else {}
        empty, values = self._values(place) if place is not None else (None, {})
        spot = None if empty is None else self._spot(empty)
        for number, zone in enumerate(self._zones(spot, back=back, whole=bool(skip))):
            key = (number, limit - len(found), back, empty)
            if key not in made:
                made[key] = self._part(statement, zone, limit - len(found), back=back, skip=skip)
            for row in session.execute(made[key], values):
                found.append((row[0], Place(tuple(row[1:-1]), row[-1])))
            if len(found) >= limit:
                break
        return found[::-1] if back else found

    @staticmethod
    def _values(place: Place) -> tuple[tuple[bool, ...], dict[str, Any]]:
        """Which of its values are empty, and the parameters of a statement whose pages begin at ``_spot``."""
        values = {f"place_{number}": value for number, value in enumerate(place.values) if value is not None}
        return tuple(value is None for value in place.values), values | {"place_id": place.id}

    def _spot(self, empty: tuple[bool, ...]) -> _Spot:
        values = (
            None if lacking else sa.bindparam(f"place_{number}", type_=key.column.type)
            for number, (key, lacking) in enumerate(zip(self.keys, empty, strict=True))
        )
        return _Spot(tuple(values), sa.bindparam("place_id", type_=self.last.column.type))

    def _part(self, statement: sa.Select[Any], zone: _Zone, limit: int, *, back: bool, skip: int) -> sa.Select[Any]:
        columns = [key.column for key in (*self.keys, self.last)]
        part = self._with(statement, inner=zone.filled).add_columns(*columns)
        # Written out, so that a plan for all values knows how short the walk is.
        part = part.where(*zone.criteria).limit(sa.literal_column(str(limit), sa.Integer))
        if skip:
            # How many rows are left out is what the work depends on.
            part = part.offset(skip).execution_options(**{ONE_PLAN: False})
        return self._zone_order(part, zone, back=back)

    def _zones(self, place: _Spot | None, *, back: bool, whole: bool) -> Iterable[_Zone]:
        """What follows one another in this order, so that each is one walk along an index.

        No index of either database has rows without a value last in both directions, so they are a walk of their own.
        """
        if whole or self.hits_first or len(self.keys) != 1 or not self.keys[0].nullable:
            yield _Zone(self._behind(place, back=back))
            return
        (key,) = self.keys
        filled, empty = key.column.is_not(None), key.column.is_(None)
        if place is None:
            zones = [_Zone((filled,), filled=True), _Zone((empty,), empty=True)]
            yield from reversed(zones) if back else zones
        elif place.values[0] is None:
            yield _Zone((empty, _compared((self.last,), (place.id,), back=back)), empty=True)
            if back:
                yield _Zone((filled,), filled=True)
        else:
            behind = _compared((key, self.last), (place.values[0], place.id), back=back)
            yield _Zone((filled, behind), filled=True)
            if not back:
                yield _Zone((empty,), empty=True)

    def _behind(self, place: _Spot | None, *, back: bool) -> tuple[Criterion, ...]:
        if place is None:
            return ()
        keys, values = (*self.keys, self.last), (*place.values, place.id)
        if not any(key.nullable or key.descending != self.last.descending for key in keys):
            return (_compared(keys, values, back=back),)
        steps = [
            sa.and_(*(key.same(value) for key, value in zip(keys[:depth], values, strict=False)),
                    keys[depth].beyond(values[depth], back=back))
            for depth in range(len(keys))
        ]  # fmt: skip
        return (sa.or_(*steps),)

    def _zone_order(self, statement: sa.Select[Any], zone: _Zone, *, back: bool) -> sa.Select[Any]:
        keys = [*self.keys, self.last]
        if zone.filled:
            keys = [Key(key.column, key.descending) for key in keys]  # there are no empty values to put anywhere
        elif zone.empty:
            keys = [self.last]
        return statement.order_by(*(key.sorted(back=back) for key in keys))

    def _with(self, statement: sa.Select[Any], *, inner: bool = False) -> sa.Select[Any]:
        """The linked records joined; where every row has one, the database may begin with those, in their order."""
        for target, relation in self._joined:
            statement = statement.join(target, relation) if inner else statement.outerjoin(target, relation)
        return statement

    def write(self, place: Place) -> str:
        """``place`` as an opaque word for an address."""
        return write_place(place, self._signature())

    def place(self, text: str) -> Place | None:
        """The place that ``write`` wrote; None for one of another order.

        Raises:
            ValueError: nobody wrote this.
        """
        return read_place(text, self._signature(), [(key.column.type, key.nullable) for key in self.keys])

    def _signature(self) -> str:
        return ",".join(map(str, self.sorts))


def _compared(keys: Sequence[Key], values: Sequence[Any], *, back: bool) -> Criterion:
    """Rows behind these values, all keys going one way: both databases walk an index from there."""
    left: Any = keys[0].column if len(keys) == 1 else sa.tuple_(*(key.column for key in keys))
    types = [key.column.type for key in keys]
    right: Any = values[0] if len(keys) == 1 else sa.tuple_(*values, types=types)
    criterion: Criterion = left < right if keys[0].descending != back else left > right
    return criterion


def order_of(alias: Any, target: Any) -> Any:
    """The column by which records of ``target`` are ordered where others point at them, on ``alias`` of it."""
    columns = sa.inspect(target).column_attrs
    key = next((key for key in ("name_sort", "position", "name") if key in columns), "id")
    return getattr(alias, key)
