"""Parcels."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core import Record, plugin_base

Base = plugin_base("parcels")


class Parcel(Base, Record):
    """Something to deliver."""

    __tablename__ = "parcels_parcel"

    name: Mapped[str] = mapped_column(sa.String(80))
