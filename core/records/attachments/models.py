"""The row that says which file belongs to which record."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.records.audit import ROW_ID

NAME_LIMIT = 200


class Attachment(Base):
    """A file of a record. ``name`` is what its owner calls it and never part of a path; the bytes lie under ``sha256``.

    A file with ``removed_at`` can be put back until a sweep takes it away for good.
    """

    __tablename__ = "core_attachment"
    __table_args__ = (
        sa.Index("ix_core_attachment_record", "record_type", "record_id", "created_at", "id"),
        sa.Index("ix_core_attachment_removed_at", "removed_at"),
        sa.Index("ix_core_attachment_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str] = mapped_column(sa.String(NAME_LIMIT))
    content_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    has_thumbnail: Mapped[bool] = mapped_column(default=False)
    uploader_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
