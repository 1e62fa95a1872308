"""Personal data: a person's file across plugins, downloaded, corrected and erased; consents; what is marked where."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.accounts.models import now
from core.admin.formatters import record_url
from core.calendars import UNICODE_NAMES
from core.errors import Blocked, Forbidden, ValidationError
from core.parts import ADMINISTRATOR, EMPTIED, KEPT, REMOVED, Permission
from core.records.audit import Audit, audit_row
from core.records.catalog import RecordType, current_catalog
from core.records.policy import may
from core.records.privacy.consents import consents_of
from core.records.privacy.erasing import (
    ANONYMISE,
    ERASE,
    WAYS,
    Held,
    erase,
    file_of,
    find_subject,
    is_subject,
    subject_types,
    whats_missing,
)
from core.records.privacy.erasures import AT_ONCE, MANAGE, begin_erasure
from core.records.privacy.holds import hold_on
from core.records.privacy.models import Erased
from core.records.search import holds_words
from core.site.reader import preferences
from core.site.site import current_site, session

MANAGE_PRIVACY = Permission(MANAGE, _l("Manage personal data"), (ADMINISTRATOR,))
SHOWN = 50  # rows of one part on the page; the downloaded file has all
FOUND = 20  # people of one type that a search shows
FATES = {
    REMOVED: (lazy_pgettext("what becomes of data", "Deleted"), "rose"),
    EMPTIED: (_l("Emptied"), "amber"),
    KEPT: (_l("Stays"), "gray"),
}
PERSON = "/<record_type>/<int(max=9223372036854775807):record_id>"

privacy_pages = Blueprint("privacy", __name__, url_prefix="/admin/privacy")


@privacy_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage personal data."""
    if not acting().may(MANAGE_PRIVACY.name):
        abort(404)


@privacy_pages.get("/")
def listing() -> str:
    """Find a person; which fields are personal; who was erased last."""
    asked = request.args.get("q", "").strip()[:200]
    catalog = current_catalog()
    kinds = {entry.name: entry.title for entry in subject_types()}
    last = sa.select(Erased).where(Erased.record_type.in_(kinds)).order_by(Erased.at.desc()).limit(SHOWN)
    return render_template(
        "core/privacy.html",
        asked=asked,
        found=list(_found(asked)) if asked else None,
        marked=[
            (entry.plural, [field.label for field in entry.fields.values() if field.personal])
            for entry in catalog
            if acting().may(f"{entry.name}.see") and any(field.personal for field in entry.fields.values())
        ],
        erased=[(kinds[row.record_type], row.record_id, row.at) for row in session.scalars(last)],
    )


@privacy_pages.get(PERSON)
def file(record_type: str, record_id: int) -> Any:
    """Everything that is held about one person, by source."""
    entry, person = subject_of(record_type, record_id)
    return file_page(entry, person)


@privacy_pages.post(f"{PERSON}/download")
def download(record_type: str, record_id: int) -> BaseResponse:
    """The file as JSON; that it was taken stands in the audit."""
    entry, person = subject_of(record_type, record_id)
    held = file_of(session, person)
    content = {
        "type": record_type,
        "number": record_id,
        "name": str(person),
        "made_at": now().isoformat(timespec="seconds"),
        "parts": [_as_json(one) for one in held],
    }
    _tell(record_type, record_id, "file_downloaded", {"format": (None, "JSON"), "rows": (None, _rows(held))})
    session.commit()
    headers = {
        "Content-Disposition": f'attachment; filename="personal-data-{entry.name.replace(".", "-")}-{record_id}.json"',
        "X-Content-Type-Options": "nosniff",
    }
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return Response(text, mimetype="application/json", headers=headers)


@privacy_pages.route(f"{PERSON}/erase/<any(anonymise, erase):way>", methods=["GET", "POST"])
def erasing(record_type: str, record_id: int, way: str) -> Any:
    """What erasing would do, source by source; a post with the person's name does it."""
    entry, person = subject_of(record_type, record_id)
    held = file_of(session, person)
    missing = whats_missing(session, person, held)
    typed = " ".join(request.form.get("name", "").split())
    error = ""
    if request.method == "POST":
        if set(request.form) - {"csrf_token", "name", "version"}:
            abort(400)
        if missing:
            error = missing
        elif request.form.get("version") != str(person.version):
            error = _("Somebody changed this record meanwhile. Look once more at what would be erased.")
        elif typed != " ".join(str(person).split()):
            error = _("Write the name exactly as it stands here.")
        elif _rows(held) > AT_ONCE:
            return _erase_by_job(entry, person, way)
        else:
            error = _erase(person, held, way)
        if not error:
            return redirect(url_for("privacy.listing"), 303)
    html = render_template(
        "core/privacy_erase.html",
        entry=entry,
        person=person,
        way=way,
        whole=way == ERASE,
        parts=[part_of(one, whole=way == ERASE, person=person) for one in held],
        referring=_referring(entry, person, {name for one in held for name in one.ids}),
        rows=_rows(held),
        by_job=_rows(held) > AT_ONCE,
        missing=missing,
        typed=typed,
        error=error,
        back=url_for("privacy.file", record_type=record_type, record_id=record_id),
    )
    return (html, 422) if error else html


def subject_of(record_type: str, record_id: int) -> tuple[RecordType, Any]:
    """The type and the person of an address, for whoever sees both."""
    catalog = current_catalog()
    entry = catalog.find(record_type) if record_type in catalog else abort(404)
    person = find_subject(session, entry, record_id) if is_subject(entry.model) else None
    return entry, person if person is not None else abort(404)


def file_page(
    entry: RecordType, person: Any, *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None
) -> str:
    """The page of a person's file, with what is wrong in one of its forms."""
    held = file_of(session, person)
    place = {"record_type": entry.name, "record_id": person.id}
    there = person.archived_at is None
    url = record_url(person) if there else None
    return render_template(
        "core/privacy_file.html",
        entry=entry,
        person=person,
        record_url=url,
        edit_url=f"{url}/edit" if url and may(f"{entry.name}.edit", person) else None,
        parts=[part_of(one) for one in held if one.part.name != "core.consent"],
        consents=consents_of(session, entry.name, person.id),
        hold=hold_on(session, person),
        errors=errors or {},
        values=values or {},
        date_calendar=UNICODE_NAMES[preferences().calendar],
        download_url=url_for("privacy.download", **place),
        consent_url=url_for("privacy.add_consent", **place),
        ways=[(way, url_for("privacy.erasing", **place, way=way)) for way in WAYS if there or way == ERASE],
        place=place,
    )


def part_of(one: Held, *, whole: bool = False, person: Any = None) -> dict[str, Any]:
    """A part as the pages show it; with ``whole`` the person's record goes altogether."""
    part = one.part
    fate, outcome = part.fate, part.outcome
    if part.own is not None and person is not None and (whole or part.own is not person):
        fate, outcome = REMOVED, _("The record is deleted for good, with everything that belongs to it.")
    label, color = FATES[fate]
    status = current_site().plugins.get(one.plugin)
    manifest = status.manifest if status is not None else None
    return {
        "title": part.title,
        "plugin": _(manifest.title) if manifest is not None else _("Core"),
        "columns": list(part.columns.items()),
        "rows": part.rows[:SHOWN],
        "count": len(part.rows),
        "more": max(len(part.rows) - SHOWN, 0),
        "fate": label,
        "color": color,
        "outcome": outcome,
    }


def _referring(entry: RecordType, person: Any, told: Collection[str]) -> list[tuple[Any, int]]:
    """What links to the person besides what is ``told`` already: pairs of the plural and the number of records."""
    found = []
    for reference in current_catalog().references(entry.model):
        if reference.record_type.name in told:
            continue
        model: Any = reference.record_type.model
        column = getattr(model, reference.field.name)
        count = session.scalar(sa.select(sa.func.count()).select_from(model).where(column == person)) or 0
        if count:
            found.append((reference.record_type.plural, count))
    return found


def _erase(person: Any, held: list[Held], way: str) -> str:
    """Do it; a sentence says why it could not be done."""
    try:
        erase(session, person, held, way)
        session.commit()
    except (Blocked, Forbidden, ValidationError) as error:
        session.rollback()
        return str(error) if isinstance(error, Blocked) else _("Something keeps this record: %(why)s", why=str(error))
    flash(_("The person was anonymised.") if way == ANONYMISE else _("The person was erased."), "success")
    return ""


def _erase_by_job(entry: RecordType, person: Any, way: str) -> BaseResponse:
    """Have it done in the background; the operation tells of it, and must not tell the name."""
    plan = {"way": way, "person": person.id, "version": person.version}
    op = begin_erasure(session, entry, f"{entry.title} #{person.id}", plan, 1)
    session.commit()
    return redirect(url_for("operations.one", op_id=op.id), 303)


def _found(asked: str) -> Any:
    for entry in subject_types():
        model: Any = entry.model
        wanted = sa.select(model).where(*holds_words(session, model, asked)).order_by(model.id).limit(FOUND)
        for record in session.scalars(wanted).unique():
            yield str(record), entry.title, url_for("privacy.file", record_type=entry.name, record_id=record.id)


def _as_json(one: Held) -> dict[str, Any]:
    return {
        "plugin": one.plugin,
        "name": one.part.name,
        "title": str(one.part.title),
        "labels": {name: str(label) for name, label in one.part.columns.items()},
        "rows": [dict(row) for row in one.part.rows],
    }


def _rows(held: list[Held]) -> int:
    return sum(len(one.part.rows) for one in held)


def _tell(record_type: str, record_id: int, action: str, changes: Mapping[str, tuple[Any, Any]]) -> None:
    row = audit_row(record_type, record_id, action, changes)
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
