"""Rows of the inbox, and what each person wants to be told of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UNREAD = sa.text("read_at IS NULL")
FOR_DIGEST = sa.text("channel = 'digest' AND mailed_at IS NULL")


class Notification(Base):
    """Something one person was told.

    ``type`` names a ``NotificationType``, ``text`` one of its texts, and ``data`` the plain values in it: the sentence
    is made when somebody reads it, in the reader's language. ``key`` makes sure that nobody is told a thing twice.
    ``channel`` is what the person had chosen when it was written; ``mailed_at`` when it went out in a mail.
    """

    __tablename__ = "core_notification"
    __table_args__ = (
        sa.Index("uq_core_notification_user_id_key", "user_id", "key", unique=True),
        sa.Index("ix_core_notification_user_id", "user_id", "id"),
        sa.Index("ix_core_notification_unread", "user_id", "id", postgresql_where=UNREAD, sqlite_where=UNREAD),
        sa.Index(
            "ix_core_notification_digest", "user_id", "id", postgresql_where=FOR_DIGEST, sqlite_where=FOR_DIGEST
        ),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(200))
    type: Mapped[str] = mapped_column(sa.String(120))
    text: Mapped[str] = mapped_column(sa.String(40), default="")
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    record_type: Mapped[str | None] = mapped_column(sa.String(80))
    record_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    channel: Mapped[str] = mapped_column(sa.String(8))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    snoozed_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    mailed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class NotificationChoice(Base):
    """Through which channel one person wants to hear of one type; no row means the type's own default."""

    __tablename__ = "core_notification_choice"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True)
    type: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(8))


class RecordMute(Base):
    """A record about which one person wants to be told nothing."""

    __tablename__ = "core_record_mute"
    __table_args__ = (sa.Index("ix_core_record_mute_record", "record_type", "record_id"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    record_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
