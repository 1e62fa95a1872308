"""What the core itself tells of records: notes, changes and files, with one query for the three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from core.admin.files import file_entries, files
from core.admin.history import change_entries, changes
from core.admin.notes import note_entries, notes
from core.database.together import Together
from core.records.timeline import Position, StoryQuery
from core.site.site import session
from core.story import CHANGE, EVENT, FILE, NOTE, TimelineEntry

_SOURCES = (((NOTE,), notes, note_entries), ((CHANGE, EVENT), changes, change_entries), ((FILE,), files, file_entries))


def own_story(query: StoryQuery) -> Iterator[TimelineEntry]:
    """The newest notes, changes and files about the records of ``query``."""
    wanted = tuple(place for place, (kinds, _select, _entries) in enumerate(_SOURCES) if query.wants(*kinds))
    records = {name: ids for name, ids in query.records.items() if ids}
    if not wanted or not records:
        return
    values: dict[str, Any] = {f"ids{place}": list(ids) for place, ids in enumerate(records.values())}
    values["limit"] = query.limit
    if query.before is not None:
        values |= {"before_at": query.before.at, "before_id": query.before.id}
    if query.pinned is not None:
        values |= {"pinned_type": query.pinned[0], "pinned_id": query.pinned[1]}
    asked = _asked(wanted, tuple(records), query.before is not None, query.pinned is not None)
    rows: list[list[tuple[Any, ...]]] = [[] for _source in wanted]
    for place, row in asked.rows(session, values):
        rows[place].append(row)
    for found, place in zip(rows, wanted, strict=True):
        yield from _SOURCES[place][2](found)


@lru_cache(maxsize=128)
def _asked(sources: Sequence[int], record_types: Sequence[str], before: bool, pinned: bool) -> Together:
    """The query for a question of this shape, with a parameter in place of each value."""

    def value(name: str, **given: Any) -> Any:
        return sa.bindparam(name, **given)

    shape = StoryQuery(
        records={name: value(f"ids{place}", expanding=True) for place, name in enumerate(record_types)},
        limit=value("limit", type_=sa.Integer),
        before=Position(value("before_at"), value("before_id")) if before else None,
        pinned=(value("pinned_type"), value("pinned_id")) if pinned else None,
    )
    return Together([_SOURCES[place][1](shape) for place in sources])
