"""What every record has, and what plugins add by mixing in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from core.accounts.models import User, now
from core.database.types import Location, UtcDateTime

__all__ = ["Located", "Location", "Owned", "Record", "Searchable", "now"]


class Record:
    """Identity, authorship, version and archive of a record.

    ``version`` guards against lost updates: a write from an older version raises ``StaleDataError``. A record with
    ``archived_at`` lies in the recycle bin and is left out of every query that does not ask for it.
    ``__responsible__``, where a class has it, names the columns with users whose own the record is; without it that is
    who made it. ``__subject__`` marks a class whose records stand for human beings.
    """

    __record_type__: str
    __plugin__: str
    __subject__: bool = False

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, index=True)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
    version: Mapped[int] = mapped_column(default=1)
    archived_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:
        return mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))

    @declared_attr
    def updated_by_id(cls) -> Mapped[int | None]:
        return mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        # A subclass in the same table shares its parent's version column.
        return {} if "__tablename__" not in cls.__dict__ else {"version_id_col": cls.version}

    def __str__(self) -> str:
        return str(getattr(self, "name", None) or f"#{self.id}")


def responsible_columns(model: Any) -> tuple[str, ...]:
    """The columns with the users whose own a record of ``model`` is."""
    named: tuple[str, ...] = getattr(model, "__responsible__", ("created_by_id",))
    return named


class Owned:
    """A record that somebody is responsible for."""

    __responsible__: tuple[str, ...] = ("owner_id",)

    @declared_attr
    def owner_id(cls) -> Mapped[int | None]:
        return mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"), index=True)

    @declared_attr
    def owner(cls) -> Mapped[User | None]:
        return relationship(User, foreign_keys=[cls.owner_id], lazy="select", info={"label": _l("Owner")})  # type: ignore[list-item]


class Searchable:
    """A record found by part of any of its words, in any spelling, and sorted as people expect.

    The gate fills both columns on every save from ``search_words`` and ``sort_name``.
    """

    name_sort: Mapped[str] = mapped_column(sa.String(400), default="", index=True)
    search_text: Mapped[str] = mapped_column(sa.Text, default="")

    def search_words(self) -> list[str | None]:
        """The texts by which this record is found."""
        return [str(self)]

    def sort_name(self) -> str:
        """The text by which this record is sorted."""
        return str(self)


class Located:
    """A record with a place on the earth."""

    latitude: Mapped[float | None] = mapped_column(sa.Float)
    longitude: Mapped[float | None] = mapped_column(sa.Float)

    @property
    def location(self) -> Location | None:
        """The place, or None while either coordinate is missing."""
        if self.latitude is None or self.longitude is None:
            return None
        return Location(self.latitude, self.longitude)

    @location.setter
    def location(self, place: Location | None) -> None:
        self.latitude, self.longitude = (None, None) if place is None else (place.latitude, place.longitude)


class BoardLane:
    """A record that is a lane of boards, such as a stage, with what a person set for it in place.

    ``required_fields`` names the fields that a record must have filled to enter; the gate holds every door to it.
    A record that stays longer than ``rot_days`` stands out. ``card_limit`` is how many records a lane should hold.
    """

    required_fields: Mapped[list[str] | None] = mapped_column(sa.JSON, info={"label": _l("Asked on entering")})
    rot_days: Mapped[int | None] = mapped_column(info={"label": _l("Stale after (days)")})
    card_limit: Mapped[int | None] = mapped_column(info={"label": _l("At most (cards)")})


class Part:
    """A row that belongs to a record, such as one of its phone numbers.

    ``__whole__`` names the relationship to that record. Changing a part is changing the whole: it needs the whole's
    rights and stands in the whole's history.
    """

    __whole__: str
