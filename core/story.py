"""What plugins hand over for the page of a record: what happened, what is due, what can be written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.parts import Label

# What an entry is, for the filter above a story.
NOTE, ACTIVITY, MESSAGE, CHANGE, FILE, EVENT = KINDS = ("note", "activity", "message", "change", "file", "event")


@dataclass(frozen=True, kw_only=True)
class EntryAction:
    """Something to do with an entry: a link, or with ``method="post"`` a button that posts ``fields``.

    With ``method="dialog"`` it is a link too; scripts show what it answers, a fragment, in the dialog of the page.

    ``confirm`` is the question asked first; ``primary`` shows the action beside the entry and not only in its menu.
    """

    label: Label
    url: str
    icon: str = ""
    method: str = "get"
    confirm: Label = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    primary: bool = False


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """Something that happened to a record.

    ``at`` (UTC) and ``id`` order the entries; a source never hands over two with the same pair. ``kind`` is one of
    ``KINDS``. ``text`` goes on after the actor's name ("called Sara"), ``body`` is what somebody wrote, shown as it is
    and never as HTML. ``template`` of the plugin, if there is one, is drawn below with ``context`` and ``entry``.
    """

    at: dt.datetime
    id: int
    record_type: str
    record_id: int
    kind: str
    text: Label
    actor: str = ""
    icon: str = ""
    body: str = ""
    url: str = ""
    pinned: bool = False
    actions: tuple[EntryAction, ...] = ()
    template: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Upcoming:
    """Something that is to be done about a record.

    ``due`` is a day, a moment (UTC), or None for what has no date. ``assignee`` is the name of whoever does it.
    """

    due: dt.date | dt.datetime | None
    record_type: str
    record_id: int
    text: Label
    icon: str = "clock"
    body: str = ""
    url: str = ""
    assignee: str = ""
    actions: tuple[EntryAction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A tab of the composer on a record page, such as a note or a call.

    ``name`` tells the plugin's channels apart. ``template`` is the plugin's own and holds the whole form, which posts
    to ``url``; it gets ``record``, ``url`` and ``context``. It is drawn when somebody turns to the tab, or with the
    page if something else there needs the form ``at_once``, such as a file that is dropped anywhere.
    """

    name: str
    label: Label
    template: str
    url: str
    icon: str = "message"
    context: Mapping[str, Any] = field(default_factory=dict)
    weight: int = 50
    at_once: bool = False
