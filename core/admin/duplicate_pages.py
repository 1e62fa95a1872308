"""Likely duplicates: of one record, or the pairs that a search among all of them found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Response, abort, flash, redirect, request
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.accounts.models import now
from core.admin.formatters import record_url
from core.admin.ids import not_found, read_id
from core.jobs.models import CANCELLED, DONE, FAILED, LIVE, JobRecord
from core.jobs.queue import MANAGE, cancel, enqueue
from core.records.duplicates.candidates import like_record
from core.records.duplicates.models import DuplicatePair
from core.records.duplicates.rules import bound_rules
from core.records.duplicates.searching import FIND_JOB
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

PER_PAGE = 25
LAST_PAGE = 400
RECENT = 20  # jobs looked through for the last search
_OPTIONAL = ("record", "job", "stop_url", "ended", "searched_at", "page_url_newer", "page_url_older")


def duplicates_page(view: RecordView) -> Any:
    """The pairs of a screen, the surest first; with ``?id=`` the candidates for one record."""
    require_merging(view)
    if "id" in request.args:
        return _of_one(view, view.record_or_404(request.args["id"]))
    page = min(read_id(request.args.get("page", "")) or 1, LAST_PAGE)
    statement = (
        sa.select(DuplicatePair)
        .where(DuplicatePair.record_type == view.screen.name, DuplicatePair.dismissed_at.is_(None))
        .order_by(DuplicatePair.score.desc(), DuplicatePair.id)
        .offset((page - 1) * PER_PAGE)
        .limit(PER_PAGE + 1)
    )
    pairs = view.session.scalars(statement).all()
    search = _last_search(view)
    return _page(
        view,
        pairs=_shown(view, pairs[:PER_PAGE]),
        job=_shown_job(view, search) if search is not None and search.status in LIVE else None,
        stop_url=view.get_url(".stop_duplicates_view") if _may_stop(search) else None,
        ended=search.status if search is not None and search.status in (FAILED, CANCELLED) else None,
        searched_at=_searched_at(view),
        page_url_newer=_here(view, page - 1) if page > 1 else None,
        page_url_older=_here(view, page + 1) if len(pairs) > PER_PAGE and page < LAST_PAGE else None,
    )


def search_duplicates(view: RecordView) -> Any:
    """Have all records compared by a job, unless that is going on."""
    require_merging(view)
    search = _last_search(view)
    if search is None or search.status not in LIVE:
        enqueue(FIND_JOB, record_type=view.screen.name)
        view.session.commit()
    return redirect(_here(view, 1))


def search_progress(view: RecordView) -> Any:
    """How far the search is, for the page that waits; once it has ended, the page is asked to load again."""
    require_merging(view)
    search = _last_search(view)
    if search is None or search.status not in LIVE:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return view.render("nova/_job_progress.html", job=_shown_job(view, search))


def stop_search(view: RecordView) -> Any:
    """End the search that waits or runs; the pairs of the one before stay."""
    require_merging(view)
    search = _last_search(view)
    if search is None or search.status not in LIVE:
        return redirect(_here(view, 1))
    ended = cancel(search.id).status == CANCELLED
    view.session.commit()
    flash(_("The job was cancelled.") if ended else _("The job stops as soon as it can."), "success")
    return redirect(_here(view, 1))


def dismiss_pair(view: RecordView) -> Any:
    """Remember that two records are not the same."""
    require_merging(view)
    if set(request.form) - {"csrf_token", "first", "second", "url"}:
        abort(400)
    first, second = sorted(view.record_or_404(request.form.get(name, "")).id for name in ("first", "second"))
    if first == second:
        abort(400)
    session, name = view.session, view.screen.name
    pair = session.scalars(
        sa.select(DuplicatePair).filter_by(record_type=name, first_id=first, second_id=second)
    ).one_or_none()
    if pair is None:
        pair = DuplicatePair(record_type=name, first_id=first, second_id=second, score=0, rules=[])
        session.add(pair)
    pair.dismissed_at, pair.dismissed_by_id = now(), acting().user_id
    session.commit()
    flash(_("These two are not shown together again."), "success")
    about = request.form.get("url", "")
    return redirect(_here(view, 1, about if read_id(about) else None))


def require_merging(view: RecordView) -> None:
    """Answer 404 unless the actor may merge records of this screen."""
    if not may_merge(view):
        not_found()


def may_merge(view: RecordView) -> bool:
    """Whether the actor may merge records of this screen at all; each record is asked about again.

    Whoever may not see or change every field cannot choose between two values of it.
    """
    if acting().fixed(view.screen.name):
        return False
    return may(view.screen.permission("edit")) and may(view.screen.permission("delete"))


def _of_one(view: RecordView, record: Any) -> Any:
    dismissed = _dismissed(view, record.id)
    pairs = [
        {"first": _side(record), "second": _side(one.record), "score": one.score, "reasons": one.reasons}
        for one in like_record(view.session, view.screen, record)
        if one.record.id not in dismissed
    ]
    return _page(view, pairs=pairs, record=record)


def _dismissed(view: RecordView, number: int) -> set[int]:
    pairs = view.session.execute(
        sa.select(DuplicatePair.first_id, DuplicatePair.second_id).where(
            DuplicatePair.record_type == view.screen.name,
            DuplicatePair.dismissed_at.is_not(None),
            sa.or_(DuplicatePair.first_id == number, DuplicatePair.second_id == number),
        )
    )
    return {other for pair in pairs for other in pair if other != number}


def _shown(view: RecordView, pairs: Any) -> list[dict[str, Any]]:
    """The pairs of which the actor may see both records; what was merged or deleted since is left out."""
    ids = {number for pair in pairs for number in (pair.first_id, pair.second_id)}
    found = view.session.scalars(sa.select(view.model).where(view.model.id.in_(ids))).unique() if ids else ()
    records = {record.id: record for record in found}
    rules = {rule.rule.field: rule for rule in bound_rules(view.screen)}
    shown = []
    for pair in pairs:
        first, second = records.get(pair.first_id), records.get(pair.second_id)
        if first is None or second is None:
            continue
        reasons = []
        for name in pair.rules:
            rule = rules.get(name)
            both = [value for value in rule.held(first) if value in rule.held(second)] if rule is not None else []
            if rule is not None and both:
                reasons.append(rule.reason(both[0]))
        if reasons:  # otherwise one of them was changed since
            shown.append({"first": _side(first), "second": _side(second), "score": pair.score, "reasons": reasons})
    return shown


def _side(record: Any) -> dict[str, Any]:
    return {"id": record.id, "label": str(record), "url": record_url(record), "created_at": record.created_at}


def _page(view: RecordView, **context: Any) -> Any:
    record = context.get("record")
    return view.render(
        "nova/duplicates.html",
        title=_("Likely duplicates"),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        record_url=record_url(record) if record is not None else None,
        merge_url=view.get_url(".merge_view"),
        dismiss_url=view.get_url(".dismiss_view"),
        find_url=view.get_url(".search_duplicates_view"),
        **(dict.fromkeys(_OPTIONAL) | context),
    )


def _last_search(view: RecordView, *states: str) -> JobRecord | None:
    """The last search among records of this type, in one of ``states`` if any are given."""
    recent = sa.select(JobRecord).where(JobRecord.name == FIND_JOB).order_by(JobRecord.created_at.desc()).limit(RECENT)
    if states:
        recent = recent.where(JobRecord.status.in_(states))
    name = view.screen.name
    return next((job for job in view.session.scalars(recent) if job.arguments.get("record_type") == name), None)


def _searched_at(view: RecordView) -> dt.datetime | None:
    """When the pairs that are shown were found."""
    done = _last_search(view, DONE)
    return done.finished_at if done is not None else None


def _may_stop(search: JobRecord | None) -> bool:
    mine = search is not None and search.actor_id == acting().user_id
    return search is not None and search.status in LIVE and (mine or acting().may(MANAGE))


def _shown_job(view: RecordView, job: JobRecord) -> dict[str, Any]:
    """A waiting or running search as ``nova/_job_progress.html`` shows it."""
    said = view.site.runtime.queue.progress([(job.id, job.attempts)]).get(job.id, {})
    total = said.get("total") or job.progress_total
    return {
        "id": job.id,
        "label": _("All records are being compared"),
        "state": job.status,
        "done": int(said.get("done") or job.progress_done),
        "total": int(total) if total else None,
        "message": _("Stopping…") if job.cancel_requested else "",
        "progress_url": view.get_url(".duplicates_progress_view"),
    }


def _here(view: RecordView, page: int, about: str | None = None) -> str:
    return str(view.get_url(".duplicates_view", page=page if page > 1 else None, id=about))
