"""What the pages of the import wizard show: an upload, its columns, and the choices that say how cells are read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import phonenumbers
import sqlalchemy as sa
from flask import render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.database.types import DEFAULT_REGION, format_phone
from core.parts import Screen
from core.records.transfer import models
from core.records.transfer.cells import DAY_FIRST, MONTH_FIRST
from core.records.transfer.checking import CheckedRow
from core.records.transfer.encoding import ENCODINGS, SEPARATORS
from core.records.transfer.limits import MAX_UPLOAD, TableUnreadable
from core.records.transfer.mapping import map_columns
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table
from core.records.transfer.targets import Target
from core.records.transfer.uploads import table_of
from core.site.formats import format_local_date, format_number
from core.site.site import current_site, session

SAMPLES = 3
RECENT = 5

DUPLICATES = (
    ("skip", _l("leave it as it is")),
    ("update", _l("fill in what it lacks")),
    ("create", _l("add a second record")),
)

_WRITTEN: dict[str, dict[str, Any]] = {
    "skip": {"mode": "create"},
    "update": {"mode": "both", "existing": "fill"},
    "create": {"mode": "create", "keys": []},
}
STATE_LABELS = {
    models.UPLOADED: _l("Not started"),
    models.QUEUED: _l("Waiting"),
    models.RUNNING: _l("Running"),
    models.CANCELLING: _l("Stopping"),
    models.CANCELLED: _l("Stopped"),
    models.DONE: _l("Finished"),
    models.STOPPED: _l("Failed"),
}
SEPARATOR_LABELS = {",": _l("Comma"), ";": _l("Semicolon"), "\t": _l("Tab"), "|": _l("Vertical bar")}
ENCODING_LABELS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16": "Unicode (UTF-16)",
    "cp1256": _l("Persian and Arabic (Windows-1256)"),
    "cp1252": _l("Western European (Windows-1252)"),
}


def address(run: ImportRun, step: str) -> str:
    """The address of a step of one import."""
    endpoint = {"run": "start"}.get(step, step)
    return url_for(f"importing.{endpoint}", record_type=run.record_type, import_id=run.id)


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
        accept=".csv,.tsv,.txt,.xlsx",
        size_limit=_("%(limit)s MB", limit=format_number(MAX_UPLOAD // (1024 * 1024))),
        error=error,
        columns=target.columns,
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
        targets=[(column.name, column.label) for column in target.columns],
        match_on=None,
        on_match=DUPLICATES,
        on_match_choice="update" if run.options.get("mode") == "both" else "skip",
        reading=_reading(run, table),
    )


def _reading(run: ImportRun, table: Table | None) -> list[dict[str, Any]]:
    """The choices that say how the file's cells are read."""
    options = run.options
    locale = get_locale()
    names = locale.territories if locale else {}
    regions = sorted((str(names.get(code, code)), code) for code in phonenumbers.SUPPORTED_REGIONS)
    choices: list[dict[str, Any]] = [
        {"name": "region", "label": _("Phone numbers without a country code are of"),
         "value": options.get("region", DEFAULT_REGION), "options": [(code, name) for name, code in regions]},
        {"name": "date_order", "label": _("A date such as 3/4/1990 begins with"),
         "value": options.get("date_order", DAY_FIRST),
         "options": [(DAY_FIRST, _("the day")), (MONTH_FIRST, _("the month"))]},
    ]  # fmt: skip
    if table is None or table.kind == "csv":
        encoding = str(options.get("encoding") or "utf-8")
        codes = list(dict.fromkeys((encoding, *ENCODINGS)))
        choices += [
            {"name": "encoding", "label": _("Encoding of the file"), "value": encoding,
             "options": [(code, ENCODING_LABELS.get(code, code)) for code in codes]},
            {"name": "separator", "label": _("Columns are separated by"), "value": options.get("separator") or ",",
             "options": [(mark, SEPARATOR_LABELS[mark]) for mark in SEPARATORS]},
        ]  # fmt: skip
    return choices


def chosen_options() -> dict[str, Any]:
    """The options a form sent, as far as they are ones we know."""
    known = {
        "region": phonenumbers.SUPPORTED_REGIONS,
        "date_order": (DAY_FIRST, MONTH_FIRST),
        "encoding": (*ENCODINGS, "utf-8-sig", "utf-16-le", "utf-16-be"),
        "separator": SEPARATORS,
    }
    sent = request.form
    options: dict[str, Any] = {name: sent[name] for name, values in known.items() if sent.get(name) in values}
    return options | _WRITTEN.get(request.form.get("on_match", ""), {})


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
