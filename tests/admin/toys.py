"""Record types with a field of every kind, and their screens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import User
from core.database.base import plugin_base
from core.database.types import Choice, Color, Email, LongText, Money, Option, Phone, Url, UtcDateTime
from core.errors import ValidationError
from core.parts import (
    ADMINISTRATOR,
    RECORD_VERBS,
    USER,
    Action,
    Board,
    Column,
    DuplicateRule,
    FieldGroup,
    Panel,
    Permission,
    Screen,
)
from core.records.record import BoardLane, Owned, Part, Record, Searchable

Base = plugin_base("toys")

STATES = (
    Option("new", _l("New"), "gray"),
    Option("open", _l("In progress"), "blue"),
    Option("lost", _l("Lost"), "rose"),
)

kite_tag = sa.Table(
    "toys_kite_tag",
    Base.metadata,
    sa.Column("kite_id", sa.ForeignKey("toys_kite.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("toys_tag.id", ondelete="CASCADE"), primary_key=True),
)


class Land(Base, Record):
    """Where makers live."""

    __tablename__ = "toys_land"

    name: Mapped[str] = mapped_column(sa.String(80))


class Maker(Base, Record, Searchable, BoardLane):
    """Who makes kites."""

    __tablename__ = "toys_maker"

    name: Mapped[str] = mapped_column(sa.String(80), info={"label": _l("Name")})
    position: Mapped[int] = mapped_column(default=0)
    probability: Mapped[int | None] = mapped_column()
    land_id: Mapped[int | None] = mapped_column(sa.ForeignKey("toys_land.id", ondelete="SET NULL"))
    land: Mapped[Land | None] = relationship(Land)


class Tag(Base):
    """A word on a kite; no record of its own."""

    __tablename__ = "toys_tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    color: Mapped[str] = mapped_column(Color, default="teal")

    def __str__(self) -> str:
        return self.name


class Kite(Base, Record, Owned, Searchable):
    """A kite, with a field of every kind."""

    __tablename__ = "toys_kite"

    name: Mapped[str] = mapped_column(sa.String(80), info={"label": _l("Name")})
    notes: Mapped[str | None] = mapped_column(LongText(2000))
    state: Mapped[str] = mapped_column(Choice(STATES), default="new")
    reason: Mapped[str | None] = mapped_column(sa.String(80))
    paint: Mapped[str | None] = mapped_column(Color)
    phone: Mapped[str | None] = mapped_column(Phone)
    email: Mapped[str | None] = mapped_column(Email)
    site: Mapped[str | None] = mapped_column(Url)
    price: Mapped[Decimal | None] = mapped_column(Money("currency"))
    currency: Mapped[str] = mapped_column(sa.String(3), default="USD")
    chance: Mapped[int | None] = mapped_column()
    weight: Mapped[float | None] = mapped_column(sa.Float)
    flies: Mapped[bool] = mapped_column(default=True)
    day: Mapped[dt.date | None] = mapped_column()
    moment: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    extra: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    secret: Mapped[str | None] = mapped_column(sa.String(80))
    maker_id: Mapped[int | None] = mapped_column(sa.ForeignKey("toys_maker.id", ondelete="SET NULL"))
    maker: Mapped[Maker | None] = relationship(Maker)
    tags: Mapped[list[Tag]] = relationship(Tag, secondary=kite_tag)
    tails: Mapped[list[Tail]] = relationship(back_populates="kite", cascade="all, delete-orphan")

    def search_words(self) -> list[str | None]:
        return [self.name, self.phone]


class Tail(Base, Part):
    """A tail of a kite."""

    __tablename__ = "toys_tail"
    __whole__ = "kite"

    id: Mapped[int] = mapped_column(primary_key=True)
    kite_id: Mapped[int] = mapped_column(sa.ForeignKey("toys_kite.id", ondelete="CASCADE"))
    kite: Mapped[Kite] = relationship(back_populates="tails")
    label: Mapped[str] = mapped_column(sa.String(20))
    length: Mapped[int | None] = mapped_column()
    stripes: Mapped[bool] = mapped_column(default=False)

    def __str__(self) -> str:
        return self.label


def lengths(kites: Sequence[Kite]) -> Mapping[int, int]:
    """The length of each kite's name."""
    return {kite.id: len(kite.name) for kite in kites}


def fold_up(kites: Sequence[Kite]) -> str:
    """An action."""
    for kite in kites:
        kite.flies = False
    return f"{len(kites)} folded"


def ask(kite: Kite, lane: str) -> tuple[str, ...]:
    """A lost kite needs a reason."""
    return ("reason",) if lane == "lost" else ()


def move(kite: Kite, lane: str, values: Mapping[str, Any]) -> None:
    """Move a kite, unless it was glued."""
    if kite.name == "Glued":
        raise ValidationError("It is glued.")
    kite.state = lane
    if "reason" in values:
        kite.reason = values["reason"]


KITES = Screen(
    model=Kite,
    title="Kite",
    plural="Kites",
    columns=("name", "state", "price", "day", "maker", "tags", "owner", "letters"),
    computed=(Column(name="letters", label="Letters", load=lengths, kind="integer"),),
    form=(
        FieldGroup("Kite", ("name", "state", "owner", "price", "chance", "day", "moment", "flies", "paint", "weight")),
        FieldGroup("Where", ("phone", "email", "site", "maker", "tags", "notes", "extra")),
    ),
    children=("tails",),
    filters=("name", "state", "price", "day", "moment", "maker", "owner", "flies", "phone", "tags"),
    editable=("state", "price"),
    actions=(Action(name="fold", label="Fold up", run=fold_up),),
    board=Board(lane="state", amount="price", probability="chance", date="day", page_size=2, move=move, ask=ask),
    duplicates=(DuplicateRule(field="name", weight=50, reason="The same name."),),
    subtitle=lambda kite: str(kite.maker or ""),
)
MAKERS = Screen(
    model=Maker,
    title="Maker",
    plural="Makers",
    columns=("name",),
    form=(FieldGroup("Maker", ("name", "position")),),
    board=None,
)


def record_panels(record: Record) -> list[Panel]:
    """One panel that works and one that fails while it is drawn."""
    return [
        Panel(title="Good", template="toys/good.html", context={"word": "<calm>"}),
        Panel(title="Bad", template="toys/bad.html", slot="main"),
    ]


PERMISSIONS = {
    f"toys.{kind}.{verb}": Permission(f"toys.{kind}.{verb}", verb, (ADMINISTRATOR, USER))
    for kind in ("kite", "maker")
    for verb in RECORD_VERBS
}
EVERYTHING = frozenset(PERMISSIONS)


def person(name: str = "Sara", email: str = "sara@example.com") -> User:
    """Somebody who may own kites."""
    return User(email=email, name=name, fs_uniquifier=email)
