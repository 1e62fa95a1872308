"""Doing a confirmed bulk action: batch by batch in a job, or in one batch within the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.admin.selection import Selection
from core.errors import Blocked
from core.jobs.progress import Progress
from core.records.operations.bulk import BATCH, Change, change_records
from core.records.operations.models import RUNNING, Operation
from core.records.operations.running import ClaimLost, claim, operation

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

BULK_JOB = "core.change_records"


def carry_out(view: RecordView, op: Operation) -> list[str]:
    """The next batch of an operation's plan, in the session's transaction; what actions said about it.

    The plan is done when the checkpoint stays where it was.

    Raises:
        ClaimLost: another worker does this batch.
    """
    records = Selection.of(op.plan).batch(view, op.checkpoint, BATCH)
    if not records:
        return []
    claim(view.session, op, records[-1].id)
    return change_records(view.session, op, view.screen, Change.of(op.plan), records)


def run_bulk(progress: Progress, operation_id: str) -> dict[str, Any]:
    """The job that changes many records; killed at any moment, it goes on after the last batch."""
    session: Session = current_app.extensions["peyvand"].runtime.database.session()
    op = session.get(Operation, operation_id)
    if op is None or op.state != RUNNING:
        session.rollback()
        return {}
    view = _view_of(op.record_type)
    try:
        with operation(session, kind=op.kind, id=operation_id):
            while True:
                op = session.get_one(Operation, operation_id)
                before = op.checkpoint
                carry_out(view, op)
                more, done, total = op.checkpoint != before, op.size + op.skipped, op.total
                if not more:
                    break
                session.commit()
                # The records of this batch are not needed for the next; kept, they would grow with the operation.
                session.expunge_all()
                progress.report(done, max(done, total or 0))
    except ClaimLost:
        session.rollback()
    return {"url": f"/operations/{operation_id}", "label": _("What was changed")}


def _view_of(record_type: str) -> Any:
    from core.admin.record_view import RecordView

    for admin in current_app.extensions["admin"]:
        for view in admin._views:
            if isinstance(view, RecordView) and view.screen.name == record_type:
                return view
    raise Blocked(_("Its module is switched off."))
