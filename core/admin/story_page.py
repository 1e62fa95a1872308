"""The story of a record as its page shows it: what is due, what is pinned, then what happened, by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import abort, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from core.admin.drawing import drawn, mending
from core.admin.entry_actions import EntryActions
from core.parts import Label
from core.records.address import record_url
from core.records.catalog import Reference
from core.records.kin import NEWEST, Kin, kin
from core.records.naming import Key, find_records
from core.records.timeline import Position, Records, Story, StoryQuery, plans, tell
from core.site.formats import format_ago, format_local_datetime, reader_today, to_reader_time
from core.site.reader import preferences
from core.story import ACTIVITY, CHANGE, EVENT, FILE, KINDS, MESSAGE, NOTE, TimelineEntry, Upcoming

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

ENTRIES = 25  # a page of a list has as many; two screens
MOST_ENTRIES = 500
PLANS = 20
TOGETHER = dt.timedelta(minutes=10)  # changes of one person that follow each other this closely are one line
CHILDREN = "children"

FILTERS: Mapping[str, tuple[Label, frozenset[str]]] = {
    "": (_l("All"), frozenset(KINDS)),
    "notes": (_l("Notes"), frozenset({NOTE})),
    "activities": (_l("Activities"), frozenset({ACTIVITY, MESSAGE})),
    "changes": (_l("Changes"), frozenset({CHANGE, EVENT})),
    "files": (_l("Files"), frozenset({FILE})),
    CHILDREN: (_l("Related records"), frozenset(KINDS)),
}


@dataclass(frozen=True)
class Told:
    """What the page tells of a record, under which filter; ``first`` where it begins with the newest."""

    shown: str
    first: bool
    story: Story
    planned: Sequence[Upcoming]

    def others(self, record: Any) -> Mapping[str, set[int]]:
        """The ids of the other records that entries are about, by the names of their types."""
        wanted: dict[str, set[int]] = {}
        told: list[TimelineEntry | Upcoming] = [*self.story.entries, *self.planned]
        for entry in told:
            if (entry.record_type, entry.record_id) != (record.__record_type__, record.id):
                wanted.setdefault(entry.record_type, set()).add(entry.record_id)
        return wanted


def read_story(view: RecordView, record: Any, around: Kin) -> Told:
    """The story of ``record``: ``?show=`` filters it, ``?before=`` reads on in it.

    What happened to the records that point at it, and to those that were merged into it, is told too.
    """
    shown = request.args.get("show", "")
    if shown not in FILTERS:
        abort(400)
    own = {record.__record_type__: [record.id, *around.merged]}
    before = _before()
    size = min(request.args.get("entries", ENTRIES, type=int), MOST_ENTRIES)
    first = before is None and shown == ""
    told = tell(
        StoryQuery(
            records=_together({} if shown == CHILDREN else own, around.pointing),
            limit=max(size, 1),
            before=before,
            kinds=FILTERS[shown][1],
            pinned=(record.__record_type__, record.id) if first else None,
        ),
        mending(view.session),
    )
    planned = plans(_together(own, around.pointing), PLANS, mending(view.session)) if first else []
    return Told(shown, first, told, planned)


def story(view: RecordView, record: Any, around: Kin, told: Told, names: Mapping[Key, str]) -> dict[str, Any]:
    """What the page shows of the story; ``names`` are what the other records in it are called."""
    last = told.story.older
    here = view.get_url(".details_view", id=record.id)
    arguments = {"show": told.shown, "before": str(last) if last is not None else ""}
    older = urlencode({name: value for name, value in arguments.items() if value})
    return {
        "draw_actions": EntryActions().drawn,
        "pinned": list(map(_drawer(view, {}), told.story.pinned)),
        "upcoming": [_plan(entry, names) for entry in told.planned],
        "timeline": list(_days(view, told.story.entries, names)),
        "timeline_filters": [
            {
                "label": label,
                "active": name == told.shown,
                "url": f"{here}?show={name}#story" if name else f"{here}#story",
            }
            for name, (label, _kinds) in FILTERS.items()
            if name != CHILDREN or any(around.pointing.values())
        ],
        "timeline_more_url": f"{here}?{older}" if last is not None else None,
        "timeline_part_url": f"{here}/story?{older}" if last is not None else None,
    }


def older(view: RecordView, record: Any) -> str:
    """A further part of the story, for a page that is open already."""
    around = kin(view.session, record)
    told = read_story(view, record, around)
    others = [(name, number) for name, ids in told.others(record).items() for number in ids]
    names = {key: str(other) for key, other in find_records(view.session, others).items()}
    return render_template("nova/_story.html", **story(view, record, around, told, names))


def _together(own: Records, related: Mapping[Reference, Sequence[int]]) -> Records:
    records: dict[str, list[int]] = {name: list(ids) for name, ids in own.items()}
    for reference, ids in related.items():
        known = records.setdefault(reference.record_type.name, [])
        known.extend(id_ for id_ in ids[:NEWEST] if id_ not in known)
    return records


def _before() -> Position | None:
    text = request.args.get("before")
    if not text:
        return None
    try:
        return Position.read(text)
    except ValueError:
        abort(400)


def _days(
    view: RecordView, entries: Sequence[TimelineEntry], names: Mapping[Key, str]
) -> Iterator[dict[str, Any]]:
    day: dict[str, Any] | None = None
    draw = _drawer(view, names)
    for date, group in _folded(entries):
        lines = [draw(entry) for entry in group]
        if day is None or day["day"] != date:
            if day is not None:
                yield day
            day = {"day": date, "lines": []}
        day["lines"].append(lines[0] | {"rest": lines[1:]})
    if day is not None:
        yield day


def _folded(entries: Sequence[TimelineEntry]) -> Iterator[tuple[dt.date, list[TimelineEntry]]]:
    """Entries with their days, one by one, but for changes of one record by one person soon after each other."""
    zone = ZoneInfo(preferences().timezone)
    group: list[TimelineEntry] = []
    same: tuple[Any, ...] = ()
    for entry in entries:
        date = entry.at.astimezone(zone).date()
        key = (entry.kind, entry.actor, entry.record_type, entry.record_id, date)
        if group and entry.kind == CHANGE and key == same and group[-1].at - entry.at <= TOGETHER:
            group.append(entry)
            continue
        if group:
            yield same[-1], group
        group, same = [entry], key
    if group:
        yield same[-1], group


def _drawer(view: RecordView, names: Mapping[Key, str]) -> Callable[[TimelineEntry], dict[str, Any]]:
    """The function that makes of an entry what the template shows; texts that all lines share are looked up once."""
    somebody, menu = _("Somebody"), _("Actions for %(name)s")
    moment = dt.datetime.now(dt.UTC)

    def line(entry: TimelineEntry) -> dict[str, Any]:
        html, error = Markup(), ""
        if entry.template:
            plugin = entry.template.partition("/")[0]
            html, error = drawn(view.session, plugin, entry.template, {"entry": entry, **entry.context})
        return {
            "entry": entry,
            "actor": entry.actor or somebody,
            "at": entry.at.isoformat(),
            "moment": format_local_datetime(entry.at),
            "ago": format_ago(entry.at, moment),
            "menu": menu % {"name": entry.text},
            "more": sum(not action.primary for action in entry.actions),
            "changes": () if entry.template else entry.context.get("changes", ()),
            "html": html,
            "error": error,
            "rest": [],
            **_about(entry, names),
        }

    return line


def _about(entry: TimelineEntry | Upcoming, names: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    """Name and address of the record an entry is about, unless it is the one whose page this is."""
    name = names.get((entry.record_type, entry.record_id))
    url = record_url(entry.record_type, entry.record_id) if name is not None else ""
    return {"about": name or "", "about_url": url}


def _plan(entry: Upcoming, names: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    due, moment = entry.due, None
    if isinstance(due, dt.datetime):
        due, moment = to_reader_time(due).date(), due
    late = moment < dt.datetime.now(dt.UTC) if moment is not None else due is not None and due < reader_today()
    return {
        "entry": entry,
        "day": due,
        "moment": moment,
        "late": late,
        "menu": _("Actions for %(name)s", name=entry.text),
        "more": sum(not action.primary for action in entry.actions),
        **_about(entry, names),
    }
