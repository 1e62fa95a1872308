"""Backups, for administrators: which there are, one made now by a job, downloads, and one made every day."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts.actor import acting
from core.admin.files import size_text
from core.admin.ids import read_id
from core.backup.keeping import KEPT, MADE_DAILY, MAKE_BACKUP, MANAGE, backup_files, find_backup
from core.backup.making import BACKUP
from core.jobs.models import FAILED, LIVE, JobRecord
from core.jobs.queue import enqueue
from core.parts import ADMINISTRATOR, Permission
from core.records.audit import record_act
from core.site.formats import format_number
from core.site.site import current_site, session
from core.text import latin_digits

MANAGE_BACKUPS = Permission(MANAGE, _l("Make, download and remove backups"), (ADMINISTRATOR,))
MOST = 365

backup_pages = Blueprint("backups", __name__, url_prefix="/admin/backups")


@backup_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage backups."""
    if not acting().may(MANAGE_BACKUPS.name):
        abort(404)


@backup_pages.get("/")
def listing() -> str:
    """The backups in the folder of the instance."""
    return _page()


@backup_pages.post("/")
def make() -> Response:
    """Have a worker make one, unless it is at it."""
    if _last_job(LIVE) is None:
        enqueue(MAKE_BACKUP)
        session.commit()
    if not current_site().runtime.queue.answers():
        flash(_("The queue does not answer at the moment. The backup begins as soon as it does."), "warning")
    return redirect(url_for("backups.listing"), 303)


@backup_pages.get("/progress")
def progress() -> Response:
    """How far it is; the page is asked to load again once it is over."""
    job = _last_job(LIVE)
    if job is None:
        return make_response("", 200, {"HX-Refresh": "true"})
    return make_response(render_template("nova/_job_progress.html", job=_progress_of(job)))


@backup_pages.post("/settings")
def settings() -> Any:
    """Whether one is made every day, and how many of those are kept."""
    text = latin_digits(request.form.get("kept", "")).strip()
    if read_id(text) is None or int(text) > MOST:
        return _page(kept=text, error=_("Write a whole number from 1 to %(most)s.", most=format_number(MOST))), 422
    MADE_DAILY.write(session, 1 if request.form.get("daily") else 0)
    KEPT.write(session, int(text))
    session.commit()
    flash(_("The settings are saved."), "success")
    return redirect(url_for("backups.listing"), 303)


@backup_pages.post("/<name>/download")
def download(name: str) -> Response:
    """The file. It holds everything but the keys, so who took it stands in the audit."""
    path = find_backup(current_site().runtime.config, name)
    if path is None:
        abort(404)
    record_act(session, BACKUP, "downloaded", {"file": (None, name)})
    session.commit()
    answer = send_file(path, "application/zip", as_attachment=True, download_name=name, max_age=0)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@backup_pages.post("/<name>/remove")
def remove(name: str) -> Response:
    """Remove a backup for good."""
    path = find_backup(current_site().runtime.config, name)
    if path is None:
        abort(404)
    record_act(session, BACKUP, "deleted", {"file": (name, None)})
    session.commit()
    path.unlink(missing_ok=True)
    flash(_("The backup is removed."), "success")
    return redirect(url_for("backups.listing"), 303)


def _page(*, kept: str = "", error: str = "") -> str:
    config = current_site().runtime.config
    job = _last_job(LIVE)
    failed = _last_job((FAILED,)) if job is None else None
    last = _last_job(None)
    return render_template(
        "nova/backups.html",
        title=_("Backups"),
        files=[
            {"name": file.name, "size": size_text(file.size), "made_at": file.made_at, "daily": file.daily}
            for file in backup_files(config)
        ],
        job=_progress_of(job) if job is not None else None,
        failed=(failed.error or _("It was written down in the list of jobs."))
        if failed is not None and last is not None and last.id == failed.id
        else "",
        daily=bool(MADE_DAILY.read(session)),
        kept=kept or str(KEPT.read(session)),
        kept_error=error,
    )


def _last_job(states: tuple[str, ...] | None) -> JobRecord | None:
    wanted = sa.select(JobRecord).where(JobRecord.name == MAKE_BACKUP)
    if states is not None:
        wanted = wanted.where(JobRecord.status.in_(states))
    return session.scalars(wanted.order_by(JobRecord.created_at.desc()).limit(1)).first()


def _progress_of(job: JobRecord) -> dict[str, Any]:
    said = current_site().runtime.queue.progress([(job.id, job.attempts)]).get(job.id, {})
    return {
        "id": job.id,
        "label": _("A backup is being made"),
        "state": job.status,
        "done": int(said.get("done") or 0),
        "total": int(said.get("total") or 0) or None,
        "message": "",
        "progress_url": url_for("backups.progress"),
    }
