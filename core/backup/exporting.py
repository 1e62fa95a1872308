"""Everything as open files: a folder that any program can read without Peyvand.

    README.txt                    what is in it: every file, and every field of it
    records/<type>.jsonl          one record in a line, by field; links as {"id", "name"}, rows of a record as objects
    notes.jsonl  files.jsonl      notes and attached files, with the type and id of their record
    files/<sha256>/<name>         the attached files themselves
    users.jsonl                   who the ids of people mean
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from core.accounts.models import User
from core.backup.archive import BackupError
from core.backup.making import Report, silent
from core.config import Config
from core.parts import untranslated
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.audit import part_row
from core.records.catalog import RecordType
from core.records.note import Note
from core.records.record import Part

BATCH = 500


def export_all(config: Config, session: Session, catalog: Any, folder: Path, report: Report = silent) -> dict[str, int]:
    """Write every record of every type into ``folder``; how many there are by file.

    Args:
        config: where the attached files are.
        session: a unit of work of the installation itself.
        catalog: the record types.
        folder: made here; must not be there, or be empty.
        report: told the types done, the types in all and the type that is being written.

    Raises:
        BackupError: the folder has something in it, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupError(f"{folder} has something in it; name a new folder.")
        (folder / "records").mkdir()
        types = sorted(catalog, key=lambda entry: entry.name)
        counts: dict[str, int] = {}
        for done, record_type in enumerate(types):
            report(done, len(types), record_type.name)
            name = f"records/{record_type.name}.jsonl"
            counts[name] = _write(folder / name, _records(session, record_type))
        counts["notes.jsonl"] = _write(folder / "notes.jsonl", _rows(session, Note))
        counts["files.jsonl"] = _write(folder / "files.jsonl", _rows(session, Attachment))
        counts["users.jsonl"] = _write(folder / "users.jsonl", _users(session))
        counts["files/"] = _copy_files(session, Storage(config.attachments), folder / "files")
        (folder / "README.txt").write_text(_readme(types, counts), "utf-8")
    except OSError as error:
        raise BackupError(f"{folder} cannot be written: {error.strerror}.") from error
    return counts


def _write(path: Path, objects: Iterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for entry in objects:
            file.write(json.dumps(entry, ensure_ascii=False, default=_plain) + "\n")
            count += 1
    return count


def _records(session: Session, record_type: RecordType) -> Iterator[dict[str, Any]]:
    """The records of a type by id, those in the recycle bin too."""
    model: Any = record_type.model
    linked = [name for name, field in record_type.all_fields.items() if field.kind in ("link", "links", "children")]
    relations = sa.inspect(model).relationships
    loading = [selectinload(getattr(model, name)) for name in linked if name in relations]
    last = 0
    while True:
        some = sa.select(model).where(model.id > last).order_by(model.id).limit(BATCH).options(*loading)
        records = session.scalars(some.execution_options(include_archived=True)).unique().all()
        if not records:
            return
        for record in records:
            values = {name: _value(getattr(record, name, None)) for name in record_type.all_fields}
            yield {"id": record.id, **values, "archived_at": getattr(record, "archived_at", None)}
        last = records[-1].id
        session.rollback()
        session.expunge_all()


def _value(value: Any) -> Any:
    if isinstance(value, Part):
        row = part_row(value)
        return {"id": row["id"], **row["values"]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(entry) for entry in value]
    if hasattr(value, "__table__"):
        return {"id": getattr(value, "id", None), "name": str(value)}
    return value


def _rows(session: Session, model: Any) -> Iterator[dict[str, Any]]:
    columns = list(model.__table__.columns)
    last = 0
    while True:
        some = sa.select(*columns).where(model.__table__.c.id > last).order_by(model.__table__.c.id).limit(BATCH)
        rows = session.execute(some).all()
        if not rows:
            return
        yield from (row._asdict() for row in rows)
        last = rows[-1].id
        session.rollback()


def _users(session: Session) -> Iterator[dict[str, Any]]:
    for row in session.execute(sa.select(User.id, User.name, User.email, User.active).order_by(User.id)):
        yield row._asdict()


def _copy_files(session: Session, storage: Storage, folder: Path) -> int:
    count = 0
    rows = session.execute(sa.select(Attachment.sha256, Attachment.name).distinct().order_by(Attachment.sha256)).all()
    for sha256, name in rows:
        source = storage.path(sha256)
        if source.exists():
            place = folder / sha256
            place.mkdir(parents=True, exist_ok=True)
            # The name was made safe when the file came; a folder of its own keeps it apart from others.
            shutil.copyfile(source, place / (Path(name).name or "file"))
            count += 1
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def _readme(types: list[RecordType], counts: dict[str, int]) -> str:
    lines = [
        "Everything of this installation as open files.",
        "",
        "Each .jsonl file has one JSON object in a line, in UTF-8. Moments are ISO 8601 in UTC, amounts are text so",
        "that no digit is lost, links are {id, name}. Records with archived_at lie in the recycle bin.",
        "",
        *(f"{name:40} {count}" for name, count in counts.items()),
    ]
    for record_type in types:
        lines += ["", f"{record_type.name}: {untranslated(record_type.plural)}"]
        lines += [
            f"    {name:28} {field.kind:12} {untranslated(field.label)}"
            for name, field in record_type.all_fields.items()
        ]
    return "\n".join(lines) + "\n"
