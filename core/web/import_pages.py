"""What the pages of the import wizard show: an upload, its columns, and the choices that say how cells are read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.database.types import format_phone
from core.parts import Screen
from core.records.transfer import models
from core.records.transfer.checking import CheckedRow
from core.records.transfer.limits import MAX_UPLOAD, TableUnreadable
from core.records.transfer.mapping import map_columns
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table
from core.records.transfer.targets import Target
from core.records.transfer.uploads import table_of
from core.site.formats import format_local_date, format_number
from core.site.site import current_site, session
from core.web.import_access import address
from core.web.import_options import reading_options, writing_options

SAMPLES = 3
RECENT = 5

STATE_LABELS = {
    models.UPLOADED: _l("Not started"),
    models.QUEUED: _l("Waiting"),
    models.RUNNING: _l("Running"),
    models.CANCELLING: _l("Stopping"),
    models.CANCELLED: _l("Stopped"),
    models.DONE: _l("Finished"),
    models.STOPPED: _l("Failed"),
}


def headings(screen: Screen) -> dict[str, Any]:
    """The titles of every page of the wizard."""
    return {
        "title": _("Import: %(records)s", records=screen.plural),
        "list_label": screen.plural,
        "list_url": url_for(f"{screen.endpoint}.index_view"),
    }


def upload_page(screen: Screen, target: Target, error: str = "") -> str:
    """Step 1, with what is wrong with the last file."""
    own = sa.select(ImportRun).where(ImportRun.record_type == screen.name, ImportRun.actor_id == acting().user_id)
    recent = session.scalars(own.order_by(ImportRun.id.desc()).limit(RECENT)).all()
    return render_template(
        "nova/import_upload.html",
        **headings(screen),
        upload_url=url_for("importing.take_upload", record_type=screen.name),
        accept=".csv,.tsv,.txt,.xlsx,.vcf",
        size_limit=_("%(limit)s MB", limit=format_number(MAX_UPLOAD // (1024 * 1024))),
        error=error,
        columns=[column for column in target.columns if not column.group],
        recent=[
            {"label": run.file_name, "when": run.created_at, "url": address(run, "columns"),
             "state_label": STATE_LABELS.get(run.status, run.status)}
            for run in recent
        ],
        denied=None,
    )  # fmt: skip


def columns_page(screen: Screen, target: Target, run: ImportRun, error: str = "") -> str:
    """Step 2, with what is wrong with the choice, or with the file read that way."""
    table: Table | None = None
    samples: list[list[str]] = []
    try:
        table = table_of(run, current_site().runtime.config.uploads)
        samples = [cells for _number, cells in table.sample(20)]
    except TableUnreadable as unreadable:
        error = error or str(unreadable)
    header = table.header if table else ()
    guessed = map_columns(header, target)
    chosen = run.columns
    return render_template(
        "nova/import_map.html",
        **headings(screen),
        submit_url=address(run, "columns"),
        back_url=url_for("importing.upload", record_type=run.record_type),
        file_name=run.file_name,
        row_count=None,
        error=error,
        columns=[
            {
                "index": position,
                "header": title,
                "samples": [row[position][:60] for row in samples if row[position].strip()][:SAMPLES],
                "target": chosen.get(position, ""),
                "guessed": guessed.get(position) == chosen.get(position),
            }
            for position, title in enumerate(header)
        ],
        groups=_groups(target),
        reading=reading_options(run, table),
        writing=writing_options(run, target),
        kept=run.options.get("kept", ""),
    )


def _groups(target: Target) -> list[tuple[str, list[tuple[str, Any]]]]:
    """What columns can become, under the headings of parts; fields of the record itself have none."""
    groups: dict[str, list[tuple[str, Any]]] = {"": []}
    for column in target.columns:
        groups.setdefault(str(column.group), []).append((column.name, column.label))
    return list(groups.items())


def read_cells(row: CheckedRow, mapping: dict[int, str]) -> list[str]:
    """The cells of a row as they were understood; as typed where they were not."""
    return [
        _as_read(row.values.get(name), row.cells[position])
        for position, name in sorted(mapping.items())
        if position < len(row.cells)
    ]


def _as_read(value: Any, typed: str) -> str:
    if isinstance(value, dt.date):
        return format_local_date(value)
    if isinstance(value, tuple):
        return _(", ").join(format_phone(part) if part.startswith("+") else part for part in value)
    return typed
