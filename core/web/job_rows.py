"""Jobs and schedules as the jobs page shows them: in words, with only those buttons that would work."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.accounts.actor import acting
from core.accounts.models import User
from core.jobs import models
from core.jobs.models import CANCELLED, FAILED, PARKED, QUEUED, RUNNING, JobRecord, ScheduleRecord
from core.jobs.queue import MANAGE
from core.jobs.schedule import schedule_name
from core.parts import Label
from core.site.formats import format_number

EXPLANATIONS = {
    models.RAISED: _l("It ended with an error."),
    models.REFUSED: _l("It was refused."),
    models.TIMED_OUT: _l("It took longer than it may."),
    models.INTERRUPTED: _l("The worker was interrupted before the job had ended."),
    models.ACTOR_GONE: _l("Whoever started it may no longer sign in."),
}


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """One job as `nova/_job_row.html` and `nova/_job_progress.html` show it."""

    id: str
    label: Label
    state: str
    done: int
    total: int | None
    message: str
    created: dt.datetime
    finished: dt.datetime | None
    actor: str
    error: str
    attempts: int
    row_url: str
    progress_url: str
    cancel_url: str | None
    retry_url: str | None
    result_url: str | None
    result_label: str | None


@dataclass(frozen=True, kw_only=True)
class ScheduleRow:
    """One scheduled job as the page shows it."""

    label: Label
    every: str
    last: dt.datetime | None
    next: dt.datetime | None


def _site() -> Any:
    return current_app.extensions["peyvand"]


def _session() -> Any:
    return _site().runtime.database.session


def job_rows(records: Iterable[JobRecord]) -> list[JobRow]:
    """Jobs as the person who looks may see and change them; one query and one look into Redis for all of them."""
    records = list(records)
    said = _site().runtime.queue.progress([(each.id, each.attempts) for each in records if each.status == RUNNING])
    people = {each.actor_id for each in records if each.actor_id is not None}
    names: dict[int, str] = {}
    if people:
        found = _session().execute(sa.select(User.id, User.name, User.email).where(User.id.in_(people)))
        names = {each.id: each.name or each.email for each in found}
    return [_row(record, said.get(record.id, {}), names) for record in records]


def _row(record: JobRecord, said: dict[str, str], names: dict[int, str]) -> JobRow:
    actor = acting()
    job = _site().jobs.get(record.name)
    may_act = record.actor_id == actor.user_id or actor.may(MANAGE)
    can_retry = may_act and record.status in (FAILED, CANCELLED) and job is not None
    can_cancel = may_act and record.status in (QUEUED, RUNNING, PARKED) and not record.cancel_requested
    live_total = said.get("total", "")
    result = record.result if isinstance(record.result, dict) else {}
    link = result.get("url")
    return JobRow(
        id=record.id,
        label=job.label if job is not None else record.name,
        state=record.status,
        done=int(said["done"]) if "done" in said else record.progress_done,
        total=int(live_total) if live_total else record.progress_total,
        message=_message(record, said),
        created=record.created_at,
        finished=record.finished_at,
        actor=names.get(record.actor_id or 0, ""),
        error=_why(record) if record.status in (FAILED, QUEUED) else "",
        attempts=record.attempts,
        row_url=url_for("jobs.row", job_id=record.id),
        progress_url=url_for("jobs.progress", job_id=record.id),
        cancel_url=url_for("jobs.stop", job_id=record.id) if can_cancel else None,
        retry_url=url_for("jobs.repeat", job_id=record.id) if can_retry else None,
        # A job's result is data: only an address of this very site becomes a link.
        result_url=link if isinstance(link, str) and re.match(r"/[^/\\]", link) else None,
        result_label=str(result["label"]) if result.get("label") else None,
    )


def _message(record: JobRecord, said: dict[str, str]) -> str:
    if record.status == RUNNING and record.cancel_requested:
        return _("Stopping…")
    if record.status == QUEUED and record.run_after is not None and record.attempts:
        tried, most = format_number(record.attempts), format_number(record.max_attempts)
        return _("Tried %(a)s of %(b)s times; another attempt follows.", a=tried, b=most)
    return said.get("message") or record.progress_message


def _why(record: JobRecord) -> str:
    """The reason as everybody may read it, with the traceback for administrators."""
    if not record.reason:
        return ""
    sentence = record.error or str(EXPLANATIONS.get(record.reason, ""))
    if record.traceback and acting().may(MANAGE):
        return f"{sentence}\n\n{record.traceback}"
    return sentence


def schedule_rows() -> list[ScheduleRow]:
    """The scheduled jobs of the Site, with when they ran and will run."""
    site = _site()
    known = {each.name: each for each in _session().scalars(sa.select(ScheduleRecord))}
    rows = []
    for schedule in site.schedules:
        record = known.get(schedule_name(schedule))
        job = site.jobs.get(schedule.job)
        due = (record.period + 1) * record.every if record is not None else None
        rows.append(
            ScheduleRow(
                label=job.label if job is not None else schedule.job,
                every=_how_often(schedule.every),
                last=record.last_run_at if record is not None else None,
                next=dt.datetime.fromtimestamp(due, dt.UTC) if due is not None else None,
            )
        )
    return rows


def _how_often(seconds: int) -> str:
    if seconds % 86_400 == 0:
        days = seconds // 86_400
        return ngettext("every day", "every %(count)s days", days, count=format_number(days))
    if seconds % 3600 == 0:
        hours = seconds // 3600
        return ngettext("every hour", "every %(count)s hours", hours, count=format_number(hours))
    if seconds % 60 == 0:
        minutes = seconds // 60
        return ngettext("every minute", "every %(count)s minutes", minutes, count=format_number(minutes))
    return ngettext("every second", "every %(count)s seconds", seconds, count=format_number(seconds))
