"""Dashboards and the cards on them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime

TITLE_LENGTH = 120
WIDEST = 3  # columns of the grid
MOST_CARDS = 40  # on one dashboard
MOST_DASHBOARDS = 50  # of one person


class Dashboard(Base):
    """Cards that somebody arranged. ``home`` is the owner's own home page, ``shared`` shows it to everyone."""

    __tablename__ = "core_dashboard"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(sa.String(TITLE_LENGTH))
    home: Mapped[bool] = mapped_column(default=False)
    shared: Mapped[bool] = mapped_column(default=False, index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)

    owner: Mapped[User] = relationship(User)
    cards: Mapped[list[DashboardCard]] = relationship(
        back_populates="dashboard",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="(DashboardCard.position, DashboardCard.id)",
    )


class DashboardCard(Base):
    """One card: a plugin's, by ``name``, or a report of the person's own, by its ``report``."""

    __tablename__ = "core_dashboard_card"

    id: Mapped[int] = mapped_column(primary_key=True)
    dashboard_id: Mapped[int] = mapped_column(sa.ForeignKey("core_dashboard.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(sa.String(160), default="")
    title: Mapped[str] = mapped_column(sa.String(TITLE_LENGTH), default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    width: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)

    dashboard: Mapped[Dashboard] = relationship(Dashboard, back_populates="cards")
