"""The records of an operation: those it changed and those it left alone, as far as the reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from core.admin.formatters import record_url
from core.admin.history import told_changes
from core.records.audit import Audit
from core.records.naming import find_records
from core.records.operations.models import Operation, OperationProblem
from core.records.privacy.marks import told_changes as told_values
from core.site.site import session

PER_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class RecordRow:
    """A record with what became of it; without a ``url`` where it is gone or not the reader's to see."""

    label: str
    url: str | None
    what: str = ""
    changes: tuple[dict[str, Any], ...] = ()
    reason: str = ""


def changed_records(op: Operation, before: int | None) -> tuple[list[RecordRow], int | None]:
    """The changes an operation made, the latest first; and where to read on, if there are more."""
    asked = (Audit.id, Audit.record_type, Audit.record_id, Audit.action, told_values())
    statement = sa.select(*asked).where(Audit.operation == op.id, Audit.record_id.is_not(None))
    if before is not None:
        statement = statement.where(Audit.id < before)
    found = session.execute(statement.order_by(Audit.id.desc()).limit(PER_PAGE + 1)).all()
    rows = found[:PER_PAGE]
    records = find_records(session, [(row.record_type, row.record_id or 0) for row in rows], archived=True)
    told = {
        "created": _("created"),
        "changed": _("changed"),
        "deleted": _("deleted"),
        "restored": _("restored"),
        "purged": _("removed for good"),
        "erased": _("removed personal data of"),
        "personal_data_erased": _("removed personal data of"),
    }
    listed = []
    for row in rows:
        record = records.get((row.record_type, row.record_id or 0))
        what = told.get(row.action, row.action)
        if record is None:
            # The changes would tell of a record that the reader may not see.
            listed.append(RecordRow(label=_("A record that is gone or not yours to see"), url=None, what=what))
            continue
        changes = tuple(told_changes(row.record_type, row.changes or {})) if row.action == "changed" else ()
        url = record_url(record) if record.archived_at is None else None
        listed.append(RecordRow(label=str(record), url=url, what=what, changes=changes))
    return listed, rows[-1].id if len(found) > PER_PAGE else None


def problem_records(op: Operation, after: int | None) -> tuple[list[RecordRow], int | None]:
    """The records an operation left alone, with the reasons; and where to read on, if there are more."""
    statement = sa.select(OperationProblem).where(
        OperationProblem.operation_id == op.id, OperationProblem.reason != "", OperationProblem.id > (after or 0)
    )
    found = session.scalars(statement.order_by(OperationProblem.id).limit(PER_PAGE + 1)).all()
    rows = found[:PER_PAGE]
    records = find_records(session, [(row.record_type, row.record_id) for row in rows], archived=True)
    listed = []
    for row in rows:
        record = records.get((row.record_type, row.record_id))
        if record is None:
            listed.append(RecordRow(label=_("A record that is gone or not yours to see"), url=None, reason=""))
        else:
            url = record_url(record) if record.archived_at is None else None
            listed.append(RecordRow(label=str(record), url=url, reason=row.reason))
    return listed, rows[-1].id if len(found) > PER_PAGE else None
