"""What the core itself tells of records: notes, changes and files, with one query for the three."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.admin.files import file_entries, files
from core.admin.history import change_entries, changes
from core.admin.notes import note_entries, notes
from core.database.together import together
from core.records.timeline import StoryQuery
from core.site.site import session
from core.story import CHANGE, EVENT, FILE, NOTE, TimelineEntry

_SOURCES = (((NOTE,), notes, note_entries), ((CHANGE, EVENT), changes, change_entries), ((FILE,), files, file_entries))


def own_story(query: StoryQuery) -> Iterator[TimelineEntry]:
    """The newest notes, changes and files about the records of ``query``."""
    wanted = [(select, entries) for kinds, select, entries in _SOURCES if query.wants(*kinds)]
    if not wanted:
        return
    rows: list[list[tuple[Any, ...]]] = [[] for _source in wanted]
    for place, row in together(session, [select(query) for select, _entries in wanted]):
        rows[place].append(row)
    for found, (_select, entries) in zip(rows, wanted, strict=True):
        yield from entries(found)
