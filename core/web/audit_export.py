"""The audit as a CSV file, at once or by a job; that it was taken stands in the audit too."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.records.audit import Audit, record_act
from core.records.policy import require
from core.records.transfer.models import ExportFile
from core.records.transfer.spelling import safe
from core.site.site import current_site
from core.web.audit_query import AuditQuery
from core.web.audit_rows import action_name, kind_name, readable, visible_changes

EXPORT_AUDIT = "core.export_audit"
EXPORT = "core.audit.export"
NAME = "core.audit"
AT_ONCE = 2000  # rows
BATCH = 500
HEADER = (
    "number", "time (UTC)", "person", "source", "address", "reason", "operation", "type", "record", "what", "changes",
)  # fmt: skip


def audit_csv(work: Session, query: AuditQuery) -> Iterator[str]:
    """The rows in pieces, oldest first; no cell can act as a formula, and no hidden value is told."""
    yield "\ufeff" + _line(HEADER)
    place: tuple[Any, int] | None = None
    here = sa.tuple_(Audit.at, Audit.id)
    while True:
        wanted = query.statement().order_by(Audit.at, Audit.id).limit(BATCH)
        if place is not None:
            wanted = wanted.where(here > sa.tuple_(sa.literal(place[0], Audit.at.type), sa.literal(place[1])))
        rows = work.execute(wanted).all()
        if not rows:
            return
        yield "".join(_line(_cells(row, may)) for row, may in zip(rows, readable(rows), strict=True))
        place = rows[-1].at, rows[-1].id
        work.rollback()


def is_large(work: Session, query: AuditQuery) -> bool:
    """Whether there are more rows than one waits for."""
    some = query.statement().with_only_columns(Audit.id).limit(AT_ONCE + 1).subquery()
    return (work.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > AT_ONCE


def tell(work: Session, query: AuditQuery, rows: int) -> None:
    """Write into the audit who took how many rows by which filter; the caller commits."""
    record_act(work, NAME, "exported", {"filter": (None, query.arguments), "rows": (None, rows)})


def run_audit_export(progress: Any, export_id: int, locale: str) -> dict[str, Any]:
    """The job that writes the file; repeated after a crash it writes the file anew."""
    site = current_site()
    work: Session = site.runtime.database.session()
    file = work.get(ExportFile, export_id)
    if file is None or file.finished_at is not None:
        return {}
    require(EXPORT)
    query = AuditQuery.read(file.arguments) or AuditQuery()
    file.path = stored = file.path or f"exports/{uuid.uuid4().hex}"
    work.commit()
    path: Path = site.runtime.config.uploads / stored
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    count = -1
    with force_locale(locale), path.open("w", encoding="utf-8", newline="") as out:
        for piece in audit_csv(work, query):
            out.write(piece)
            count += piece.count("\r\n")
            progress.report(max(count, 0))
    file = work.get_one(ExportFile, export_id)
    file.count, file.size, file.finished_at = count, path.stat().st_size, now()
    tell(work, query, count)
    return {"records": count, "url": f"/exports/{export_id}/file", "label": file.file_name}


def _cells(row: Any, may: bool) -> tuple[Any, ...]:
    changes = {change["label"]: [change["old"], change["new"]] for change in visible_changes(row)} if may else {}
    return (
        row.id, row.at.isoformat(timespec="seconds"), row.actor_name, row.source, row.address, row.reason,
        row.operation or "", kind_name(row.record_type), row.record_id if may else "", action_name(row.action),
        json.dumps(changes, ensure_ascii=False) if changes else "",
    )  # fmt: skip


def _line(cells: Any) -> str:
    buffer = io.StringIO()
    # A line break inside of a value would be one of the file's own to whoever counts them.
    csv.writer(buffer).writerow([safe(" ".join(cell.split())) if isinstance(cell, str) else cell for cell in cells])
    return buffer.getvalue()
