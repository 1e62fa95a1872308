"""Operations: everybody's for those who may see them, one's own for everyone; what each did, and undoing it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from core.accounts.actor import acting
from core.admin.ids import read_id
from core.errors import Blocked
from core.jobs.models import LIVE, JobRecord
from core.parts import ADMINISTRATOR, Permission
from core.records.catalog import current_catalog
from core.records.operations.models import (
    FINAL,
    KINDS,
    RUNNING,
    STATES,
    UNDONE,
    Operation,
)
from core.records.operations.preview import preview
from core.records.operations.running import state_now
from core.records.operations.undoing import undo as take_back
from core.site.formats import format_number
from core.site.site import session
from core.web.job_rows import job_rows
from core.web.operation_records import changed_records, problem_records

SEE = "core.operations.see"
UNDO_OTHERS = "core.operations.undo"
PERMISSIONS = (
    Permission(SEE, _l("See everybody's operations"), roles=(ADMINISTRATOR,)),
    Permission(UNDO_OTHERS, _l("Undo everybody's operations"), roles=(ADMINISTRATOR,)),
)
PER_PAGE = 50
LAST_PAGE = 400  # nobody pages further back, and an offset is not free

operations = Blueprint("operations", __name__)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation as a page shows it."""

    id: str
    what: str
    label: str
    icon: str
    records: str
    actor: str
    started: Any
    finished: Any
    size: int
    total: int | None
    skipped: int
    state: str
    state_label: Any
    color: str
    url: str
    undo_url: str | None


@operations.before_request
def signed_in_only() -> None:
    """Hide the pages from whoever is not signed in."""
    if acting().user_id is None:
        abort(404)


@operations.get("/admin/operations")
def everyone() -> str:
    """All operations, for those who may see them."""
    if not acting().may(SEE):
        abort(404)
    return _listing("operations.everyone", sa.true())


@operations.get("/operations")
def mine() -> str:
    """The operations of the person who looks."""
    return _listing("operations.mine", Operation.actor_id == acting().user_id)


@operations.get("/operations/<op_id>")
def one(op_id: str) -> str:
    """What one operation did."""
    op = _visible(op_id)
    job = session.get(JobRecord, op.job_id) if op.job_id is not None else None
    live = job is not None and job.status in LIVE
    before = read_id(request.args.get("before", ""))
    records, older = changed_records(op, before)
    problems, more_problems = problem_records(op, read_id(request.args.get("after", "")))
    row = _rows([op])[0]
    return render_template(
        "nova/operation.html",
        title=row.what,
        op=row,
        job=job_rows([job])[0] if job is not None and live else None,
        failed=job_rows([job])[0] if job is not None and job.error and not live else None,
        records=records,
        older_url=url_for("operations.one", op_id=op.id, before=older) if older else None,
        problems=problems,
        more_problems_url=url_for("operations.one", op_id=op.id, after=more_problems) if more_problems else None,
        parent=_rows([parent])[0] if (parent := _other(op.undo_of)) is not None else None,
        undone_by=_rows([other])[0] if (other := _other(op.undone_by)) is not None else None,
        list_url=_list_url(),
        back=_own_page(op.plan.get("back")),
    )


@operations.get("/operations/<op_id>/progress")
def progress(op_id: str) -> Any:
    """The progress of a running operation; once it has ended, the page is asked to load again."""
    op = _visible(op_id)
    job = session.get(JobRecord, op.job_id) if op.job_id is not None else None
    if job is None or job.status not in LIVE:
        return "", 200, {"HX-Refresh": "true"}
    return render_template("nova/_operation_progress.html", op=_rows([op])[0], job=job_rows([job])[0])


@operations.get("/operations/<op_id>/undo")
def ask(op_id: str) -> str:
    """What undoing would do, and the question whether to."""
    op = _undoable(op_id)
    return render_template(
        "nova/operation_undo.html",
        title=_("Undo"),
        op=_rows([op])[0],
        preview=preview(session, op),
        list_url=_list_url(),
    )


@operations.post("/operations/<op_id>/undo")
def undo(op_id: str) -> Response:
    """Undo it, at once or by a job."""
    op = _undoable(op_id)
    if set(request.form) - {"csrf_token", "also", "seen"}:
        abort(400)
    also = request.form.get("also") == "1"
    try:
        back = take_back(session, op, also=also, seen=read_id(request.form.get("seen", "")) or 0)
        session.commit()
    except Blocked as error:
        session.rollback()
        flash(str(error), "danger")
        return redirect(url_for("operations.one", op_id=op_id), 303)
    if back.state == RUNNING or back.skipped:
        return redirect(url_for("operations.one", op_id=back.id), 303)
    text = ngettext("%(count)s record is as before.", "%(count)s records are as before.", back.size,
                    count=format_number(back.size))  # fmt: skip
    flash(text, f"undo {url_for('operations.undo', op_id=back.id)}")
    came_from = urlsplit(request.referrer or "").path
    detail = url_for("operations.one", op_id=op_id)
    if came_from.startswith(detail):
        return redirect(detail, 303)
    return redirect(_own_page(request.referrer and _relative(request.referrer)) or detail, 303)


def _relative(address: str) -> str:
    parts = urlsplit(address)
    same = parts.netloc in ("", request.host)
    return (f"{parts.path}?{parts.query}" if parts.query else parts.path) if same else ""


def _own_page(address: Any) -> str | None:
    """An address of this very site, or None."""
    return address if isinstance(address, str) and re.match(r"/(?![/\\])", address) else None


def _visible(op_id: str) -> Operation:
    actor = acting()
    op = session.get(Operation, op_id) if re.fullmatch("[0-9a-f]{32}", op_id) else None
    if op is None or not (op.actor_id == actor.user_id or actor.may(SEE)):
        abort(404)
    return op


def _undoable(op_id: str) -> Operation:
    op = _visible(op_id)
    if not _may_undo(op):
        abort(404)
    return op


def _may_undo(op: Operation) -> bool:
    actor = acting()
    return op.actor_id == actor.user_id or actor.may(UNDO_OTHERS)


def _other(op_id: str | None) -> Operation | None:
    op = session.get(Operation, op_id) if op_id is not None else None
    actor = acting()
    return op if op is not None and (op.actor_id == actor.user_id or actor.may(SEE)) else None


def _list_url() -> str:
    return url_for("operations.everyone" if acting().may(SEE) else "operations.mine")


def _listing(endpoint: str, whose: Any) -> str:
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    if (state and state not in STATES) or (kind and kind not in KINDS):
        abort(400)
    page = min(read_id(request.args.get("page", "")) or 1, LAST_PAGE)
    statement = sa.select(Operation).where(whose)
    if state:
        statement = statement.where(Operation.state == state)
    if kind:
        statement = statement.where(Operation.kind == kind)
    statement = statement.order_by(Operation.started_at.desc(), Operation.id.desc())
    found = session.scalars(statement.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).all()

    def url(number: int) -> str:
        return url_for(endpoint, state=state or None, kind=kind or None, page=number if number > 1 else None)

    return render_template(
        "nova/operations.html",
        title=_("Operations") if endpoint == "operations.everyone" else _("My operations"),
        rows=_rows(found[:PER_PAGE]),
        here=url_for(endpoint),
        states=[("", _("Every state")), *((name, label) for name, (label, _color) in STATES.items())],
        kinds=[("", _("Everything")), *((name, label) for name, (label, _icon) in KINDS.items())],
        state=state,
        kind=kind,
        other_url=_other_list(endpoint),
        page_url_newer=url(page - 1) if page > 1 else None,
        page_url_older=url(page + 1) if len(found) > PER_PAGE and page < LAST_PAGE else None,
    )


def _other_list(endpoint: str) -> tuple[str, str] | None:
    if endpoint == "operations.everyone":
        return url_for("operations.mine"), _("My operations")
    return (url_for("operations.everyone"), _("Everybody's operations")) if acting().may(SEE) else None


def _rows(found: Any) -> list[Row]:
    """Operations as pages show them; one query for the jobs of those that run."""
    found = list(found)
    running = [op.job_id for op in found if op.state == RUNNING and op.job_id]
    jobs: Mapping[str, JobRecord] = {}
    if running:
        jobs = {job.id: job for job in session.scalars(sa.select(JobRecord).where(JobRecord.id.in_(running)))}
    return [_row(op, state_now(op, jobs.get(op.job_id or ""))) for op in found]


def _row(op: Operation, state: str) -> Row:
    what, icon = KINDS.get(op.kind, (op.kind, "bolt"))
    state_label, color = STATES.get(state, (state, "gray"))
    records = str(current_catalog().find(op.record_type).plural) if op.record_type in current_catalog() else ""
    can = state not in (RUNNING, UNDONE) and op.kind not in FINAL and _may_undo(op)
    return Row(
        id=op.id,
        what=str(what),
        label=op.label,
        icon=icon,
        records=records,
        actor=op.actor_name,
        started=op.started_at,
        finished=op.finished_at,
        size=op.size,
        total=op.total,
        skipped=op.skipped,
        state=state,
        state_label=state_label,
        color=color,
        url=url_for("operations.one", op_id=op.id),
        undo_url=url_for("operations.ask", op_id=op.id) if can else None,
    )
