"""What the core itself tells of records: notes, changes and files, with one query for the three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from core.admin.files import file_entries, files
from core.admin.history import change_entries, changes
from core.admin.notes import note_entries, notes
from core.database.together import Together
from core.records.timeline import StoryQuery, StoryShape
from core.site.site import session
from core.story import CHANGE, EVENT, FILE, NOTE, TimelineEntry

_SOURCES = (((NOTE,), notes, note_entries), ((CHANGE, EVENT), changes, change_entries), ((FILE,), files, file_entries))


def own_story(query: StoryQuery) -> Iterator[TimelineEntry]:
    """The newest notes, changes and files about the records of ``query``."""
    wanted = tuple(place for place, (kinds, _select, _entries) in enumerate(_SOURCES) if query.wants(*kinds))
    shape = query.shape
    if not wanted or not shape.record_types:
        return
    rows: list[list[tuple[Any, ...]]] = [[] for _source in wanted]
    for place, row in _asked(wanted, shape).rows(session, query.values):
        rows[place].append(row)
    for found, place in zip(rows, wanted, strict=True):
        yield from _SOURCES[place][2](found)


@lru_cache(maxsize=128)
def _asked(sources: Sequence[int], shape: StoryShape) -> Together:
    return Together([_SOURCES[place][1](shape.query) for place in sources])
