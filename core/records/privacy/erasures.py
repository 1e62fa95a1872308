"""Erasing many, or one about whom much is held, as an operation in the background.

Each person is erased in a transaction that moves the checkpoint as well, so a job that is killed and run again does
nobody twice. Whom something keeps is written down with the reason and left as it is.

    plan    way                            erase or anonymise
            person, version                one person, as the preview showed it
            rule, condition                everybody who matches, while the rule is on
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.errors import ConditionError, Forbidden, PluginError
from core.jobs.progress import Progress
from core.jobs.queue import enqueue
from core.records.catalog import RecordType, current_catalog
from core.records.conditions import Condition, current_context, parse, to_sql
from core.records.operations.models import ERASURE, RUNNING, Operation
from core.records.operations.running import RECORD_ERRORS, ClaimLost, begin, claim, note_problem, operation, reason_of
from core.records.privacy.erasing import ERASE, erase, file_of, whats_missing
from core.records.privacy.models import Erased, RetentionRule

MANAGE = "core.privacy.manage"
ERASE_JOB = "core.erase_people"
AT_ONCE = 200  # rows about a person; more is work for a job
_LOOKED_UP = 200  # ids at a time


def begin_erasure(session: Session, entry: RecordType, label: str, plan: Mapping[str, Any], total: int) -> Operation:
    """Have people erased by a job, with the rights of whoever acts; the caller commits.

    Args:
        session: the unit of work.
        entry: the type of the records that stand for them.
        label: what the operation is called.
        plan: see above.
        total: how many people it is about.
    """
    op = begin(session, kind=ERASURE, record_type=entry.name, label=label, plan=dict(plan), total=total)
    session.flush()
    op.job_id = enqueue(ERASE_JOB, key=f"erase-{op.id}", operation_id=op.id).id
    return op


def matching(entry: RecordType, condition: Condition, way: str) -> sa.Select[Any]:
    """The people who match a condition and have not been erased already; those in the bin where they are to go too."""
    model: Any = entry.model
    done = sa.exists().where(
        Erased.record_type == entry.name, Erased.record_id == model.id, Erased.at >= model.updated_at
    )
    found = sa.select(model).where(to_sql(condition, model, current_context()), ~done)
    return found.execution_options(include_archived=True) if way == ERASE else found


def erase_people(session: Session, progress: Progress, operation_id: str) -> dict[str, Any]:
    """Erase people one by one; killed at any moment, it goes on after the last.

    Raises:
        Forbidden: whoever asked for it may no longer manage personal data.
    """
    op = session.get(Operation, operation_id)
    if op is None or op.state != RUNNING:
        session.rollback()
        return {}
    if not acting().may(MANAGE):
        raise Forbidden(MANAGE)
    entry = current_catalog().find(op.record_type)
    try:
        with operation(session, kind=ERASURE, id=operation_id):
            for number, statement in _people(session, operation_id, entry):
                op = session.get_one(Operation, operation_id)
                claim(session, op, number)
                _erase_one(session, op, statement.where(entry.model.id == number), progress)
                done, total = op.size + op.skipped, op.total or 0
                session.commit()
                session.expunge_all()
                progress.report(done, max(done, total))
    except ClaimLost:
        session.rollback()
    return {"url": f"/operations/{operation_id}", "label": _("What was erased")}


def _people(session: Session, operation_id: str, entry: RecordType) -> Iterator[tuple[int, sa.Select[Any]]]:
    """The ids that are left, each with the query that finds the record as long as it is still meant."""
    model: Any = entry.model
    while True:
        op = session.get_one(Operation, operation_id)
        plan = op.plan
        if "person" in plan:
            statement = sa.select(model).execution_options(include_archived=True)
            ids = [plan["person"]] if op.checkpoint < plan["person"] else []
        else:
            rule = session.get(RetentionRule, plan["rule"])
            if rule is None or not rule.active:
                return
            try:
                statement = matching(entry, parse(plan["condition"], entry), plan["way"])
            except ConditionError:
                return
            left = statement.with_only_columns(model.id).where(model.id > op.checkpoint)
            ids = list(session.scalars(left.order_by(model.id).limit(_LOOKED_UP)))
        if not ids:
            return
        for number in ids:
            yield number, statement


def _erase_one(session: Session, op: Operation, statement: sa.Select[Any], progress: Progress) -> None:
    person = session.scalars(statement).unique().one_or_none()
    if person is None:
        return  # changed or removed since it was looked up
    number, plan = person.id, op.plan
    if plan.get("version", person.version) != person.version:
        reason = _("Somebody changed this record meanwhile. Look once more at what would be erased.")
        note_problem(session, op, op.record_type, number, reason)
        return
    single = "person" in plan
    try:
        held = file_of(session, person)
        missing = whats_missing(session, person, held)
        if missing:
            note_problem(session, op, op.record_type, number, missing)
            return
        rows = sum(len(one.part.rows) for one in held)
        with session.begin_nested():
            erase(
                session, person, held, plan["way"], lambda done: progress.report(done, rows) if single else None
            )
    except PluginError as error:
        note_problem(session, op, op.record_type, number, str(error))
    except RECORD_ERRORS as error:
        note_problem(session, op, op.record_type, number, reason_of(error))
    else:
        op.size += 1
