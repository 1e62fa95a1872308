"""The import wizard: file, columns, check, run, report.

    /import/<record type>          choose a file
    /import/<record type>/<id>/…   columns, check, run, report of one import: its owner's and the administrators' only
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import redirect, request
from flask_babel import gettext as _

from core.records.transfer import models
from core.records.transfer.cells import Conventions, read_by
from core.records.transfer.choices import UPDATE, Choices
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.mapping import clean_mapping, doubled, missing
from core.records.transfer.models import ImportRun
from core.records.transfer.saved import keep
from core.records.transfer.targets import KEY, Target
from core.records.transfer.uploads import forget_abandoned, table_of, take_in
from core.site.site import session
from core.web.import_access import address, importable, own_import, pages, uploads_folder
from core.web.import_check import ask_for_check
from core.web.import_options import chosen_options
from core.web.import_pages import columns_page, upload_page


@pages.get("/<record_type>")
def upload(record_type: str) -> str:
    """Step 1: choose a file."""
    screen, target = importable(record_type)
    return upload_page(screen, target)


@pages.post("/<record_type>")
def take_upload(record_type: str) -> Any:
    """Keep the file and go on to its columns."""
    screen, target = importable(record_type)
    file, text = request.files.get("file"), request.form.get("text", "")
    uploads = uploads_folder()
    try:
        if file is not None and file.filename:
            run = take_in(session, uploads, record_type, target, file.filename, file.save)
        elif text.strip():
            run = take_in(session, uploads, record_type, target, _("Pasted text"), lambda path: _write(path, text))
        else:
            return upload_page(screen, target, _("Choose a file first, or paste a table.")), 422
    except TableUnreadable as error:
        session.rollback()
        return upload_page(screen, target, str(error)), 422
    finally:
        if file is not None:
            file.close()
    forget_abandoned(session, uploads)
    session.commit()
    return redirect(address(run, "columns"), 303)


@pages.get("/<record_type>/<int:import_id>/columns")
def columns(record_type: str, import_id: int) -> Any:
    """Step 2: which column becomes what."""
    screen, target, run = own_import(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    return columns_page(screen, target, run)


@pages.post("/<record_type>/<int:import_id>/columns")
def choose_columns(record_type: str, import_id: int) -> Any:
    """Keep the choice and go on to the check."""
    screen, target, run = own_import(record_type, import_id)
    if run.status != models.UPLOADED:
        return redirect(address(run, "report"), 303)
    run.options = {**run.options, **chosen_options(target)}
    try:
        table = table_of(run, uploads_folder())
    except TableUnreadable as error:
        session.rollback()
        return columns_page(screen, target, run, str(error)), 422
    chosen = {
        key.removeprefix("column-"): name for key, name in request.form.items() if key.startswith("column-") and name
    }
    mapping = clean_mapping(chosen, len(table.header), target)
    run.mapping = {str(position): name for position, name in mapping.items()}
    refusal = _refusal(run, target, mapping)
    if refusal:
        page = columns_page(screen, target, run, refusal)
        session.rollback()
        return page, 422
    if name := request.form.get("keep_name", "").strip():
        keep(session, run, table.header, name, shared=request.form.get("keep_shared") == "1", options=run.options)
        run.options = {**run.options, "kept": name}
    ask_for_check(run, table)
    session.commit()
    return redirect(address(run, "check"), 303)


def _refusal(run: ImportRun, target: Target, mapping: dict[int, str]) -> str:
    """Why the choice cannot be; empty when it can."""
    labels = {column.name: str(column.label) for column in target.columns}
    choices = Choices.of(run.options, target)
    given = {**mapping, **{-place: name for place, name in enumerate(run.options.get("defaults", {}), start=1)}}
    if not mapping:
        return _("Choose what at least one column becomes.")
    if twice := doubled(mapping):
        return _("Two columns cannot both become “%(label)s”.", label=labels[twice[0]])
    if choices.mode != UPDATE and KEY not in mapping.values() and (absent := missing(given, target)):
        return _("Choose the column that becomes “%(label)s”.", label=labels[absent[0]])
    if choices.mode == UPDATE and not choices.keys and KEY not in mapping.values():
        return _("Choose by what a row is told to be a record that exists.")
    for name, typed in run.options.get("defaults", {}).items():
        try:
            with read_by(Conventions.of(run.options)):
                (target.by_name[name].parse or str)(typed)
        except ValueError as error:
            return f"{labels[name]}: {error}"
    return ""


def _write(path: Path, text: str) -> None:
    # Browsers send line ends of their own.
    path.write_text(text.replace("\r\n", "\n"), encoding="utf-8", newline="")
