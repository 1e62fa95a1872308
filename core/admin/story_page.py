"""The story of a record as its page shows it: what is due, then what happened, by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import abort, request
from flask_babel import gettext as _

from core.admin.drawing import drawn, mending
from core.records.timeline import Position, Records, StoryQuery, plans, tell
from core.site.formats import reader_today, to_reader_time
from core.story import TimelineEntry, Upcoming

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

ENTRIES = 50
PLANS = 20


def story(view: RecordView, record: Any) -> dict[str, Any]:
    """What the page shows of the story; ``?before=`` reads on in it."""
    records: Records = {record.__record_type__: [record.id]}
    query = StoryQuery(records=records, limit=ENTRIES, before=_before())
    entries, last = tell(query, mending(view.session))
    older = view.get_url(".details_view", id=record.id, before=str(last)) if last is not None else None
    return {
        "upcoming": [_plan(entry) for entry in plans(records, PLANS, mending(view.session))],
        "timeline": _days(view, entries),
        "timeline_more_url": older,
    }


def _before() -> Position | None:
    text = request.args.get("before")
    if not text:
        return None
    try:
        return Position.read(text)
    except ValueError:
        abort(400)


def _days(view: RecordView, entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
    days: list[dict[str, Any]] = []
    for entry in entries:
        day = to_reader_time(entry.at).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "entries": []})
        days[-1]["entries"].append(_line(view, entry))
    return days


def _line(view: RecordView, entry: TimelineEntry) -> dict[str, Any]:
    html, error = "", ""
    if entry.template:
        plugin = entry.template.partition("/")[0]
        html, error = drawn(view.session, plugin, entry.template, {"entry": entry, **entry.context})
    return {"entry": entry, "actor": entry.actor or _("Somebody"), "html": html, "error": error}


def _plan(entry: Upcoming) -> dict[str, Any]:
    due, moment = entry.due, None
    if isinstance(due, dt.datetime):
        due, moment = to_reader_time(due).date(), due
    late = moment < dt.datetime.now(dt.UTC) if moment is not None else due is not None and due < reader_today()
    return {"entry": entry, "day": due, "moment": moment, "late": late}
