"""Files on the page of a record: in its story, the tab in which they are added, and their download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Response, abort, current_app, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.models import CALLED, User
from core.admin.form_pages import REFUSED
from core.admin.ids import not_found, read_id
from core.admin.record_folders import RecordFolders
from core.admin.saving import Refused, commit
from core.config import Config
from core.records.attachments.attaching import attach, find_attachment, remove_attachment, restore_attachment
from core.records.attachments.kinds import UNKNOWN
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.policy import may
from core.records.record import Record
from core.records.timeline import StoryQuery
from core.site.formats import format_number
from core.story import FILE, Channel, EntryAction, TimelineEntry

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

AT_ONCE = 20
# Nothing of a file runs, wherever it is opened.
POLICY = "default-src 'none'; sandbox"
_COLUMNS: tuple[Any, ...] = (
    Attachment.id,
    Attachment.record_type,
    Attachment.record_id,
    Attachment.created_at,
    Attachment.name,
    Attachment.content_type,
    Attachment.size,
    Attachment.has_thumbnail,
    CALLED.label("uploader"),
)
_ICONS = {"image": "eye", "text": "file-text", "audio": "headset"}


def files(query: StoryQuery) -> sa.Select[Any]:
    """What was attached and is still there, as ``file_entries`` reads it."""
    return query.page(
        sa.select(*_COLUMNS)
        .outerjoin(User, User.id == Attachment.uploader_id)
        .where(Attachment.removed_at.is_(None)),
        record_type=Attachment.record_type,
        record_id=Attachment.record_id,
        at=Attachment.created_at,
        id=Attachment.id,
    )


def file_entries(rows: Iterable[tuple[Any, ...]]) -> Iterator[TimelineEntry]:
    """The entries of the rows of ``files``."""
    folders = RecordFolders()
    added, delete = _("added a file"), _("Delete")
    for id_, record_type, record_id, created_at, name, content_type, size, has_thumbnail, uploader in rows:
        url = f"{folders.page(record_type, record_id)}/files/{id_}"
        actions: tuple[EntryAction, ...] = ()
        if folders.may_edit(record_type):
            actions = (EntryAction(label=delete, url=f"{url}/delete", icon="trash", method="post"),)
        yield TimelineEntry(
            at=created_at,
            id=id_,
            record_type=record_type,
            record_id=record_id,
            kind=FILE,
            icon="paperclip",
            actor=uploader or "",
            text=added,
            actions=actions,
            template="nova/_story_file.html",
            context={
                "name": name,
                "size": size_text(size),
                "icon": _ICONS.get(content_type.partition("/")[0], "paperclip"),
                "file_url": url,
                "thumbnail_url": f"{url}/thumbnail" if has_thumbnail else "",
            },
        )


def size_text(size: int) -> str:
    """A number of bytes as people read it."""
    if size < 1024:
        return ngettext("%(count)s byte", "%(count)s bytes", size, count=format_number(size))
    if size < 1024 * 1024:
        return _("%(size)s KB", size=format_number(round(size / 1024)))
    return _("%(size)s MB", size=format_number(round(size / 1024 / 1024, 1)))


def file_channel(record: Record) -> Channel | None:
    """The tab in which files are added, for whoever may."""
    if not may(f"{record.__record_type__}.edit", record):
        return None
    return Channel(
        name="file",
        label=_l("File"),
        icon="paperclip",
        template="nova/_file_form.html",
        url=url_for(f"{record.__record_type__.replace('.', '_')}.files_view", id=record.id),
        context={"limit": _config().attachment_limit},
        weight=90,
        at_once=True,
    )


def add_files(view: RecordView, record: Any) -> Any:
    """Attach the posted files, each by itself: one that is refused costs no other.

    A script sends them one by one and gets 204, or 422 with a sentence.
    """
    view.require("edit", record)
    if set(request.form) - {"csrf_token", "url"}:
        abort(400)
    posted = [upload for upload in request.files.getlist("file") if upload.filename][:AT_ONCE]
    kept, problems = 0, []
    for upload in posted:
        try:
            _add(view, record, upload)
            kept += 1
        except Refused as refused:
            problems.append(f"{upload.filename}: {' '.join(map(str, refused.errors.values()))}")
        finally:
            upload.close()
    if "HX-Request" in request.headers:
        sentence = " ".join(problems) or (_("Choose a file first.") if not posted else "")
        return Response(sentence, status=REFUSED if sentence else 204, mimetype="text/plain")
    if kept:
        flash(
            ngettext("%(count)s file was added.", "%(count)s files were added.", kept, count=format_number(kept)),
            "success",
        )
    for problem in problems or ([] if posted else [_("Choose a file first.")]):
        flash(problem, "danger")
    return redirect(view.get_url(".details_view", id=record.id))


def _add(view: RecordView, record: Any, upload: Any) -> None:
    config, storage = _config(), _storage()
    limit, kinds = config.attachment_limit << 20, config.attachment_kinds
    with storage.keeping():
        commit(view.session, lambda: attach(record, storage, upload.stream, upload.filename, limit=limit, kinds=kinds))


def download(view: RecordView, record: Any, file_id: str) -> Any:
    """The bytes of a file, always to be saved and never to be shown."""
    attachment = _file(view, record, file_id)
    response = _sent(_storage().path(attachment.sha256), attachment.content_type, attachment.name)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def thumbnail(view: RecordView, record: Any, file_id: str) -> Any:
    """The small picture that was made of an image."""
    attachment = _file(view, record, file_id)
    if not attachment.has_thumbnail:
        not_found()
    response = _sent(_storage().thumbnail(attachment.sha256), "image/webp", None)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def delete_file(view: RecordView, record: Any, file_id: str) -> Any:
    """Take a file away; the message offers to put it back."""
    view.require("edit", record)
    attachment = _file(view, record, file_id)
    commit(view.session, lambda: remove_attachment(record, attachment))
    undo = view.get_url(".file_restore_view", id=record.id, file_id=attachment.id)
    flash(_("“%(name)s” was deleted.", name=attachment.name), f"undo {undo}")
    return redirect(view.get_url(".details_view", id=record.id))


def restore_file(view: RecordView, record: Any, file_id: str) -> Any:
    """Put a file back."""
    view.require("edit", record)
    attachment = _file(view, record, file_id, removed=True)
    commit(view.session, lambda: restore_attachment(record, attachment))
    flash(_("“%(name)s” is back.", name=attachment.name), "success")
    return redirect(view.get_url(".details_view", id=record.id))


def _file(view: RecordView, record: Any, file_id: str, *, removed: bool = False) -> Attachment:
    attachment = find_attachment(view.session, record, read_id(file_id), removed=removed)
    if attachment is None:
        not_found()
    return attachment


def _sent(path: Any, content_type: str, name: str | None) -> Response:
    """A file that browsers ask for again each time: rights may have changed since."""
    if not path.is_file():
        current_app.logger.error("The attached file %s is missing.", path)
        not_found()
    safe = UNKNOWN if content_type == "text/html" else content_type
    answer = send_file(path, mimetype=safe, as_attachment=name is not None, download_name=name, max_age=0)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _config() -> Config:
    config: Config = current_app.extensions["peyvand"].runtime.config
    return config


def _storage() -> Storage:
    return Storage(_config().attachments)
