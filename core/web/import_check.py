"""Step 3 of the import wizard: what would happen, and cells put right in place.

A small file is tried while one waits; a large one by a job, whose findings are kept with the import.
"""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.jobs.models import CANCELLED, DONE, FAILED, JobRecord
from core.jobs.queue import enqueue
from core.parts import Screen
from core.records.transfer import models
from core.records.transfer.checking import CREATED, DOUBLED, SKIPPED, UPDATED
from core.records.transfer.checking import FAILED as ROW_FAILED
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table
from core.records.transfer.targets import Target
from core.records.transfer.trial import AT_ONCE, CHECK_IMPORT, Trial, tried
from core.records.transfer.uploads import table_of
from core.site.site import session
from core.web.import_access import address, own_import, pages, uploads_folder
from core.web.import_pages import columns_page, headings, read_cells

SHOWN = 50  # rows of the check that are listed
FIXED_AT_ONCE = 100  # bad cells that are offered for correction
MOST_CORRECTIONS = 2_000  # cells of one import
CELL_LENGTH = 5_000
STATES = {CREATED: "new", UPDATED: "update", SKIPPED: "skip", DOUBLED: "double", ROW_FAILED: "error"}


def is_large(table: Table) -> bool:
    """Whether the file is to be checked by a job."""
    return len(list(itertools.islice(table.rows(), AT_ONCE + 1))) > AT_ONCE


def ask_for_check(run: ImportRun, table: Table) -> None:
    """Forget what was found before; a large file is checked anew by a job. The caller commits."""
    run.checked = None
    run.check_number += 1
    session.flush()
    if is_large(table):
        enqueue(CHECK_IMPORT, key=run.check_key, import_id=run.id)


@pages.get("/<record_type>/<int:import_id>/check")
def check(record_type: str, import_id: int) -> Any:
    """What would happen. The rows are written and rolled back, so the answer is the true one."""
    screen, target, run = own_import(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    try:
        table = table_of(run, uploads_folder())
        if is_large(table):
            return _check_of_job(screen, run)
        return _check_now(screen, target, run, table)
    except TableUnreadable as error:
        return columns_page(screen, target, run, str(error)), 422


@pages.get("/<record_type>/<int:import_id>/check/progress")
def check_progress(record_type: str, import_id: int) -> Response:
    """How far the check of a large file is; shows its findings at the end."""
    _screen, _target, run = own_import(record_type, import_id)
    job = _job(run)
    answer = make_response(render_template("nova/_job_progress.html", job=_progress(run, job)))
    if job is None or job.status in (DONE, FAILED, CANCELLED):
        answer.headers["HX-Redirect"] = address(run, "check")
    return answer


@pages.post("/<record_type>/<int:import_id>/check")
def recheck(record_type: str, import_id: int) -> BaseResponse:
    """Keep the cells that were typed anew, and check again."""
    _screen, _target, run = own_import(record_type, import_id)
    if run.status == models.UPLOADED:
        fixes = dict(run.corrections)
        for name, text in request.form.items():
            _word, _dash, place = name.partition("fix-")
            row, _dash, column = place.partition("-")
            if not (row.isascii() and row.isdigit() and column.isascii() and column.isdigit()):
                continue
            if sum(map(len, fixes.values())) < MOST_CORRECTIONS and len(row) < 9 and len(column) < 4:
                fixes[str(int(row))] = {**fixes.get(str(int(row)), {}), str(int(column)): text[:CELL_LENGTH]}
        run.corrections = fixes
        try:
            ask_for_check(run, table_of(run, uploads_folder()))
        except TableUnreadable:
            session.rollback()
        session.commit()
    return redirect(address(run, "check"), 303)


def _check_now(screen: Screen, target: Target, run: ImportRun, table: Table) -> Any:
    mapping, urls = run.columns, _urls(run)
    trial, shown = Trial(), []
    labels = {column.name: str(column.label) for column in target.columns}
    for rows, outcomes in tried(session, table, target, run, trial):
        for row, outcome in zip(rows[:SHOWN], outcomes, strict=False):
            errors = [{"column": problem.title, "message": problem.reason} for problem in row.problems]
            if outcome.reason and not errors and outcome.kind != CREATED:
                errors = [{"column": "", "message": outcome.reason}]
            cells = read_cells(row, mapping)
            shown.append({"number": row.number, "state": STATES[outcome.kind], "errors": errors, "cells": cells})
    headers = [labels[name] for _position, name in sorted(mapping.items())]
    return _page(screen, urls, trial.told(0), rows=shown[:SHOWN], headers=headers, corrected=run.corrections)


def _check_of_job(screen: Screen, run: ImportRun) -> Any:
    found, job, urls = run.checked, _job(run), _urls(run)
    if found is not None and found.get("number") == run.check_number:
        if "error" in found:
            raise TableUnreadable(found["error"])
        return _page(screen, urls, found, rows=[], headers=[], corrected=run.corrections)
    failed = job is None or job.status in (FAILED, CANCELLED)
    return render_template(
        "nova/import_preview.html",
        **headings(screen),
        **urls,
        job=None if failed else _progress(run, job),
        failed=(job.error if job is not None else "") or _("The check did not come to its end."),
    )


def _page(screen: Screen, urls: dict[str, str], found: dict[str, Any], **shown: Any) -> str:
    counts = found["counts"]
    problems = [
        SimpleNamespace(row=row, place=place, title=title, typed=typed, reason=reason)
        for row, place, title, typed, reason in found["problems"]
    ]
    return render_template(
        "nova/import_preview.html",
        **headings(screen),
        **urls,
        # Of a dict, a template would take the method for the count called "update".
        counts=SimpleNamespace(**{state: counts.get(kind, 0) for kind, state in STATES.items()}),
        checked=found["seen"],
        problems=problems[:FIXED_AT_ONCE],
        more=counts.get(ROW_FAILED, 0) - len({problem.row for problem in problems[:FIXED_AT_ONCE]}),
        job=None,
        **shown,
    )


def _urls(run: ImportRun) -> dict[str, str]:
    return {
        "run_url": address(run, "run"),
        "back_url": address(run, "columns"),
        "fix_url": address(run, "recheck"),
    }


def _job(run: ImportRun) -> JobRecord | None:
    return session.scalars(sa.select(JobRecord).where(JobRecord.key == run.check_key)).first()


def _progress(run: ImportRun, job: JobRecord | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "label": _("Checking %(file)s", file=run.file_name),
        "state": job.status if job is not None else FAILED,
        "done": job.progress_done if job is not None else 0,
        "total": job.progress_total if job is not None else None,
        "message": "",
        "progress_url": address(run, "check_progress"),
    }
