"""Notes: what people write about a record."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, mapped_column, object_session

from core.accounts.actor import acting
from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.errors import ValidationError
from core.records.audit import ROW_ID
from core.records.policy import require
from core.records.record import Record

NOTE_LIMIT = 20_000


class Note(Base):
    """Something a person wrote about a record; ``operation`` is the import that brought it, if one did."""

    __tablename__ = "core_note"
    __table_args__ = (sa.Index("ix_core_note_record", "record_type", "record_id", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[str] = mapped_column(sa.Text)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    operation: Mapped[str | None] = mapped_column(sa.String(64), default=lambda: acting().operation)


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
