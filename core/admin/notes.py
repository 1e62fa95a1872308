"""Notes on the page of a record: in its story, and the forms in which one is written and changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.accounts.models import CALLED, User
from core.admin.form_pages import REFUSED
from core.admin.ids import not_found, read_id
from core.admin.lookup import matching_words
from core.admin.record_folders import RecordFolders
from core.admin.saving import Refused, commit
from core.records.note import Note, add_note, change_note, find_note, pin_note, remove_note
from core.records.policy import may
from core.records.record import Record
from core.records.submissions import FORM_KEY, Repeated, note_submission
from core.records.timeline import StoryQuery
from core.story import NOTE, Channel, EntryAction, TimelineEntry

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

FIELDS = frozenset({"csrf_token", FORM_KEY, "body", "mentions", "url"})
PINNED = 10
OFFERED = 8

_COLUMNS: tuple[Any, ...] = (
    Note.id,
    Note.record_type,
    Note.record_id,
    Note.created_at,
    Note.body,
    Note.author_id,
    Note.edited_at,
    Note.pinned_at,
    CALLED.label("author"),
)
_AUTHORED = sa.select(*_COLUMNS).outerjoin(User, User.id == Note.author_id)


def notes(query: StoryQuery) -> sa.Select[Any]:
    """What people wrote, as ``note_entries`` reads it."""
    columns = {"record_type": Note.record_type, "record_id": Note.record_id, "at": Note.created_at, "id": Note.id}
    statement = query.page(_AUTHORED, **columns)
    if query.pinned is not None:
        record_type, record_id = query.pinned
        newest = query.page(sa.select(Note.id), **columns).subquery()
        about = (Note.record_type == record_type, Note.record_id == record_id, Note.pinned_at.is_not(None))
        pinned = sa.select(Note.id).where(*about).order_by(Note.pinned_at.desc()).limit(PINNED).subquery()
        wanted = sa.or_(Note.id.in_(sa.select(newest.c.id)), Note.id.in_(sa.select(pinned.c.id)))
        statement = _AUTHORED.where(wanted).order_by(Note.created_at.desc(), Note.id.desc())
    return statement


def note_entries(rows: Iterable[tuple[Any, ...]]) -> Iterator[TimelineEntry]:
    """The entries of the rows of ``notes``."""
    left, edited = _("left a note"), _("left a note (edited)")
    pin, unpin = _("Pin"), _("Unpin")
    folders = RecordFolders()
    reader = acting().user_id
    for id_, record_type, record_id, created_at, body, author_id, edited_at, pinned_at, author in rows:
        actions: Iterable[EntryAction] = ()
        if folders.may_edit(record_type):
            own = author_id is not None and author_id == reader
            url = f"{folders.page(record_type, record_id)}/note/{id_}"
            actions = _actions(url, unpin if pinned_at is not None else pin, pinned=pinned_at is not None, own=own)
        yield TimelineEntry(
            at=created_at,
            id=id_,
            record_type=record_type,
            record_id=record_id,
            kind=NOTE,
            icon="note",
            actor=author or "",
            text=left if edited_at is None else edited,
            body=body,
            pinned=pinned_at is not None,
            actions=tuple(actions),
        )


def _actions(url: str, pin: str, *, pinned: bool, own: bool) -> Iterator[EntryAction]:
    yield EntryAction(
        label=pin,
        url=f"{url}/pin",
        icon="bookmark",
        method="post",
        fields={"pinned": "" if pinned else "1"},
    )
    if own:
        yield EntryAction(label=_("Edit"), url=url, icon="pencil", method="dialog")
        yield EntryAction(
            label=_("Delete"), url=f"{url}/delete", icon="trash", method="post", confirm=_("Delete this note?")
        )


def note_channel(record: Record) -> Channel | None:
    """The tab in which a note is written, for whoever may."""
    if not may(f"{record.__record_type__}.edit", record):
        return None
    endpoint = record.__record_type__.replace(".", "_")
    return Channel(
        name="note",
        label=_l("Note"),
        icon="note",
        template="nova/_note_form.html",
        url=url_for(f"{endpoint}.note_view", id=record.id),
        context={"people_url": url_for(f"{endpoint}.people_view", id=record.id), "draft": _draft(record)},
        weight=0,
    )


def write_note(view: RecordView, record: Any) -> Any:
    """Add the posted note to the story of ``record``."""
    view.require("edit", record)
    _refuse_undeclared()

    def write() -> None:
        add_note(record, request.form.get("body", ""), _mentioned())
        note_submission(view.session, record)

    try:
        commit(view.session, write)
    except Repeated:
        pass  # the note is there
    except Refused as refused:
        return _refused(view, record, refused, "nova/_note_form.html", view.get_url(".note_view", id=record.id))
    return redirect(view.get_url(".details_view", id=record.id))


def edit_note(view: RecordView, record: Any, note_id: str) -> Any:
    """The form of one's own note; a post saves it."""
    note = _note(view, record, note_id)
    if note.author_id != acting().user_id:
        not_found()
    url = view.get_url(".note_edit_view", id=record.id, note_id=note.id)
    if request.method == "GET":
        return _note_page(view, record, url, note.body, "")
    _refuse_undeclared()
    try:
        commit(view.session, lambda: change_note(record, note, request.form.get("body", ""), _mentioned()))
    except Refused as refused:
        error = " ".join(map(str, refused.errors.values()))
        return _note_page(view, record, url, request.form.get("body", ""), error), REFUSED
    return redirect(view.get_url(".details_view", id=record.id))


def delete_note(view: RecordView, record: Any, note_id: str) -> Any:
    """Take one's own note away."""
    note = _note(view, record, note_id)
    commit(view.session, lambda: remove_note(record, note))
    flash(_("The note was deleted. The history keeps what it said."), "success")
    return redirect(view.get_url(".details_view", id=record.id))


def pin(view: RecordView, record: Any, note_id: str) -> Any:
    """Pin the note, or unpin it."""
    note = _note(view, record, note_id)
    commit(view.session, lambda: pin_note(record, note, pinned=bool(request.form.get("pinned"))))
    return redirect(view.get_url(".details_view", id=record.id))


def people(view: RecordView, record: Any) -> Any:
    """Whom a note may mention: pairs of id and name."""
    view.require("edit", record)
    statement = sa.select(User.id, User.name).where(User.active, User.name != "")
    for word in matching_words(request.args.get("query", ""), User, ("name",)):
        statement = statement.where(word)
    rows = view.session.execute(statement.order_by(User.name, User.id).limit(OFFERED))
    return jsonify([[id_, name] for id_, name in rows])


def _note(view: RecordView, record: Any, note_id: str) -> Note:
    view.require("edit", record)
    note = find_note(view.session, record, read_id(note_id))
    if note is None:
        not_found()
    return note


def _refuse_undeclared() -> None:
    if set(request.form) - FIELDS:
        abort(400)


def _mentioned() -> list[int]:
    ids = (read_id(text) for text in request.form.get("mentions", "").split(",")[:100])
    return [number for number in ids if number is not None]


def _draft(record: Record) -> str:
    """The name under which the browser keeps what was typed and not yet saved."""
    return f"note:{record.__record_type__}:{record.id}"


def _refused(view: RecordView, record: Any, refused: Refused, template: str, url: str) -> Any:
    error = " ".join(map(str, refused.errors.values()))
    body = request.form.get("body", "")
    if "HX-Request" not in request.headers:
        return _note_page(view, record, url, body, error), REFUSED
    people_url = view.get_url(".people_view", id=record.id)
    form = {"url": url, "people_url": people_url, "draft": _draft(record), "body": body, "error": error}
    return render_template(template, record=record, **form), REFUSED


def _note_page(view: RecordView, record: Any, url: str, body: str, error: str) -> str:
    """The form of a note by itself: in the dialog, or as a page."""
    context = {
        "url": url,
        "people_url": view.get_url(".people_view", id=record.id),
        "body": body,
        "error": error,
        "record": record,
        "back": view.get_url(".details_view", id=record.id),
    }
    layout = "nova/fragment.html" if "HX-Request" in request.headers else "nova/screen.html"
    return str(view.render("nova/note.html", layout=layout, title=_("Note on %(name)s", name=str(record)), **context))
