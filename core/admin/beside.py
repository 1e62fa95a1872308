"""What the rows of a list show that does not stand in their own columns, by few queries and no object.

Phones, e-mail addresses and counts of deals took a statement each, tags two and an object for each of them; a statement
takes a millisecond of a page beside what it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.formatters import named
from core.database.bulk import among_parameter, as_parameter
from core.database.engine import ONE_PLAN
from core.database.together import Together
from core.records.fields import Field
from core.records.record import Record

if TYPE_CHECKING:
    from core.parts import Column

IDS = "rows"  # the parameter that holds the records of a page


class Beside:
    """The queries for some columns of a list; made once for each choice of columns and database.

    Args:
        computed: columns of which ``is_typed`` holds.
        links: fields of which ``named_by_columns`` holds.
        model: the class of the records.
        postgresql: whether they are asked of PostgreSQL.
        seen: the names of the links of which the reader sees whatever they lead to.
    """

    def __init__(
        self, computed: Sequence[Column], links: Sequence[Field], model: type[Record], *, postgresql: bool,
        seen: frozenset[str],
    ) -> None:  # fmt: skip
        self.computed, self._postgresql = tuple(computed), postgresql
        whole = [field for field in links if field.name in seen and _is_plain(model, field)]
        # A single link whose target is narrowed comes with the record, where SQLAlchemy adapts what narrows it.
        narrowed = [field for field in links if field not in whole and field.kind == "links"]
        self.links = (*whole, *narrowed)
        self.names = frozenset([*(column.name for column in self.computed), *(field.name for field in self.links)])

        def wanted(key: Any) -> Any:
            return among_parameter(key, IDS, postgresql=postgresql)

        selects = [column.query(wanted) for column in computed if column.query is not None]
        # A table's columns are nothing that the session narrows, so they go along only where it would not. What lies in
        # the recycle bin is still linked, as when the links are read from the record: as objects that is a query apart.
        selects += [
            _linked_one(model, field, wanted)
            if field.kind == "link"
            else _linked(model, field, wanted, as_objects=False)
            for field in whole
        ]
        together = [_in_order(select) for select in selects]
        self._narrowed = [_linked(model, field, wanted, as_objects=True) for field in narrowed]
        self._together = Together(together) if together else None

    def read(self, session: Session, ids: Sequence[int]) -> dict[str, Mapping[int, Any]]:
        """The values by column and by record: those of computed columns, and for links the drawn names."""
        asked = {IDS: as_parameter(ids, postgresql=self._postgresql)}
        found: list[list[tuple[Any, ...]]] = [[] for _ in (*self.computed, *self.links)]
        if self._together is not None:
            for place, row in self._together.rows(session, asked):
                found[place].append(row)
        ordered = [sorted(rows, key=lambda row: int(row[-1])) for rows in found[: len(found) - len(self._narrowed)]]
        ordered += [list(map(tuple, session.execute(statement, asked))) for statement in self._narrowed]
        values: dict[str, Mapping[int, Any]] = {}
        for column, rows in zip(self.computed, ordered, strict=False):
            # Of several the last counts, see ``core.Column``.
            values[column.name] = {row[0]: row[1] for row in rows}
        for field, rows in zip(self.links, ordered[len(self.computed) :], strict=True):
            drawn: dict[int, list[Any]] = {}
            for owner, number, name, color, archived, *_place in rows:
                drawn.setdefault(owner, []).append(named(field.target, number, name, color, archived=bool(archived)))
            values[field.name] = drawn
        return values


def is_typed(column: Column) -> bool:
    """Whether a computed column has a query, and it is known what its values are, so that it can be part of a union."""
    if column.query is None:
        return False
    selected = column.query(lambda key: key.is_(None)).selected_columns
    return not any(isinstance(each.type, sa.types.NullType) for each in selected)


def named_by_columns(field: Field) -> bool:
    """Whether what a link or a list of links leads to is written by its name alone, so that no object is needed."""
    target: Any = field.target
    return (
        field.kind in ("link", "links")
        and issubclass(target, Record)
        and target.__str__ is Record.__str__
        and {"id", "name"} <= set(target.__table__.c.keys())
    )


def _is_plain(model: type[Record], field: Field) -> bool:
    """Whether what a field links to is ordered by columns of its table, if at all."""
    if field.kind == "link":
        return True
    order = sa.inspect(model).relationships[field.name].order_by or ()
    table = sa.inspect(field.target).local_table  # type: ignore[union-attr]
    return all(isinstance(column, sa.Column) and column.table is table for column in map(_unannotated, order))


def _unannotated(element: Any) -> Any:
    """The table's own column behind an attribute; by the attribute the session knows what class is asked for."""
    return element.table.c.get(element.key, element) if isinstance(element, sa.Column) else element


def _linked_one(model: type[Record], field: Field, wanted: Any) -> Any:
    """Whose link, and the id, name and colour of the one record it leads to, and whether that lies in the bin."""
    # A person and the company may lie in one table, so what is linked gets a name of its own.
    other = field.target.__table__.alias()  # type: ignore[union-attr]
    key = sa.inspect(model).relationships[field.name].local_remote_pairs[0][0]
    color = other.c.color if "color" in other.c else sa.cast(sa.null(), sa.String)
    archived = other.c.archived_at.is_not(None).label("archived")
    statement = sa.select(key.table.c.id, other.c.id, other.c.name, color.label("color"), archived)
    return statement.select_from(key.table).join(other, key == other.c.id).where(wanted(key.table.c.id))


def _linked(model: type[Record], field: Field, wanted: Any, *, as_objects: bool) -> Any:
    """Whose links, and the same of each record they lead to, in their order.

    As objects the session narrows what is linked; as columns of a table it does not.
    """
    prop: Any = sa.inspect(model).relationships[field.name]
    target: Any = field.target
    source = target if as_objects else target.__table__.c
    owner, linked = prop.synchronize_pairs[0][1], prop.secondary_synchronize_pairs[0][1]
    color = source.color if "color" in target.__table__.c else sa.cast(sa.null(), sa.String)
    archived = source.archived_at.is_not(None).label("archived")
    statement = sa.select(owner, source.id, source.name, color.label("color"), archived)
    statement = statement.select_from(prop.secondary).join(
        target if as_objects else target.__table__, linked == source.id
    )
    statement = statement.where(wanted(owner))
    order = prop.order_by or ()
    statement = statement.order_by(*(order if as_objects else map(_unannotated, order)))
    return statement.execution_options(include_archived=True, **{ONE_PLAN: True})


def _in_order(select: Any) -> Any:
    """``select`` with the place of each row in its order, which a union does not keep."""
    order = select._order_by_clauses
    number = sa.func.row_number(type_=sa.Integer)
    place = number.over(order_by=order) if order else sa.literal_column("0", sa.Integer)
    return select.order_by(None).add_columns(place.label("place"))
