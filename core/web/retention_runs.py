"""The daily runs of the rules of retention, each with the rights of whoever switched it on, and in his calendar."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from core.accounts.actor import acting, acting_as
from core.accounts.models import User, now
from core.accounts.rights import actor_of
from core.jobs.models import JobRecord
from core.jobs.progress import Progress
from core.records.catalog import current_catalog
from core.records.operations.models import RUNNING, Operation
from core.records.operations.running import state_now
from core.records.privacy.erasures import MANAGE, begin_erasure, erase_people, matching
from core.records.privacy.models import RetentionRule
from core.records.privacy.retention import CONDITION, OWNER, condition_of
from core.site.reader import reading_as
from core.site.site import session

APPLY_RULES = "core.apply_retention"
APART = dt.timedelta(hours=12)  # a schedule that comes twice finds nothing to do
COUNTED = 10_000


def run_erasure(progress: Progress, operation_id: str) -> dict[str, Any]:
    """The job that erases people, as whoever asked for it reads."""
    with reading_as(session.get(User, acting().user_id)):
        return erase_people(session, progress, operation_id)


def apply_rules(progress: Any) -> int:
    """The daily job that lets every rule that is on begin its run. Returns how many runs were begun."""
    begun = 0
    active = sa.select(RetentionRule.id).where(RetentionRule.active).order_by(RetentionRule.id)
    for number in session.scalars(active).all():
        begun += _begin_run(number)
        # Each with its operation and job, so that a run that is cut off begins none twice.
        session.commit()
        progress.report(begun)
    return begun


def _begin_run(number: int) -> bool:
    due = sa.or_(RetentionRule.last_run_at.is_(None), RetentionRule.last_run_at < now() - APART)
    claimed = sa.update(RetentionRule.__table__).where(RetentionRule.id == number, RetentionRule.active, due)  # type: ignore[arg-type]
    if not session.connection().execute(claimed.values(last_run_at=now())).rowcount:
        return False
    rule = session.get_one(RetentionRule, number, populate_existing=True)
    if _is_running(rule):
        return False
    owner = session.get(User, rule.owner_id) if rule.owner_id is not None else None
    actor = actor_of(owner, source="job") if owner is not None and owner.active else None
    if actor is None or not actor.may(MANAGE):
        rule.problem = OWNER
        return False
    catalog = current_catalog()
    with acting_as(actor), reading_as(owner):
        entry = catalog.find(rule.record_type) if rule.record_type in catalog else None
        condition = condition_of(rule, entry) if entry is not None else None
        if entry is None or condition is None:
            rule.problem = CONDITION
            return False
        rule.problem = ""
        model: Any = entry.model
        some = matching(entry, condition, rule.way).with_only_columns(model.id).limit(COUNTED)
        total = len(session.scalars(some).all())
        if not total:
            return False
        plan = {"way": rule.way, "rule": rule.id, "condition": rule.condition}
        rule.operation_id = begin_erasure(session, entry, rule.name, plan, total).id
    return True


def _is_running(rule: RetentionRule) -> bool:
    op = session.get(Operation, rule.operation_id) if rule.operation_id is not None else None
    job = session.get(JobRecord, op.job_id) if op is not None and op.job_id is not None else None
    return op is not None and state_now(op, job) == RUNNING
