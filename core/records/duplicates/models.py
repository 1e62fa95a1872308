"""Pairs of likely duplicates that a search found, and where merged records went."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.records.audit import ROW_ID


class DuplicatePair(Base):
    """Two records of one type that may be the same. ``rules`` are the names of the fields that agree.

    A pair that somebody dismissed stays, so that it is not shown again.
    """

    __tablename__ = "core_duplicate"
    __table_args__ = (
        sa.UniqueConstraint("record_type", "first_id", "second_id", name="uq_core_duplicate_record_type"),
        sa.Index("ix_core_duplicate_score", "record_type", "dismissed_at", "score", "id"),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    first_id: Mapped[int] = mapped_column(sa.BigInteger)
    second_id: Mapped[int] = mapped_column(sa.BigInteger)
    score: Mapped[int] = mapped_column()
    rules: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    found_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    dismissed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    dismissed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))


class Merged(Base):
    """A record that was merged into another of its type; it holds while the record lies in the recycle bin."""

    __tablename__ = "core_merge"
    __table_args__ = (
        sa.Index("ix_core_merge_into", "record_type", "into_id"),
        sa.Index("ix_core_merge_merged", "record_type", "merged_id"),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    operation: Mapped[str | None] = mapped_column(sa.String(32))
    record_type: Mapped[str] = mapped_column(sa.String(80))
    merged_id: Mapped[int] = mapped_column(sa.BigInteger)
    into_id: Mapped[int] = mapped_column(sa.BigInteger)
