"""The tables of saved views."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime

MINE, TEAM, EVERYONE = "mine", "team", "everyone"
SHARES = (MINE, TEAM, EVERYONE)
NAME_LENGTH = 80


class SavedView(Base):
    """A view kept under a name. ``definition`` is what ``core.records.views.view.View`` writes."""

    __tablename__ = "core_view"
    __table_args__ = (sa.Index("ix_core_view_type", "record_type", "position", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    shared: Mapped[str] = mapped_column(sa.String(10), default=MINE)
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_team.id", ondelete="SET NULL"), index=True)
    definition: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    pinned: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    # A deleted view waits here for the one who wants it back.
    deleted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    def __str__(self) -> str:
        return self.name


class DefaultView(Base):
    """The view with which a list opens, for one person or for one team."""

    __tablename__ = "core_view_default"
    __table_args__ = (
        sa.UniqueConstraint("record_type", "user_id", name="uq_core_view_default_user"),
        sa.UniqueConstraint("record_type", "team_id", name="uq_core_view_default_team"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_team.id", ondelete="CASCADE"))
    view_id: Mapped[int] = mapped_column(sa.ForeignKey("core_view.id", ondelete="CASCADE"), index=True)


class ListLayout(Base):
    """How wide one person made the columns of a list, in pixels by the column's name."""

    __tablename__ = "core_list_layout"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    widths: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)
