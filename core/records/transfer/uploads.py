"""Files that people send: taken in under a name of ours, looked at, and forgotten when nobody goes on with them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.records.transfer import models
from core.records.transfer.limits import MAX_UPLOAD, TableUnreadable
from core.records.transfer.mapping import likely_date_order, map_columns
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table, open_table
from core.records.transfer.saved import apply, recognised
from core.records.transfer.targets import Target
from core.text import clean

FOLDER = "imports"
LOOKED_AT = 200  # rows by which the file's conventions are guessed
ABANDONED_AFTER = dt.timedelta(days=1)


def take_in(
    session: Session, uploads: Path, record_type: str, target: Target, name: str, save: Callable[[Path], object]
) -> ImportRun:
    """Keep an uploaded table and begin its import; the caller commits.

    Args:
        session: the unit of work.
        uploads: the folder of uploads.
        record_type: what the rows become.
        target: how that type is imported.
        name: the file's name as its owner knows it; shown, never used as a path.
        save: writes the upload to the path it is given.

    Raises:
        TableUnreadable: the file is too large or no table; nothing is kept.
    """
    stored = f"{FOLDER}/{uuid.uuid4().hex}"
    path = uploads / stored
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        save(path)
        path.chmod(0o600)
        if path.stat().st_size > MAX_UPLOAD:
            raise TableUnreadable(_("The file is larger than %(limit)s MB.", limit=MAX_UPLOAD // (1024 * 1024)))
        table = open_table(path)
        mapping = map_columns(table.header, target)
        kept = recognised(session, record_type, table.header)
        if kept is not None:
            mapping = apply(kept, table.header, target)
        order = likely_date_order([cells for _number, cells in table.sample(LOOKED_AT)], mapping, target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    run = ImportRun(
        record_type=record_type,
        file_name=clean(name.replace("/", " ").replace("\\", " "))[-255:] or "?",
        stored_path=stored,
        mapping={str(position): column for position, column in mapping.items()},
        options={
            "date_order": order,
            **(kept.options | {"kept": kept.name} if kept is not None else {}),
            "encoding": table.encoding,
            "separator": table.separator,
        },
        actor_id=acting().user_id,
    )
    session.add(run)
    session.flush()
    return run


def table_of(run: ImportRun, uploads: Path) -> Table:
    """The file of an import, opened as its owner wants it read.

    Raises:
        TableUnreadable: it cannot be read that way, or is gone.
    """
    path = uploads / run.stored_path
    if not path.is_file():
        raise TableUnreadable(_("The file is not kept any more. Upload it again."))
    encoding, separator = run.options.get("encoding"), run.options.get("separator")
    return open_table(path, encoding=encoding or None, separator=separator or None)


def forget_abandoned(session: Session, uploads: Path) -> int:
    """Drop uploads that nobody went on with for a day; how many. The caller commits."""
    old = session.scalars(
        sa.select(ImportRun).where(ImportRun.status == models.UPLOADED, ImportRun.created_at < now() - ABANDONED_AFTER)
    ).all()
    for run in old:
        (uploads / run.stored_path).unlink(missing_ok=True)
        session.delete(run)
    return len(old)
