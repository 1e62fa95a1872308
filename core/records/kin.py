"""What is around a record: what points at it, such as a company's people and deals, what became part of it, and who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import CALLED, User
from core.database.engine import ONE_PLAN
from core.records.catalog import Reference, current_catalog
from core.records.duplicates.models import Merged
from core.records.followers import Follower
from core.records.policy import may
from core.records.record import Record

# Of each link so many records are looked at, the newest: a story or a panel of more is no use to anybody.
NEWEST = 100
MOST_MERGED = 50

_MERGED, _FOLLOWED, _AUTHOR = -1, -2, -3


@dataclass(frozen=True)
class Kin:
    """What is around a record, as far as the actor sees it.

    ``pointing`` are the ids of the records that point at it, by link, newest first; one id more than was asked for
    tells that there are more. ``merged`` are the ids of those that were merged into it, ``followed`` tells whether the
    actor follows it, and ``authors`` are the names of who made it and who changed it last.
    """

    pointing: Mapping[Reference, Sequence[int]]
    merged: Sequence[int]
    followed: bool
    authors: Mapping[int, str]


def kin(session: Session, record: Record, newest: int = NEWEST) -> Kin:
    """What is around ``record``, with one query for everything."""
    references = [
        reference
        for reference in current_catalog().references(type(record))
        if may(f"{reference.record_type.name}.see")
    ]
    pointing: dict[Reference, list[int]] = {reference: [] for reference in references}
    merged: list[int] = []
    followed = False
    authors: dict[int, str] = {}
    links = tuple((reference.record_type.model, reference.field.column) for reference in references)
    about = {
        "here": record.id,
        "type": record.__record_type__,
        "reader": acting().user_id or 0,
        "author": record.created_by_id,
        "editor": record.updated_by_id,
    }
    model: Any = type(record)
    rows: Any = session.execute(_statement(model, links, newest), about)
    for place, id_, name in rows:
        if place >= 0:
            pointing[references[place]].append(id_)
        elif place == _MERGED:
            merged.append(id_)
        elif place == _FOLLOWED:
            followed = True
        else:
            authors[id_] = name
    return Kin(pointing, merged, followed, authors)


@lru_cache(maxsize=256)
def _statement(model: Any, links: Sequence[tuple[Any, Any]], newest: int) -> sa.CompoundSelect[Any]:
    """The query for a record class and the links to it, each a class and its key column; kept, because it is large."""
    here: Any = sa.bindparam("here")
    record_type: Any = sa.bindparam("type")
    parts = []
    for place, (other, key) in enumerate(links):
        pointing = sa.select(other.id).where(key == here, other.archived_at.is_(None)).order_by(other.id.desc())
        parts.append(_part(place, pointing, newest + 1))
    # What was merged lies in the bin; one that came back out of it tells its own story again.
    in_bin = sa.and_(model.id == Merged.merged_id, model.archived_at.is_not(None))
    merged = sa.select(Merged.merged_id.label("id")).join(model, in_bin).distinct()
    parts.append(_part(_MERGED, merged.where(Merged.record_type == record_type, Merged.into_id == here), MOST_MERGED))
    mine = sa.select(Follower.user_id.label("id")).where(Follower.user_id == sa.bindparam("reader"))
    parts.append(_part(_FOLLOWED, mine.where(Follower.record_type == record_type, Follower.record_id == here), 1))
    people = User.id.in_([sa.bindparam("author"), sa.bindparam("editor")])
    parts.append(_part(_AUTHOR, sa.select(User.id, CALLED.label("name")).where(people), 2))
    # The parts name the bin themselves.
    statement = sa.union_all(*parts).order_by(sa.text("place"), sa.text("id DESC"))
    return statement.execution_options(include_archived=True, **{ONE_PLAN: True})


def _part(place: int, found: Any, most: int) -> sa.Select[Any]:
    rows = found.limit(most).subquery()
    name = rows.c.name if "name" in rows.c else sa.cast(sa.null(), sa.String)
    return sa.select(sa.literal_column(str(place)).label("place"), rows.c.id, name.label("name"))
