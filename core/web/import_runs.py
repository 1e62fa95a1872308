"""Steps 4 and 5 of the import wizard: the running job, and what became of the rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response, make_response, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.models import now
from core.errors import Forbidden
from core.jobs.models import CANCELLED as JOB_CANCELLED
from core.jobs.models import FAILED, PARKED, JobRecord
from core.jobs.queue import cancel, enqueue
from core.records.operations.models import RUNNING, Operation
from core.records.transfer import models
from core.records.transfer.leftovers import read_leftovers
from core.records.transfer.models import ImportRun
from core.records.transfer.running import RUN_IMPORT
from core.site.site import session
from core.web.import_access import address, own_import, pages, uploads_folder
from core.web.import_pages import headings

FAILED_SHOWN = 20


@pages.post("/<record_type>/<int:import_id>/run")
def start(record_type: str, import_id: int) -> BaseResponse:
    """Step 4: have the rows written by a worker. A second click finds the first one's job."""
    _screen, _target, run = own_import(record_type, import_id)
    if run.status == models.UPLOADED:
        run.status = models.QUEUED
        session.flush()
        enqueue(RUN_IMPORT, key=run.job_key, import_id=run.id)
        session.commit()
    return redirect(address(run, "run"), 303)


@pages.get("/<record_type>/<int:import_id>/run")
def running(record_type: str, import_id: int) -> Any:
    """The page that waits for the job."""
    screen, _target, run = own_import(record_type, import_id)
    job = _job(run)
    if run.status == models.UPLOADED:
        return redirect(address(run, "columns"), 303)
    if _ended(run, job):
        return redirect(address(run, "report"), 303)
    return render_template(
        "nova/import_run.html", **headings(screen), job=_progress(run, job), cancel_url=address(run, "stop")
    )


@pages.get("/<record_type>/<int:import_id>/progress")
def progress(record_type: str, import_id: int) -> Response:
    """The progress alone, for the waiting page; leads to the report at the end."""
    _screen, _target, run = own_import(record_type, import_id)
    job = _job(run)
    response = make_response(render_template("nova/_job_progress.html", job=_progress(run, job)))
    if _ended(run, job):
        response.headers["HX-Redirect"] = address(run, "report")
    return response


@pages.post("/<record_type>/<int:import_id>/stop")
def stop(record_type: str, import_id: int) -> BaseResponse:
    """Stop after the rows that are being written."""
    _screen, _target, run = own_import(record_type, import_id)
    job = _job(run)
    if not run.is_finished and job is not None:
        record = cancel(job.id)
        stopped = record.status == JOB_CANCELLED
        run.status = models.CANCELLED if stopped else models.CANCELLING
        run.finished_at = now() if stopped else None
        session.commit()
    return redirect(address(run, "run"), 303)


@pages.get("/<record_type>/<int:import_id>/report")
def report(record_type: str, import_id: int) -> Any:
    """Step 5: what became of the rows."""
    screen, _target, run = own_import(record_type, import_id)
    job = _job(run)
    if not _ended(run, job):
        return redirect(address(run, "run"), 303)
    error = run.reason
    state = {models.DONE: "done", models.CANCELLED: "cancelled"}.get(run.status, "failed")
    if not run.is_finished and job is not None:
        state = "cancelled" if job.status == JOB_CANCELLED else "failed"
        error = job.error or _("It ended with an error. What had been imported until then is kept.")
    leftovers = _leftovers(run)
    return render_template(
        "nova/import_report.html",
        **headings(screen),
        state=state,
        error=error,
        counts={
            "created": run.created_count,
            "updated": run.updated_count,
            "skipped": run.skipped_count,
            "doubled": run.doubled_count,
            "failed": run.failed_count,
        },
        undo_url=_undo_url(run),
        retry_url=_retry_url(run, job),
        failed=[
            {"number": row.number, "message": row.reason, "text": " · ".join(cell for cell in row.cells if cell)[:200]}
            for row in (read_leftovers(leftovers, FAILED_SHOWN) if leftovers else ())
        ],
        failed_url=address(run, "failed_rows") if leftovers else None,
        finished=run.finished_at,
        again_url=url_for("importing.upload", record_type=run.record_type),
    )


@pages.get("/<record_type>/<int:import_id>/failed-rows")
def failed_rows(record_type: str, import_id: int) -> BaseResponse:
    """The rows that were not written, as a CSV file that can be corrected and imported again."""
    _screen, _target, run = own_import(record_type, import_id)
    leftovers = _leftovers(run)
    if leftovers is None:
        raise Forbidden(f"{record_type}.import")
    name = f"failed-rows-{run.id}.csv"
    return send_file(leftovers, "text/csv; charset=utf-8", as_attachment=True, download_name=name, max_age=0)


def _job(run: ImportRun) -> JobRecord | None:
    return session.scalars(sa.select(JobRecord).where(JobRecord.key == run.job_key)).first()


def _ended(run: ImportRun, job: JobRecord | None) -> bool:
    if run.status == models.UPLOADED:
        return False
    return run.is_finished or job is None or job.status in (FAILED, JOB_CANCELLED)


def _undo_url(run: ImportRun) -> str | None:
    """Where everything that this import wrote can be taken back."""
    done = session.get(Operation, run.operation_id)
    # The size is counted at the end, which one whose processes were killed never came to.
    wrote = done is not None and (done.size or run.created_count or run.updated_count)
    return f"{request.script_root}/operations/{run.operation_id}/undo" if wrote else None


def _retry_url(run: ImportRun, job: JobRecord | None) -> str | None:
    """Where an import whose job has failed goes on after its last row; what has been undone does not go on."""
    done = session.get(Operation, run.operation_id)
    if job is None or job.status != FAILED or run.is_finished or (done is not None and done.state != RUNNING):
        return None
    return url_for("jobs.repeat", job_id=job.id)


def _progress(run: ImportRun, job: JobRecord | None) -> dict[str, Any]:
    state = "running" if run.status in (models.RUNNING, models.CANCELLING) else "queued"
    if run.status == models.DONE:
        state = "done"
    elif _ended(run, job):
        state = "failed"
    elif job is not None and job.status == PARKED:
        state = "parked"
    return {
        "id": run.id,
        "label": run.file_name,
        "state": state,
        "done": run.seen,
        "total": run.total,
        "message": _("Stopping…") if run.status == models.CANCELLING else "",
        "progress_url": address(run, "progress"),
        "error": "",
    }


def _leftovers(run: ImportRun) -> Any:
    """The file of failed rows, or None."""
    if not run.errors_path:
        return None
    path = uploads_folder() / run.errors_path
    return path if path.is_file() else None
