"""A record with all that belongs to it, in one query: what it links to, its parts, and its lists of links.

Each list is joined to a number of its own, so that no row holds members of two lists and their sizes add up instead of
multiplying. Read one by one, four lists and two links of a person cost six statements.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import RelationshipProperty, Session, joinedload, lazyload
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from core.database.engine import ONE_PLAN
from core.database.likely import Likely
from core.records.field_rights import hidden_attributes
from core.records.record import Record


def read_whole(session: Session, model: Any, record_id: int) -> Any:
    """The record with this id, and in it everything its fields show; None where the actor sees none.

    A linked record that lies in the recycle bin is still linked, as when the link is read by itself.
    """
    statement, lists = _statement(model, hidden_attributes(model))
    rows = session.execute(statement, {"whole": record_id}).all()
    if not rows:
        return None
    record = rows[0][0]
    unread = instance_state(record).unloaded
    for place, prop in enumerate(lists, 1):
        if prop.key in unread:
            set_committed_value(record, prop.key, [row[place] for row in rows if row[place] is not None])
    return record


@lru_cache(maxsize=256)
def _statement(model: Any, hidden: frozenset[str]) -> tuple[sa.Select[Any], tuple[RelationshipProperty[Any], ...]]:
    """The query for a record class without what is ``hidden``, and its lists in the order of the columns after it."""
    lists = [prop for prop in _lists(model) if prop.key not in hidden]
    shown = [prop for prop in sa.inspect(model).relationships if prop.key not in hidden]
    attributes = [(prop, getattr(model, prop.key)) for prop in shown]
    links = [joinedload(attribute).lazyload("*") for prop, attribute in attributes if _is_link(prop)]
    others = [lazyload(attribute) for prop, attribute in attributes if not _is_link(prop)]
    statement = sa.select(model, *(prop.entity.class_ for prop in lists))
    if lists:
        places: Any = sa.union_all(*(sa.select(sa.literal_column(str(n)).label("place")) for n in range(len(lists))))
        place = places.subquery("places").c.place
        statement = statement.select_from(model).join(place.table, sa.true())
        orders: list[Any] = [place]
        for number, prop in enumerate(lists):
            near, far = prop.primaryjoin & (place == number), prop.entity.class_
            if prop.secondary is None:
                statement = statement.outerjoin(far, near)
            else:
                statement = statement.outerjoin(prop.secondary, near).outerjoin(far, prop.secondaryjoin)
            orders += prop.order_by or ()
        statement = statement.order_by(*orders)
    return (
        # The bin is named here and not left to the session, which would take what is linked for gone too.
        statement.where(model.id == sa.bindparam("whole"), Likely(model.archived_at.is_(None)))
        .options(*links, *others)
        .execution_options(include_archived=True, **{ONE_PLAN: True}),
        tuple(lists),
    )


def _is_link(prop: RelationshipProperty[Any]) -> bool:
    return not prop.uselist and not prop.viewonly


def _lists(model: type[Record]) -> list[RelationshipProperty[Any]]:
    """The lists that can be joined under the names of their own tables; any other is read when it is asked for."""
    mapper = sa.inspect(model)
    lists = [prop for prop in mapper.relationships if prop.uselist and not prop.viewonly]
    tables = [prop.entity.local_table for prop in lists]
    return [
        prop
        for prop, table in zip(lists, tables, strict=True)
        if tables.count(table) == 1 and table is not mapper.local_table and table is not mapper.persist_selectable
    ]
