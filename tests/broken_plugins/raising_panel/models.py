"""A record type, so that there is a page to fail on."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core import Record, plugin_base

Base = plugin_base("raising_panel")


class Page(Base, Record):
    """Something with a page."""

    __tablename__ = "raising_panel_page"

    name: Mapped[str] = mapped_column(sa.String(80))
