"""Notes on the page of a record: in its story, and the tab in which one is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.models import User
from core.admin.saving import Refused, commit
from core.records.note import Note, add_note
from core.records.policy import may
from core.records.record import Record
from core.records.timeline import StoryQuery
from core.site.site import session
from core.story import NOTE, Channel, TimelineEntry

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def notes(query: StoryQuery) -> Iterator[TimelineEntry]:
    """What people wrote."""
    if not query.wants(NOTE):
        return
    statement = query.page(
        sa.select(Note, User.name, User.email).outerjoin(User, User.id == Note.author_id),
        record_type=Note.record_type,
        record_id=Note.record_id,
        at=Note.created_at,
        id=Note.id,
    )
    for note, name, email in session.execute(statement):
        yield TimelineEntry(
            at=note.created_at,
            id=note.id,
            record_type=note.record_type,
            record_id=note.record_id,
            kind=NOTE,
            icon="note",
            actor=name or email or "",
            text=_("left a note"),
            body=note.body,
        )


def note_channel(record: Record) -> Channel | None:
    """The tab in which a note is written, for whoever may."""
    if not may(f"{record.__record_type__}.edit", record):
        return None
    return Channel(
        name="note",
        label=_l("Note"),
        icon="note",
        template="nova/_note_form.html",
        url=url_for(f"{record.__record_type__.replace('.', '_')}.note_view", id=record.id),
        weight=0,
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
