"""What a board reads of its cards where columns say it all: texts in place of what they link to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from core.accounts.models import User, called
from core.admin.beside import named_by_columns
from core.admin.listed import Listed
from core.records.fields import Field
from core.records.record import Record

if TYPE_CHECKING:
    from core.admin.board import BoardQuery


def card_rows(query: BoardQuery) -> sa.Select[Any] | None:
    """The records of a board as :class:`~core.admin.listed.ListedRecord`, for a reader from whom nothing is hidden.

    None where only the objects tell what they show.
    """
    model, open_fields = query.model, query.record_type.fields  # those that are not hidden from whom it is for
    board, subtitle, owner = query.board, query.subtitle, open_fields.get("owner")
    links = [field for field in dict.fromkeys((subtitle, owner)) if field is not None and field.is_link]
    if any(name not in open_fields for name in ("name", *board.hint_fields)) or model.__str__ is not Record.__str__:
        return None
    if not all(field.target is User or _is_named(field) for field in links):
        return None
    names = ["id", "version", "name", query.column.key, board.date, board.since, *board.hint_fields]
    if query.amount is not None:
        names += [query.amount.name, query.amount.currency]
    if subtitle is not None and subtitle not in links:
        names.append(subtitle.name)
    columns = [getattr(model, name) for name in dict.fromkeys(names) if name]
    joins: list[tuple[Any, Any]] = []
    for field in links:
        # As an alias of its class, of which the session shows what the actor may see.
        linked: Any = field.target
        target: Any = aliased(linked)
        name = called(target) if linked is User else target.name
        columns.append(name.label(field.name))
        joins.append((target, getattr(model, field.name).of_type(target)))
    statement: sa.Select[Any] = sa.select(Listed("record", *columns)).select_from(model)
    for target, on in joins:
        statement = statement.outerjoin(target, on)
    return statement


def _is_named(field: Field) -> bool:
    return field.kind == "link" and named_by_columns(field)
