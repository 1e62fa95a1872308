"""The page of one record: its fields, the panels of plugins, its story, and the notes people add."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _

from core.accounts.models import User
from core.admin.composer import composer
from core.admin.drawing import drawn, mending
from core.admin.formatters import shown
from core.admin.story_page import story
from core.parts import Panel
from core.records.policy import may
from core.site.formats import format_local_datetime

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_SLOTS = ("header", "side", "main")


def record_page(view: RecordView, record: Any) -> Any:
    """The page of ``record``."""
    subtitle = view.screen.subtitle(record) if view.screen.subtitle else ""
    return view.render(
        "nova/record.html",
        model=record,
        title=str(record),
        subtitle=subtitle,
        return_url=get_redirect_target() or view.list_url(),
        record_actions=list(_actions(view, record)),
        groups=[*_groups(view, record), _about(view, record)],
        panels=_panels(view, record),
        channels=composer(view, record),
        **story(view, record),
    )


def _actions(view: RecordView, record: Any) -> Iterator[dict[str, Any]]:
    if may(view.screen.permission("delete"), record):
        yield {
            "label": _("Delete"),
            "url": view.get_url(".delete_view", id=record.id),
            "icon": "trash",
            "method": "post",
            "primary": False,
            "confirm": _("Delete “%(name)s”?", name=str(record)),
        }
    if may(view.screen.permission("edit"), record):
        here = view.get_url(".details_view", id=record.id)
        yield {
            "label": _("Edit"),
            "url": view.get_url(".edit_view", id=record.id, url=here),
            "icon": "pencil",
            "method": "get",
            "primary": True,
            "confirm": "",
        }


def _groups(view: RecordView, record: Any) -> Iterator[dict[str, Any]]:
    """The groups of the form without what is empty."""
    for group in view.groups:
        fields = []
        for name in group.fields:
            field = view.record_type.field(name)
            value = shown(field, getattr(record, name), record, whole=True)
            if value and not _is_currency(view, name):
                fields.append({"label": field.label, "value": value})
        if fields:
            yield {"label": group.label, "fields": fields}


def _is_currency(view: RecordView, name: str) -> bool:
    """Whether the field only says in which currency another one is; that one shows it."""
    return any(field.currency == name for field in view.record_type.fields.values())


def _about(view: RecordView, record: Any) -> dict[str, Any]:
    wanted = {record.created_by_id, record.updated_by_id} - {None}
    found = view.session.scalars(sa.select(User).where(User.id.in_(wanted))) if wanted else ()
    people = {person.id: str(person) for person in found}

    def line(label: str, at: dt.datetime, person: int | None) -> dict[str, Any]:
        name = people.get(person) if person is not None else None
        moment = format_local_datetime(at)
        return {"label": label, "value": _("%(moment)s by %(name)s", moment=moment, name=name) if name else moment}

    lines = [line(_("Created"), record.created_at, record.created_by_id)]
    if record.updated_at - record.created_at > dt.timedelta(seconds=1):
        lines.append(line(_("Last change"), record.updated_at, record.updated_by_id))
    return {"label": _("About this record"), "fields": lines}


def _panels(view: RecordView, record: Any) -> list[dict[str, Any]]:
    """The panels of all plugins, drawn one by one: one that fails shows a remark with its plugin's name."""
    answers = view.site.hooks.notify("record_panels", guard=mending(view.session), record=record)
    panels = [(plugin, panel) for plugin, given in answers for panel in given or ()]
    panels.sort(key=lambda pair: getattr(pair[1], "weight", 0))
    return [_panel(view, plugin, panel, record) for plugin, panel in panels]


def _panel(view: RecordView, plugin: str, panel: Panel, record: Any) -> dict[str, Any]:
    slot = panel.slot if panel.slot in _SLOTS else "side"
    html, error = drawn(view.session, plugin, panel.template, {"record": record, **panel.context})
    return {"slot": slot, "title": panel.title, "html": html, "error": error}
