"""The vehicles."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import Record, Searchable, plugin_base
from plugins.contacts.models import Person

Base = plugin_base("fleet")


class Vehicle(Base, Record, Searchable):
    """A vehicle. It stays when its driver is deleted."""

    __tablename__ = "fleet_vehicle"

    plate: Mapped[str] = mapped_column(sa.String(20), info={"label": _l("Plate")})
    model: Mapped[str | None] = mapped_column(sa.String(80), info={"label": _l("Model")})
    driver_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("contacts_contact.id", ondelete="SET NULL"), index=True
    )
    driver: Mapped[Person | None] = relationship(Person, info={"label": _l("Driver")})

    def __str__(self) -> str:
        return self.plate

    def search_words(self) -> list[str | None]:
        """A vehicle is found by its plate and by its model."""
        return [self.plate, self.model]
