"""A guest book."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core import Record, plugin_base

Base = plugin_base("tight_lipped")


class Guest(Base, Record):
    """Somebody who came by."""

    __tablename__ = "tight_lipped_guest"

    name: Mapped[str] = mapped_column(sa.String(80), info={"label": "Name", "personal": True})
