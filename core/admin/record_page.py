"""The page of one record: its fields, the panels of plugins, its story, and the notes people add."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash, redirect, render_template, request
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _
from markupsafe import Markup

from core.accounts.models import User
from core.admin.formatters import plain, shown
from core.admin.saving import Refused, commit
from core.parts import Panel
from core.records.fields import Field
from core.records.policy import may
from core.records.timeline import Change, Entry, add_note, entries
from core.site.formats import format_local_datetime, to_reader_time

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

log = logging.getLogger(__name__)

ENTRIES = 50
_SLOTS = ("header", "side", "main")


def record_page(view: RecordView, record: Any) -> Any:
    """The page of ``record``; ``?before=`` (an ISO 8601 moment) reads on in its story."""
    before = _moment(request.args.get("before"))
    story = entries(record, limit=ENTRIES + 1, before=before)
    more = len(story) > ENTRIES
    older = view.get_url(".details_view", id=record.id, before=story[ENTRIES - 1].at.isoformat()) if more else None
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
        timeline=_days(story[:ENTRIES]),
        timeline_more_url=older,
        note_url=view.get_url(".note_view", id=record.id) if may(view.screen.permission("edit"), record) else None,
    )


def write_note(view: RecordView, record: Any) -> Any:
    """Add the posted note to the story of ``record``."""
    view.require("edit", record)
    if set(request.form) - {"csrf_token", "body", "url"}:
        abort(400)
    try:
        commit(view.session, lambda: add_note(record, request.form.get("body", "")))
    except Refused as refused:
        for text in refused.errors.values():
            flash(str(text), "danger")
    return redirect(view.get_url(".details_view", id=record.id))


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
    answers = view.site.hooks.notify("record_panels", guard=view.session.begin_nested, record=record)
    panels = [(plugin, panel) for plugin, given in answers for panel in given or ()]
    panels.sort(key=lambda pair: getattr(pair[1], "weight", 0))
    return [_panel(view, plugin, panel, record) for plugin, panel in panels]


def _panel(view: RecordView, plugin: str, panel: Panel, record: Any) -> dict[str, Any]:
    slot = panel.slot if panel.slot in _SLOTS else "side"
    drawn = {"slot": slot, "title": panel.title, "html": Markup(), "error": ""}
    try:
        # A savepoint, so that a query that fails in the panel does not spoil the rest of the page.
        with view.session.begin_nested():
            html = render_template(panel.template, **{"record": record, **panel.context})
        drawn["html"] = Markup(html)  # noqa: S704  rendered by an autoescaping template
    except Exception:
        log.exception("The panel %s of the plugin %s could not be drawn.", panel.template, plugin)
        drawn["error"] = plugin
    return drawn


def _days(story: Sequence[Entry]) -> list[dict[str, Any]]:
    days: list[dict[str, Any]] = []
    for entry in story:
        day = to_reader_time(entry.at).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "entries": []})
        days[-1]["entries"].append(_entry(entry))
    return days


def _entry(entry: Entry) -> dict[str, Any]:
    kind = {"note": "note", "changed": "change"}.get(entry.kind, "event")
    return {
        "kind": kind,
        "icon": {"created": "plus", "deleted": "trash", "restored": "refresh"}.get(entry.kind, ""),
        "actor": entry.actor or _("Somebody"),
        "text": _told(entry),
        "body": entry.body,
        "at": entry.at,
        "changes": [_change(change) for change in entry.changes] if kind == "change" else [],
        "delete_url": "",
    }


def _told(entry: Entry) -> str:
    texts = {
        "note": _("left a note"),
        "created": _("imported this record") if entry.source == "import" else _("created this record"),
        "deleted": _("deleted this record"),
        "restored": _("restored this record"),
    }
    if entry.kind in texts:
        return texts[entry.kind]
    names = _(", ").join(str(change.field.label if change.field else change.name) for change in entry.changes)
    return _("changed %(fields)s", fields=names) if names else _("changed this record")


def _change(change: Change) -> dict[str, Any]:
    label = change.field.label if change.field else change.name
    return {"label": label, "old": audit_text(change.field, change.old), "new": audit_text(change.field, change.new)}


def audit_text(field: Field | None, value: Any) -> str:
    """A value out of the audit, which keeps JSON, as people read it."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if isinstance(value, list):
        return _(", ").join(audit_text(None, entry) for entry in value)
    if field is None:
        return str(value)
    try:
        if field.kind == "date":
            value = dt.date.fromisoformat(value)
        elif field.kind == "datetime":
            value = dt.datetime.fromisoformat(value)
        elif field.kind in ("money", "decimal"):
            value = Decimal(str(value))
    except (ArithmeticError, TypeError, ValueError):
        return str(value)
    return plain(field, value)


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        abort(400)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
