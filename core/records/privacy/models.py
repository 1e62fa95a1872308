"""Consents of people, holds on their records, rules of retention, and the marks that erasures leave."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.records.audit import ROW_ID

PURPOSE_LENGTH, SOURCE_LENGTH, TEXT_LIMIT = 200, 200, 4000
REASON_LENGTH, NAME_LENGTH = 300, 120


class Consent(Base):
    """What a person agreed to: for which purpose, where it was said, in which words, when, and who wrote it down.

    A consent that was withdrawn stays, with the moment, so that it can be shown what held until then.
    """

    __tablename__ = "core_consent"
    __table_args__ = (sa.Index("ix_core_consent_record", "record_type", "record_id", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    purpose: Mapped[str] = mapped_column(sa.String(PURPOSE_LENGTH))
    source: Mapped[str] = mapped_column(sa.String(SOURCE_LENGTH))
    text: Mapped[str] = mapped_column(sa.Text)
    given_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    recorded_by: Mapped[str] = mapped_column(sa.String(120), default="")
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by: Mapped[str] = mapped_column(sa.String(120), default="")


class Hold(Base):
    """That a record must be kept, whatever anybody asks for: while a case is open, say. It is lifted, not outlived."""

    __tablename__ = "core_hold"

    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    record_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(sa.String(REASON_LENGTH))
    since: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    placed_by: Mapped[str] = mapped_column(sa.String(120), default="")


class RetentionRule(Base):
    """Who is to be erased or anonymised, and when: a condition on records that stand for people, looked at every day.

    A rule that is ``active`` runs with the rights of ``owner_id``, who switched it on. ``problem`` says why the last
    run could not begin (``core.records.privacy.retention``).
    """

    __tablename__ = "core_retention_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    record_type: Mapped[str] = mapped_column(sa.String(80))
    condition: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    way: Mapped[str] = mapped_column(sa.String(20))
    active: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    last_run_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str] = mapped_column(sa.String(20), default="")
    operation_id: Mapped[str | None] = mapped_column(sa.String(32))


class Erased(Base):
    """A record about whose past nothing is told any more: the values of its audit rows up to ``through`` are hidden.

    The rows themselves are sealed and stay until the audit's retention removes them.
    """

    __tablename__ = "core_erased"

    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    record_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    through: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, index=True)
