"""Pipelines with their stages, deals, and how long each deal stayed where."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core import (
    BoardLane,
    Choice,
    Color,
    LongText,
    Money,
    Option,
    Owned,
    Record,
    Searchable,
    User,
    UtcDateTime,
    plugin_base,
)
from plugins.contacts.models import Company, Person

Base = plugin_base("sales")

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME_LENGTH = 80
DEFAULT_CURRENCY = "IRR"
ALIVE: dict[str, Any] = dict.fromkeys(("postgresql_where", "sqlite_where"), sa.text("archived_at IS NULL"))

OPEN, WON, LOST = "open", "won", "lost"
KINDS = (
    Option(OPEN, _l("Still open"), "blue"),
    Option(WON, _l("Won"), "green"),
    Option(LOST, _l("Lost"), "rose"),
)


class Pipeline(Base, Record):
    """A way of selling, with stages of its own."""

    __tablename__ = "sales_pipeline"

    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), info={"label": _l("Name")})
    position: Mapped[int] = mapped_column(default=0, info={"label": _l("Place in the order")})


class Stage(Base, Record, BoardLane):
    """A step of a pipeline. ``probability`` is in per cent; a deal that stays longer than ``rot_days`` is stale."""

    __tablename__ = "sales_stage"

    pipeline_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_pipeline.id", ondelete="CASCADE"), index=True
    )
    pipeline: Mapped[Pipeline | None] = relationship(Pipeline, info={"label": _l("Pipeline")})
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), info={"label": _l("Name")})
    position: Mapped[int] = mapped_column(default=0, info={"label": _l("Place in the order")})
    kind: Mapped[str] = mapped_column(Choice(KINDS), default=OPEN, info={"label": _l("A deal here is")})
    probability: Mapped[int] = mapped_column(default=0, info={"label": _l("Probability")})
    color: Mapped[str] = mapped_column(Color, default="gray", info={"label": _l("Color")})


class LostReason(Base, Record):
    """Why deals are lost."""

    __tablename__ = "sales_lost_reason"

    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), info={"label": _l("Name")})
    position: Mapped[int] = mapped_column(default=0, info={"label": _l("Place in the order")})


class Deal(Base, Record, Owned, Searchable):
    """Something that may be sold to somebody.

    Pipeline, stage and probability may be left empty when it is saved: ``plugins.sales.rules`` fills them.
    ``closed_at`` is when it was won or lost; ``stage_since`` when an open one came into its stage.
    """

    __tablename__ = "sales_deal"
    # The first cards of a stage, and the sums of all stages, each from an index alone.
    __table_args__ = (
        sa.Index("ix_sales_deal_cards", "stage_id", "expected_close", "id", **ALIVE),
        sa.Index("ix_sales_deal_sums", "stage_id", "currency", "probability", "amount", **ALIVE),
    )

    name: Mapped[str] = mapped_column(sa.String(200), info={"label": _l("Name"), "personal": True})
    amount: Mapped[Decimal | None] = mapped_column(Money("currency"), index=True, info={"label": _l("Amount")})
    currency: Mapped[str] = mapped_column(sa.String(3), default=DEFAULT_CURRENCY, info={"label": _l("Currency")})
    expected_close: Mapped[dt.date | None] = mapped_column(
        sa.Date, index=True, info={"label": _l("Expected close")}
    )
    probability: Mapped[int | None] = mapped_column(
        info={"label": _l("Probability"), "help": _l("In per cent. Empty: that of the stage.")}
    )
    next_step: Mapped[str | None] = mapped_column(
        sa.String(200), info={"label": _l("Next step"), "personal": True}
    )
    lost_note: Mapped[str | None] = mapped_column(
        LongText(2000), info={"label": _l("What happened"), "personal": True}
    )
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True, info={"label": _l("Closed")})
    stage_since: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime, info={"label": _l("In the stage since"), "managed": True}
    )

    pipeline_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_pipeline.id", ondelete="SET NULL"), index=True
    )
    stage_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_stage.id", ondelete="SET NULL"), index=True
    )
    contact_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="SET NULL"), index=True
    )
    company_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("contacts_contact.id", ondelete="SET NULL"), index=True
    )
    lost_reason_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_lost_reason.id", ondelete="SET NULL"), index=True
    )

    pipeline: Mapped[Pipeline | None] = relationship(
        Pipeline, info={"label": _l("Pipeline"), "help": _l("Empty: the first one.")}
    )
    stage: Mapped[Stage | None] = relationship(
        Stage, info={"label": _l("Stage"), "help": _l("Empty: the first one of the pipeline.")}
    )
    contact: Mapped[Person | None] = relationship(
        Person, foreign_keys=[contact_id], info={"label": _l("Contact person")}
    )
    company: Mapped[Company | None] = relationship(
        Company, foreign_keys=[company_id], info={"label": _l("Company")}
    )
    lost_reason: Mapped[LostReason | None] = relationship(LostReason, info={"label": _l("Lost because")})

    def search_words(self) -> list[str | None]:
        """Name and next step. Not the customer: a search must not betray a contact that the reader may not see."""
        return [self.name, self.next_step]

    def sort_name(self) -> str:
        return self.name or ""


class StageChange(Base):
    """One stay of a deal in a stage; ``left_at`` is empty while it lasts."""

    __tablename__ = "sales_stage_change"
    __table_args__ = (sa.Index("ix_sales_stage_change_deal_id_left_at", "deal_id", "left_at"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    deal_id: Mapped[int] = mapped_column(ROW_ID, sa.ForeignKey("sales_deal.id", ondelete="CASCADE"))
    from_stage_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_stage.id", ondelete="SET NULL"), index=True
    )
    stage_id: Mapped[int | None] = mapped_column(
        ROW_ID, sa.ForeignKey("sales_stage.id", ondelete="SET NULL"), index=True
    )
    entered_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))

    deal: Mapped[Deal] = relationship(Deal)
    from_stage: Mapped[Stage | None] = relationship(Stage, foreign_keys=[from_stage_id])
    stage: Mapped[Stage | None] = relationship(Stage, foreign_keys=[stage_id])
    actor: Mapped[User | None] = relationship(User)
