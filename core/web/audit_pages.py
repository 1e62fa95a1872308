"""The audit, for administrators: who did what, when and from where; how long it is kept; as a file."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.accounts.models import CALLED, User, now
from core.admin.ids import read_id
from core.calendars import UNICODE_NAMES
from core.database.limits import TooSlow, time_limit
from core.errors import ConfigError
from core.jobs.queue import enqueue
from core.parts import ADMINISTRATOR, Permission
from core.records.catalog import current_catalog
from core.records.seals.anchor import AnchorError, anchor_file, read_anchor
from core.records.seals.digest import ROWS
from core.records.seals.retention import KEPT_DAYS, LONGEST
from core.records.seals.sealing import agrees, newest_seal
from core.records.transfer.models import ExportFile
from core.site.formats import format_number
from core.site.reader import preferences
from core.site.site import current_site, session
from core.text import latin_digits
from core.web.audit_export import EXPORT, EXPORT_AUDIT, NAME, audit_csv, is_large, tell
from core.web.audit_query import KINDS, NOBODY, SOURCES, AuditQuery, Page, find_page
from core.web.audit_rows import ACTIONS, audit_rows

SEE = Permission("core.audit.see", _l("See the audit"), (ADMINISTRATOR,))
KEEP = Permission("core.audit.keep", _l("Say how long the audit is kept"), (ADMINISTRATOR,))
PERMISSIONS = (SEE, KEEP, Permission(EXPORT, _l("Export the audit"), (ADMINISTRATOR,)))
PATIENCE = 2.0  # seconds a question may take
MOST_PEOPLE = 500

audit_pages = Blueprint("audit", __name__, url_prefix="/admin/audit")


@audit_pages.before_request
def readers_only() -> None:
    """Hide the pages from whoever may not see the audit."""
    if not acting().may(SEE.name):
        abort(404)


@audit_pages.get("/")
def listing() -> str:
    """A page of the audit, newest first."""
    query = AuditQuery.read(request.args)
    if query is None:
        abort(400)
    page, slow = Page((), None, None), False
    if not query.errors:
        try:
            with time_limit(session, PATIENCE):
                before, after = (read_id(request.args.get(name, "")) for name in ("before", "after"))
                page = find_page(session, query, before, after)
        except TooSlow:
            slow = True
    return _page(query, page, slow=slow)


@audit_pages.post("/keep")
def keep() -> Any:
    """Say for how many days rows are kept."""
    if not acting().may(KEEP.name):
        abort(404)
    text = latin_digits(request.form.get("days", "")).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= LONGEST):
        error = _("Write a whole number of days from 0 to %(most)s.", most=format_number(LONGEST))
        query = AuditQuery()
        return _page(query, find_page(session, query, None, None), days=text, error=error), 422
    KEPT_DAYS.write(session, int(text))
    session.commit()
    if int(text):
        flash(ngettext("Rows are kept for %(count)s day. Older ones are removed once a day.",
                       "Rows are kept for %(count)s days. Older ones are removed once a day.", int(text),
                       count=format_number(int(text))), "success")  # fmt: skip
    else:
        flash(_("Rows are kept for ever."), "success")
    return redirect(url_for("audit.listing"), 303)


@audit_pages.post("/export")
def export() -> BaseResponse:
    """The rows that the filters leave as a CSV file; a job writes it when they are many."""
    query = AuditQuery.read(request.form)
    if not acting().may(EXPORT):
        abort(404)
    if query is None or query.errors:
        abort(400)
    name = f"audit-{now():%Y-%m-%d}.csv"
    work = session
    if is_large(work, query):
        file = ExportFile(
            record_type=NAME, file_name=name, format="csv", arguments=query.arguments, actor_id=acting().user_id
        )
        work.add(file)
        work.flush()
        enqueue(EXPORT_AUDIT, key=file.job_key, export_id=file.id, locale=str(get_locale() or "en"))
        work.commit()
        return redirect(url_for("exports.page", export_id=file.id), 303)
    pieces = list(audit_csv(work, query))
    tell(work, query, sum(piece.count("\r\n") for piece in pieces) - 1)
    work.commit()
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(pieces, mimetype="text/csv", headers=headers)


def _page(query: AuditQuery, page: Page, *, slow: bool = False, days: str = "", error: str = "") -> str:
    kept = KEPT_DAYS.read(session)

    def url(**place: Any) -> str:
        return url_for("audit.listing", **{**query.arguments, **place})  # type: ignore[arg-type]

    return render_template(
        "nova/audit.html",
        title=_("Audit"),
        query=query,
        date_calendar=UNICODE_NAMES[preferences().calendar],
        rows=audit_rows(page.rows),
        slow=slow,
        people=_people(query),
        kinds=_kinds(),
        actions=[("", _("Everything")), *((name, label) for name, (label, _icon) in ACTIONS.items())],
        sources=[("", _("From anywhere")), *SOURCES.items()],
        newer_url=url(after=page.newer) if page.newer else None,
        older_url=url(before=page.older) if page.older else None,
        export_url=url_for("audit.export") if acting().may(EXPORT) else None,
        keep_url=url_for("audit.keep") if acting().may(KEEP.name) else None,
        days=days or (str(kept) if kept else "0"),
        kept=kept,
        days_error=error,
        seals=_seals(),
    )


def _people(query: AuditQuery) -> list[tuple[str, Any]]:
    people = session.execute(sa.select(User.id, CALLED).order_by(sa.func.lower(CALLED), User.id).limit(MOST_PEOPLE))
    listed = [(str(number), name) for number, name in people]
    if query.person not in ("", NOBODY, *(number for number, _name in listed)):
        listed.append((query.person, f"#{query.person}"))
    return [("", _("Everybody")), (NOBODY, _("Nobody who was signed in")), *listed]


def _kinds() -> list[tuple[str, Any]]:
    types = sorted(((entry.name, str(entry.plural)) for entry in current_catalog()), key=lambda pair: pair[1])
    return [("", _("Everything")), *types, *KINDS.items()]


def _seals() -> dict[str, Any]:
    """How far the audit is sealed, and whether the anchor beside the database knows of it."""
    connection = session.connection()
    last = newest_seal(connection)
    after = sa.select(sa.func.count()).select_from(ROWS)
    waiting = connection.scalar(after.where(ROWS.c.id > last.last_id) if last is not None else after) or 0
    try:
        anchor = read_anchor(anchor_file(current_site().runtime.config))
        agreed = anchor is None or agrees(connection, anchor)
    except (AnchorError, ConfigError):
        agreed = False
    return {"at": last.at if last is not None else None, "waiting": waiting, "agreed": agreed}
