"""The story of one record: notes people left and changes that were made, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, mapped_column, object_session

from core.accounts.actor import acting
from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime
from core.errors import ValidationError
from core.records.audit import ROW_ID, Audit
from core.records.catalog import current_catalog
from core.records.fields import Field
from core.records.policy import require
from core.records.record import Record

NOTE_LIMIT = 20_000


class Note(Base):
    """Something a person wrote about a record."""

    __tablename__ = "core_note"
    __table_args__ = (sa.Index("ix_core_note_record", "record_type", "record_id", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[str] = mapped_column(sa.Text)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


@dataclass(frozen=True)
class Change:
    """One field of a change. ``field`` is None when no plugin that is on knows the field any more."""

    name: str
    field: Field | None
    old: Any
    new: Any


@dataclass(frozen=True)
class Entry:
    """One line of the story; ``kind`` is ``note``, ``created``, ``changed``, ``deleted`` or ``restored``."""

    id: int
    at: dt.datetime
    kind: str
    actor: str
    source: str = ""
    body: str = ""
    changes: Sequence[Change] = field(default_factory=tuple)


def add_note(record: Record, body: str) -> Note:
    """Write a note on ``record``.

    Raises:
        ValidationError: the note is empty or longer than 20,000 characters.
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    text = body.replace("\x00", "").strip()
    if not text:
        raise ValidationError(body=_("Write something first."))
    if len(text) > NOTE_LIMIT:
        raise ValidationError(body=_("A note has at most %(limit)s characters.", limit=NOTE_LIMIT))
    session = object_session(record)
    assert session is not None, "a note needs a record that a session holds"
    note = Note(record_type=record.__record_type__, record_id=record.id, body=text, author_id=acting().user_id)
    session.add(note)
    return note


def entries(record: Record, limit: int = 50, before: dt.datetime | None = None) -> list[Entry]:
    """The newest entries of a record's story.

    Args:
        record: the record; it must be in a session.
        limit: how many entries at most.
        before: only what happened before this moment, for reading on.
    """
    session = object_session(record)
    assert session is not None, "a timeline needs a record that a session holds"
    key = {"record_type": record.__record_type__, "record_id": record.id}
    notes = sa.select(Note, User.name, User.email).outerjoin(User, User.id == Note.author_id).filter_by(**key)
    changes = sa.select(Audit).filter_by(**key)
    if before is not None:
        notes, changes = notes.where(Note.created_at < before), changes.where(Audit.at < before)
    story = [
        Entry(note.id, note.created_at, "note", name or email or "", body=note.body)
        for note, name, email in session.execute(notes.order_by(Note.id.desc()).limit(limit))
    ]
    known = current_catalog().of(type(record))
    for row in session.scalars(changes.order_by(Audit.id.desc()).limit(limit)):
        shown = [
            Change(name, known.fields.get(name) if known else None, old, new)
            for name, (old, new) in row.changes.items()
        ]
        actor = row.actor_name or row.reason
        story.append(Entry(row.id, row.at, row.action, actor, source=row.source, changes=shown))
    story.sort(key=lambda entry: entry.at, reverse=True)
    return story[:limit]
