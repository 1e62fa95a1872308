"""A class whose relationship leads nowhere."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import Record, plugin_base

Base = plugin_base("bad_mapper")


class Orphan(Base, Record):
    """Looks for its parent."""

    __tablename__ = "bad_mapper_orphan"

    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("bad_mapper_orphan.id", ondelete="SET NULL"))
    parent: Mapped[Any] = relationship("NobodyOfThisName")
