"""What a board reads of its cards, where that is columns: a row of them costs a third of an object.

A row has what ``Cards.card`` looks at under the same names as the record: texts in place of what it links to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from core.accounts.models import User, called
from core.admin.beside import named_by_columns
from core.records.fields import Field
from core.records.record import Record

if TYPE_CHECKING:
    from core.admin.board import BoardQuery


def card_rows(query: BoardQuery) -> sa.Select[Any] | None:
    """The select of the rows that stand for the records of a board; None where only the objects tell what they show.

    What is hidden from whom the board is for is empty.
    """
    model, open_fields = query.model, query.record_type.fields
    board, subtitle, owner = query.board, query.subtitle, open_fields.get("owner")
    links = [field for field in dict.fromkeys((subtitle, owner)) if field is not None and field.is_link]
    named_alone = model.__str__ is Record.__str__ and "name" in open_fields
    if not named_alone or not all(field.target is User or _is_named(field) for field in links):
        return None
    names = ["id", "version", "name", query.column.key, board.date, board.since, *board.hint_fields]
    if query.amount is not None:
        names += [query.amount.name, query.amount.currency]
    if subtitle is not None and subtitle not in links:
        names.append(subtitle.name)
    hidden = query.record_type.all_fields.keys() - open_fields.keys()
    columns = [
        sa.null().label(name) if name in hidden else getattr(model, name) for name in dict.fromkeys(names) if name
    ]
    statement: sa.Select[Any] = sa.select(*columns).select_from(model)
    for field in links:
        # As an alias of its class, of which the session shows what the actor may see.
        linked: Any = field.target
        target: Any = aliased(linked)
        name = called(target) if linked is User else target.name
        statement = statement.add_columns(name.label(field.name))
        statement = statement.outerjoin(target, getattr(model, field.name).of_type(target))
    return statement


def _is_named(field: Field) -> bool:
    return field.kind == "link" and named_by_columns(field)
