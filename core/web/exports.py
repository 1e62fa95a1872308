"""Files that jobs wrote: each is there for a week, and only for whoever asked for it.

    /exports              one's own files
    /exports/<id>         the one that is being written
    /exports/<id>/file    the file
"""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, make_response, redirect, render_template, send_file, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.accounts.models import now
from core.admin.export import Wish, reading_of, tell_export
from core.errors import Forbidden, UnknownRecordType
from core.jobs.models import CANCELLED, DONE, FAILED, JobRecord
from core.jobs.queue import cancel
from core.records.policy import require
from core.records.transfer.files import CSV, TYPES, XLSX, csv_chunks, json_chunks, write_workbook
from core.records.transfer.models import ExportFile
from core.records.transfer.uploads import forget_abandoned
from core.site.site import current_site, session

FOLDER = "exports"
KEPT = dt.timedelta(days=7)
LISTED = 50
SWEEP = "core.sweep_files"

pages = Blueprint("exports", __name__, url_prefix="/exports")


@pages.get("/")
def mine() -> str:
    """One's own files of the last week."""
    user_id = acting().user_id
    if user_id is None:
        raise Forbidden("core.exports")
    own = sa.select(ExportFile).where(ExportFile.actor_id == user_id).order_by(ExportFile.id.desc()).limit(LISTED)
    files = session.scalars(own).all()
    keys = [file.job_key for file in files]
    jobs = {job.key: job for job in session.scalars(sa.select(JobRecord).where(JobRecord.key.in_(keys)))}
    lines = [_line(file, jobs.get(file.job_key)) for file in files]
    return render_template("nova/exports.html", title=_("Exported files"), files=lines)


@pages.get("/<int:export_id>")
def page(export_id: int) -> Any:
    """The page that waits for the file."""
    file = _own(export_id)
    job = _job(file)
    if file.finished_at is not None or job is None or job.status in (FAILED, CANCELLED):
        return redirect(url_for("exports.mine"), 303)
    stop_url = url_for("exports.stop", export_id=export_id)
    return render_template("nova/export_run.html", title=_("Export"), job=_progress(file, job), cancel_url=stop_url)


@pages.get("/<int:export_id>/progress")
def progress(export_id: int) -> Response:
    """The progress alone; leads to the files at the end."""
    file = _own(export_id)
    job = _job(file)
    answer = make_response(render_template("nova/_job_progress.html", job=_progress(file, job)))
    if job is None or job.status in (DONE, FAILED, CANCELLED):
        answer.headers["HX-Redirect"] = url_for("exports.mine")
    return answer


@pages.post("/<int:export_id>/stop")
def stop(export_id: int) -> BaseResponse:
    """Stop writing the file."""
    job = _job(_own(export_id))
    if job is not None:
        cancel(job.id)
        session.commit()
    return redirect(url_for("exports.mine"), 303)


@pages.get("/<int:export_id>/file")
def download(export_id: int) -> BaseResponse:
    """The file, for whoever asked for it, as long as he may export such records."""
    file = _own(export_id)
    require(f"{file.record_type}.export")
    path = current_site().runtime.config.uploads / file.path
    if file.finished_at is None or not path.is_file():
        raise Forbidden("core.exports")
    answer = send_file(path, TYPES[file.format], as_attachment=True, download_name=file.file_name, max_age=0)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def run_export(progress: Any, export_id: int) -> dict[str, Any]:
    """The job that writes a file; repeated after a crash it writes the file anew."""
    site = current_site()
    work: Session = site.runtime.database.session()
    file = work.get(ExportFile, export_id)
    if file is None or file.finished_at is not None:
        return {}
    require(f"{file.record_type}.export")
    view = _view(file.record_type)
    wish = Wish.of(file.arguments, file.format)
    uploads: Path = site.runtime.config.uploads
    stored = file.path or f"{FOLDER}/{uuid.uuid4().hex}"
    file.path = stored
    arguments = {key: value for key, value in file.arguments.items() if not hasattr(wish, key)}
    work.commit()
    with force_locale(wish.locale):
        asked = view.query.read(file.arguments, view.page_size_options)
        total = view.query.count(work, asked).number
        reading = reading_of(view, asked, wish, acting())
        work.commit()
        path = uploads / stored
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        rows = _watched(reading, progress, total)
        if wish.format == XLSX:
            write_workbook(path, str(view.screen.plural), reading.columns, rows)
        else:
            pieces = csv_chunks if wish.format == CSV else json_chunks
            with path.open("w", encoding="utf-8", newline="") as out:
                out.writelines(pieces(reading.columns, rows))
    file = work.get_one(ExportFile, export_id)
    file.count, file.size, file.finished_at = reading.count, path.stat().st_size, now()
    tell_export(work, file.record_type, wish, arguments, reading.count)
    return {"records": reading.count, "url": f"/exports/{export_id}/file", "label": file.file_name}


def sweep_files(progress: Any) -> int:
    """The job that removes exported files after a week, and uploads that nobody went on with; how many."""
    site = current_site()
    work: Session = site.runtime.database.session()
    uploads: Path = site.runtime.config.uploads
    old = work.scalars(sa.select(ExportFile).where(ExportFile.created_at < now() - KEPT)).all()
    for file in old:
        if file.path:
            (uploads / file.path).unlink(missing_ok=True)
        work.delete(file)
    return len(old) + forget_abandoned(work, uploads)


def _watched(reading: Any, progress: Any, total: int) -> Any:
    for batch in reading.batches():
        yield batch
        progress.report(reading.count, max(total, reading.count))


def _view(name: str) -> Any:
    for view in current_app.extensions["admin"][0]._views:
        if getattr(getattr(view, "screen", None), "name", None) == name:
            return view
    raise UnknownRecordType(name)


def _own(export_id: int) -> ExportFile:
    file = session.get(ExportFile, export_id) if export_id < 2**31 else None
    if file is None or acting().user_id is None or file.actor_id != acting().user_id:
        raise Forbidden("core.exports")
    return file


def _job(file: ExportFile) -> JobRecord | None:
    return session.scalars(sa.select(JobRecord).where(JobRecord.key == file.job_key)).first()


def _state(file: ExportFile, job: JobRecord | None) -> str:
    if file.finished_at is not None:
        return DONE
    return FAILED if job is None else job.status


def _line(file: ExportFile, job: JobRecord | None) -> SimpleNamespace:
    screen = current_site().screens.get(file.record_type)
    state = _state(file, job)
    return SimpleNamespace(
        name=file.file_name,
        what=screen.plural if screen is not None else file.record_type,
        state=state,
        count=file.count,
        size=file.size,
        created=file.created_at,
        until=file.created_at + KEPT,
        url=url_for("exports.download" if state == DONE else "exports.page", export_id=file.id),
        error=job.error if job is not None and state == FAILED else "",
    )


def _progress(file: ExportFile, job: JobRecord | None) -> dict[str, Any]:
    return {
        "id": file.id,
        "label": file.file_name,
        "state": _state(file, job),
        "done": job.progress_done if job is not None else 0,
        "total": job.progress_total if job is not None else None,
        "message": "",
        "progress_url": url_for("exports.progress", export_id=file.id),
    }
