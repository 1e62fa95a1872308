"""The jobs page: everybody's own work under `/jobs`, all work for administrators under `/admin/jobs`.

A row asks for itself again while its job waits or runs, and its answer then comes without that wish.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.errors import Blocked
from core.jobs.models import CANCELLED, DONE, FAILED, LIVE, PARKED, QUEUED, RUNNING, JobRecord
from core.jobs.queue import MANAGE, cancel, retry
from core.parts import ADMINISTRATOR, Label, Permission
from core.site.formats import format_number
from core.web.job_rows import ScheduleRow, job_rows, schedule_rows

SEE = "core.jobs.see"
PERMISSIONS = (
    Permission(SEE, _l("See everybody's jobs"), roles=(ADMINISTRATOR,)),
    Permission(MANAGE, _l("Cancel and repeat everybody's jobs"), roles=(ADMINISTRATOR,)),
)

PER_PAGE = 25
LAST_PAGE = 400  # nobody pages further back than ten thousand jobs, and an offset is not free
MOST_COUNTED = 1000  # a tab says "1000" for more, so that counting stays cheap

TABS: tuple[tuple[str, Label, tuple[str, ...]], ...] = (
    ("all", _l("All"), ()),
    ("queued", _l("Waiting"), (QUEUED,)),
    ("running", _l("Running"), (RUNNING,)),
    ("parked", _l("Waiting for their module"), (PARKED,)),
    ("failed", _l("Failed"), (FAILED,)),
    ("done", _l("Done"), (DONE,)),
    ("cancelled", _l("Cancelled"), (CANCELLED,)),
)

jobs = Blueprint("jobs", __name__)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A filter of the list by state."""

    label: Label
    count: int
    url: str
    active: bool


@jobs.before_request
def signed_in_only() -> None:
    """Hide the pages from whoever is not signed in."""
    if acting().user_id is None:
        abort(404)


@jobs.get("/admin/jobs")
def everyone() -> str:
    """All jobs, for those who may see them."""
    if not acting().may(SEE):
        abort(404)
    return _listing("jobs.everyone", sa.true(), schedules=schedule_rows())


@jobs.get("/jobs")
def mine() -> str:
    """The jobs of the person who looks."""
    return _listing("jobs.mine", JobRecord.actor_id == acting().user_id)


@jobs.get("/jobs/<job_id>/row")
def row(job_id: str) -> str:
    """One row of the list, for its own refreshing."""
    return render_template("nova/_job_row.html", job=job_rows([_visible(job_id)])[0])


@jobs.get("/jobs/<job_id>/progress")
def progress(job_id: str) -> str:
    """The progress of one job, for pages that wait for it."""
    compact = "compact" in request.args
    return render_template("nova/_job_progress.html", job=job_rows([_visible(job_id)])[0], compact=compact)


@jobs.post("/jobs/<job_id>/cancel")
def stop(job_id: str) -> BaseResponse:
    """End a waiting job, or ask a running one to stop."""
    _visible(job_id)
    record = cancel(job_id)
    _session().commit()
    ended = record.status == CANCELLED
    flash(_("The job was cancelled.") if ended else _("The job stops as soon as it can."), "success")
    return _back()


@jobs.post("/jobs/<job_id>/retry")
def repeat(job_id: str) -> BaseResponse:
    """Run a job again that failed or was cancelled."""
    _visible(job_id)
    try:
        retry(job_id)
    except Blocked as error:
        _session().rollback()
        flash(str(error), "danger")
        return _back()
    _session().commit()
    flash(_("The job runs again."), "success")
    return _back()


@jobs.get("/admin/jobs/tray")
def tray() -> Response:
    """How many jobs of the person who looks are waiting or running, as a link for the top bar; nothing when none is."""
    live = sa.select(JobRecord.id).where(JobRecord.actor_id == acting().user_id, JobRecord.status.in_(LIVE))
    count = _session().scalar(sa.select(_count(live)))
    if not count:
        return Response("")
    text = ngettext("%(count)s job is running", "%(count)s jobs are running", count, count=format_number(count))
    return Response(Markup('<a class="tag tag-blue" href="{}">{}</a>').format(url_for("jobs.mine"), text))


def _site() -> Any:
    return current_app.extensions["peyvand"]


def _session() -> Any:
    return _site().runtime.database.session


def _back() -> BaseResponse:
    """To the list that the button stood on; never to another site."""
    came_from = urlsplit(request.referrer or "").path
    everybody = came_from == url_for("jobs.everyone") and acting().may(SEE)
    return redirect(url_for("jobs.everyone" if everybody else "jobs.mine"), 303)


def _visible(job_id: str) -> JobRecord:
    actor = acting()
    record = _session().get(JobRecord, job_id) if re.fullmatch("[0-9a-f]{32}", job_id) else None
    if record is None or not (record.actor_id == actor.user_id or actor.may(SEE)):
        abort(404)
    found: JobRecord = record
    return found


def _listing(endpoint: str, whose: Any, schedules: list[ScheduleRow] | None = None) -> str:
    chosen = request.args.get("status", "all")
    page = _page()
    tabs = {name: (label, states) for name, label, states in TABS}
    if chosen not in tabs:
        abort(400)
    wanted = [whose, JobRecord.status.in_(tabs[chosen][1])] if tabs[chosen][1] else [whose]
    newest = sa.select(JobRecord).where(*wanted).order_by(JobRecord.created_at.desc(), JobRecord.id)
    # One more than shown tells whether there is another page.
    records = _session().scalars(newest.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).all()

    def url(number: int) -> str:
        return url_for(endpoint, status=_named(chosen), page=number if number > 1 else None)

    return render_template(
        "nova/jobs.html",
        tabs=_tabs(endpoint, whose, chosen),
        jobs=job_rows(records[:PER_PAGE]),
        page_url_newer=url(page - 1) if page > 1 else None,
        page_url_older=url(page + 1) if len(records) > PER_PAGE and page < LAST_PAGE else None,
        schedules=schedules,
        delayed=None
        if _site().runtime.queue.answers()
        else _("The queue cannot be reached at the moment; jobs start as soon as it is back."),
    )


def _tabs(endpoint: str, whose: Any, chosen: str) -> list[Tab]:
    counts = [
        _count(sa.select(JobRecord.id).where(whose, *([JobRecord.status.in_(states)] if states else [])))
        for _name, _label, states in TABS
    ]
    # All counts in one query.
    counted = _session().execute(sa.select(*(count.label(f"n{at}") for at, count in enumerate(counts)))).one()
    return [
        Tab(label=label, count=count, url=url_for(endpoint, status=_named(name)), active=name == chosen)
        for (name, label, _states), count in zip(TABS, counted, strict=True)
    ]


def _named(status: str) -> str | None:
    """The status as it stands in an address: everything is not named."""
    return None if status == "all" else status


def _page() -> int:
    text = request.args.get("page", "1")
    # int() also reads Persian digits, which is what somebody may type.
    number = int(text) if len(text) < 10 and text.isdecimal() else 0
    if not 1 <= number <= LAST_PAGE:
        abort(400)
    return number


def _count(rows: sa.Select[Any]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(rows.limit(MOST_COUNTED).subquery()).scalar_subquery()
