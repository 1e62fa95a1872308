"""The records that point at another one: a company's people and deals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.catalog import Reference, current_catalog
from core.records.policy import may
from core.records.record import Record

# Of each link so many records are looked at, the newest: a story or a panel of more is no use to anybody.
NEWEST = 100


def kin(session: Session, record: Record, newest: int = NEWEST) -> Mapping[Reference, Sequence[int]]:
    """The ids of the records that point at ``record``, by link, newest first; one query for all links.

    Only what the actor may see is among them. One id more than ``newest`` tells that there are more.
    """
    references = [
        reference
        for reference in current_catalog().references(type(record))
        if may(f"{reference.record_type.name}.see")
    ]
    if not references:
        return {}
    found: dict[Reference, list[int]] = {reference: [] for reference in references}
    statement = sa.union_all(*(_some(place, reference, record, newest) for place, reference in enumerate(references)))
    for place, id_ in session.execute(statement.order_by(sa.text("place"), sa.text("id DESC"))):
        found[references[place]].append(id_)
    return found


def _some(place: int, reference: Reference, record: Record, newest: int) -> sa.Select[Any]:
    model: Any = reference.record_type.model
    ids = (
        sa.select(model.id.label("id"))
        .where(getattr(model, reference.field.name) == record)
        .order_by(model.id.desc())
        .limit(newest + 1)
        .subquery()
    )
    return sa.select(sa.literal(place).label("place"), ids.c.id)
