"""The import wizard: file, columns, check, run, report.

    /import/<record type>          choose a file
    /import/<record type>/<id>/…   columns, check, run, report of one import: its owner's and the administrators' only
"""

from __future__ import annotations

import itertools
from collections import Counter
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, make_response, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.accounts.models import now
from core.errors import Forbidden
from core.jobs.models import CANCELLED as JOB_CANCELLED
from core.jobs.models import FAILED, PARKED, JobRecord
from core.jobs.queue import cancel, enqueue
from core.parts import ADMINISTRATOR, Screen
from core.records.policy import require
from core.records.transfer import models
from core.records.transfer.checking import CREATED, DOUBLED, SKIPPED, UPDATED
from core.records.transfer.checking import FAILED as ROW_FAILED
from core.records.transfer.leftovers import read_leftovers
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.mapping import clean_mapping, doubled, missing
from core.records.transfer.models import ImportRun
from core.records.transfer.running import RUN_IMPORT, checker_of, rehearse, writer_of
from core.records.transfer.targets import Target, target_of
from core.records.transfer.uploads import forget_abandoned, table_of, take_in
from core.site.site import current_site, session
from core.web.import_pages import address, chosen_options, columns_page, headings, read_cells, upload_page

SHOWN = 50  # rows of the check that are listed
REHEARSED = 1_000  # rows of the check that are counted
FAILED_SHOWN = 20
STATES = {CREATED: "new", UPDATED: "update", SKIPPED: "skip", DOUBLED: "skip", ROW_FAILED: "error"}
pages = Blueprint("importing", __name__, url_prefix="/import")


@pages.get("/<record_type>")
def upload(record_type: str) -> str:
    """Step 1: choose a file."""
    screen, target = _importable(record_type)
    return upload_page(screen, target)


@pages.post("/<record_type>")
def take_upload(record_type: str) -> Any:
    """Keep the file and go on to its columns."""
    screen, target = _importable(record_type)
    file = request.files.get("file")
    if file is None or not file.filename:
        return upload_page(screen, target, _("Choose a file first.")), 422
    uploads = current_site().runtime.config.uploads
    try:
        run = take_in(session, uploads, record_type, target, file.filename, file.save)
    except TableUnreadable as error:
        session.rollback()
        return upload_page(screen, target, str(error)), 422
    finally:
        file.close()
    forget_abandoned(session, uploads)
    session.commit()
    return redirect(address(run, "columns"), 303)


@pages.get("/<record_type>/<int:import_id>/columns")
def columns(record_type: str, import_id: int) -> Any:
    """Step 2: which column becomes what."""
    screen, target, run = _own(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    return columns_page(screen, target, run)


@pages.post("/<record_type>/<int:import_id>/columns")
def choose_columns(record_type: str, import_id: int) -> Any:
    """Keep the choice and go on to the check."""
    screen, target, run = _own(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    run.options = {**run.options, **chosen_options()}
    try:
        table = table_of(run, _uploads())
    except TableUnreadable as error:
        session.rollback()
        return columns_page(screen, target, run, str(error)), 422
    chosen = {
        key.removeprefix("column-"): name for key, name in request.form.items() if key.startswith("column-") and name
    }
    mapping = clean_mapping(chosen, len(table.header), target)
    run.mapping = {str(position): name for position, name in mapping.items()}
    labels = {column.name: str(column.label) for column in target.columns}
    refusal = ""
    if not mapping:
        refusal = _("Choose what at least one column becomes.")
    elif twice := doubled(mapping):
        refusal = _("Two columns cannot both become “%(label)s”.", label=labels[twice[0]])
    elif absent := missing(mapping, target):
        refusal = _("Choose the column that becomes “%(label)s”.", label=labels[absent[0]])
    if refusal:
        page = columns_page(screen, target, run, refusal)
        session.rollback()
        return page, 422
    session.commit()
    return redirect(address(run, "check"), 303)


@pages.get("/<record_type>/<int:import_id>/check")
def check(record_type: str, import_id: int) -> Any:
    """Step 3: what would happen. The first rows are written and rolled back, so the answer is the true one."""
    screen, target, run = _own(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    mapping, back = run.columns, address(run, "columns")
    run_url = address(run, "run")
    try:
        table = table_of(run, _uploads())
        checked = checker_of(table, target, run).check(list(itertools.islice(table.rows(), REHEARSED + 1)))
    except TableUnreadable as error:
        return columns_page(screen, target, run, str(error)), 422
    rows = checked[:REHEARSED]
    writer = writer_of(session, target, run)
    outcomes = rehearse(session, rows, writer) if rows else []
    counts = Counter(STATES[outcome.kind] for outcome in outcomes)
    labels = {column.name: str(column.label) for column in target.columns}
    shown = []
    for row, outcome in zip(rows[:SHOWN], outcomes, strict=False):
        errors = [{"column": problem.title, "message": problem.reason} for problem in row.problems]
        if outcome.reason and not errors and outcome.kind != CREATED:
            errors = [{"column": "", "message": outcome.reason}]
        cells = read_cells(row, mapping)
        shown.append({"number": row.number, "state": STATES[outcome.kind], "errors": errors, "cells": cells})
    return render_template(
        "nova/import_preview.html",
        **headings(screen),
        run_url=run_url,
        back_url=back,
        # Of a dict, a template would take the method for the count called "update".
        counts=SimpleNamespace(**{state: counts[state] for state in STATES.values()}),
        complete=len(checked) <= REHEARSED,
        checked=len(rows),
        headers=[labels[name] for _position, name in sorted(mapping.items())],
        rows=shown,
        errors_url=None,
        job=None,
    )


@pages.post("/<record_type>/<int:import_id>/run")
def start(record_type: str, import_id: int) -> BaseResponse:
    """Step 4: have the rows written by a worker. A second click finds the first one's job."""
    _screen, _target, run = _own(record_type, import_id)
    if run.status == models.UPLOADED:
        run.status = models.QUEUED
        session.flush()
        enqueue(RUN_IMPORT, key=run.job_key, import_id=run.id)
        session.commit()
    return redirect(address(run, "run"), 303)


@pages.get("/<record_type>/<int:import_id>/run")
def running(record_type: str, import_id: int) -> Any:
    """The page that waits for the job."""
    screen, _target, run = _own(record_type, import_id)
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
    _screen, _target, run = _own(record_type, import_id)
    job = _job(run)
    response = make_response(render_template("nova/_job_progress.html", job=_progress(run, job)))
    if _ended(run, job):
        response.headers["HX-Redirect"] = address(run, "report")
    return response


@pages.post("/<record_type>/<int:import_id>/stop")
def stop(record_type: str, import_id: int) -> BaseResponse:
    """Stop after the rows that are being written."""
    _screen, _target, run = _own(record_type, import_id)
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
    screen, _target, run = _own(record_type, import_id)
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
            "failed": run.failed_count,
        },
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
    _screen, _target, run = _own(record_type, import_id)
    leftovers = _leftovers(run)
    if leftovers is None:
        raise Forbidden(f"{record_type}.import")
    name = f"failed-rows-{run.id}.csv"
    return send_file(leftovers, "text/csv; charset=utf-8", as_attachment=True, download_name=name, max_age=0)


def _importable(record_type: str) -> tuple[Screen, Target]:
    """The screen of a record type that the person who asks may import."""
    permission = f"{record_type}.import"
    screen = current_site().screens.get(record_type)
    if screen is None:
        raise Forbidden(permission)
    require(permission)
    return screen, target_of(screen, current_site().catalog.find(record_type))


def _own(record_type: str, import_id: int) -> tuple[Screen, Target, ImportRun]:
    """An import that the person who asks may see: one's own, or anybody's for administrators."""
    screen, target = _importable(record_type)
    run = session.get(ImportRun, import_id) if import_id < 2**31 else None
    actor = acting()
    if run is None or run.record_type != record_type:
        raise Forbidden(f"{record_type}.import")
    if run.actor_id != actor.user_id and ADMINISTRATOR not in actor.roles and not actor.system:
        raise Forbidden(f"{record_type}.import")
    return screen, target, run


def _uploads() -> Any:
    return current_site().runtime.config.uploads


def _job(run: ImportRun) -> JobRecord | None:
    return session.scalars(sa.select(JobRecord).where(JobRecord.key == run.job_key)).first()


def _ended(run: ImportRun, job: JobRecord | None) -> bool:
    if run.status == models.UPLOADED:
        return False
    return run.is_finished or job is None or job.status in (FAILED, JOB_CANCELLED)


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
    path = _uploads() / run.errors_path
    return path if path.is_file() else None
