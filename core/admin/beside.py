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
    """

    def __init__(
        self, computed: Sequence[Column], links: Sequence[Field], model: type[Record], *, postgresql: bool
    ) -> None:
        self.computed, self.links, self._postgresql = tuple(computed), tuple(links), postgresql

        def wanted(key: Any) -> Any:
            return among_parameter(key, IDS, postgresql=postgresql)

        selects = [_in_order(column.query(wanted)) for column in computed if column.query is not None]
        self._together = Together(selects) if selects else None
        self._linked = [_linked(model, field, wanted) for field in links]

    def read(self, session: Session, ids: Sequence[int]) -> dict[str, Mapping[int, Any]]:
        """The values by column and by record: those of computed columns, and for links the drawn names."""
        asked = {IDS: as_parameter(ids, postgresql=self._postgresql)}
        values: dict[str, Mapping[int, Any]] = {}
        if self._together is not None:
            found: list[list[tuple[Any, ...]]] = [[] for _ in self.computed]
            for place, row in self._together.rows(session, asked):
                found[place].append(row)
            for column, rows in zip(self.computed, found, strict=True):
                # Of several the last counts, see ``core.Column``.
                values[column.name] = {row[0]: row[1] for row in sorted(rows, key=lambda row: row[-1])}
        for field, statement in zip(self.links, self._linked, strict=True):
            drawn: dict[int, list[Any]] = {}
            for owner, number, name, color in session.execute(statement, asked):
                drawn.setdefault(owner, []).append(named(field.target, number, name, color))
            values[field.name] = drawn
        return values


def is_typed(column: Column) -> bool:
    """Whether a computed column has a query, and it is known what its values are, so that it can be part of a union."""
    if column.query is None:
        return False
    selected = column.query(lambda key: key.is_(None)).selected_columns
    return not any(isinstance(each.type, sa.types.NullType) for each in selected)


def named_by_columns(field: Field) -> bool:
    """Whether the records of a list of links are written by their name alone, so that no object is needed for it."""
    target: Any = field.target
    return (
        field.kind == "links"
        and issubclass(target, Record)
        and target.__str__ is Record.__str__
        and "name" in sa.inspect(target).column_attrs
    )


def _linked(model: type[Record], field: Field, wanted: Any) -> Any:
    """Whose link, and the id, name and colour of what it leads to, in the order of the links.

    What lies in the recycle bin is still linked, as when the links are read from the record.
    """
    prop: Any = sa.inspect(model).relationships[field.name]
    target: Any = field.target
    owner, linked = prop.synchronize_pairs[0][1], prop.secondary_synchronize_pairs[0][1]
    color = target.color if "color" in sa.inspect(target).column_attrs else sa.cast(sa.null(), sa.String)
    statement = sa.select(owner, target.id, target.name, color).select_from(prop.secondary)
    statement = statement.join(target, linked == target.id).where(wanted(owner)).order_by(*(prop.order_by or ()))
    return statement.execution_options(include_archived=True, **{ONE_PLAN: True})


def _in_order(select: Any) -> Any:
    """``select`` with the place of each row in its order, which a union does not keep."""
    order = select._order_by_clauses
    number = sa.func.row_number(type_=sa.Integer)
    place = number.over(order_by=order) if order else sa.literal_column("0", sa.Integer)
    return select.order_by(None).add_columns(place.label("place"))
