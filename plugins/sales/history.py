"""Where a deal has been and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapper, Session, joinedload, object_session
from sqlalchemy.orm.attributes import instance_state

from core import acting, now, write_event
from plugins.sales.models import LOST, OPEN, WON, Deal, Stage, StageChange

OUTCOMES = {WON: "sales.deal.won", LOST: "sales.deal.lost"}
ZERO = dt.timedelta(0)


@dataclass(frozen=True)
class Stay:
    """One stay of a deal in a stage. ``duration`` of the present one reaches to the moment asked for."""

    stage: Stage | None
    entered_at: dt.datetime
    left_at: dt.datetime | None
    duration: dt.timedelta
    actor: str

    @property
    def is_over(self) -> bool:
        """Whether the deal went on, or ended here."""
        return self.left_at is not None or (self.stage is not None and self.stage.kind != OPEN)


def enter(session: Session, deal: Deal, before: Stage | None, stage: Stage, moment: dt.datetime) -> dt.datetime:
    """Write down that ``deal`` leaves the stage ``before`` for ``stage``.

    Returns:
        The moment that was written: a clock that was set back never makes a stay shorter than nothing, and the first
        stay begins with the deal.
    """
    if instance_state(deal).persistent:
        stay = session.scalars(
            sa.select(StageChange)
            .where(StageChange.deal_id == deal.id, StageChange.left_at.is_(None))
            .order_by(StageChange.id.desc())
            .limit(1)
        ).first()
        if stay is not None:
            moment = max(moment, stay.entered_at)
            stay.left_at = moment
    else:
        deal.created_at = moment = deal.created_at or moment
    session.add(
        StageChange(deal=deal, from_stage=before, stage=stage, entered_at=moment, actor_id=acting().user_id)
    )
    return moment


@event.listens_for(StageChange, "after_insert")
def tell_outcome(_mapper: Mapper[StageChange], _connection: Connection, change: StageChange) -> None:
    """Put «won» and «lost» in the outbox with the row that makes them true; by now the deal has its id."""
    before, stage, session = change.from_stage, change.stage, object_session(change)
    if stage is None or session is None or stage.kind not in OUTCOMES or (before and before.kind == stage.kind):
        return
    deal = change.deal
    data = {
        "name": deal.name,
        "amount": deal.amount,
        "currency": deal.currency,
        "stage_id": change.stage_id,
        "owner_id": deal.owner_id,
        "lost_reason_id": deal.lost_reason_id,
    }
    write_event(session, OUTCOMES[stage.kind], deal.__record_type__, change.deal_id, data)


def stays(session: Session, deal: Deal, moment: dt.datetime | None = None) -> list[Stay]:
    """The stays of ``deal`` from first to last; their durations add up to its life.

    Args:
        moment: until when the present stay of an open deal counts; by default now. The life of a closed deal ends
            when it was closed.
    """
    until = deal.closed_at or moment or now()
    rows = session.scalars(
        sa.select(StageChange)
        .options(joinedload(StageChange.stage), joinedload(StageChange.actor).lazyload("*"))
        .where(StageChange.deal_id == deal.id)
        .order_by(StageChange.entered_at, StageChange.id)
    )
    return [
        Stay(
            row.stage,
            row.entered_at,
            row.left_at,
            max((row.left_at or until) - row.entered_at, ZERO),
            str(row.actor) if row.actor else "",
        )
        for row in rows
    ]


def days_in_last(stays: Sequence[Stay]) -> int | None:
    """For how many whole days an open deal has been in its stage, from its stays; None for a closed one."""
    last = stays[-1] if stays else None
    return None if last is None or last.is_over else last.duration.days


def days_in_stage(deals: Sequence[Deal], moment: dt.datetime | None = None) -> Mapping[int, int]:
    """For how many whole days each open deal has been in its stage; one query for all."""
    session = object_session(deals[0]) if deals else None
    if session is None:
        return {}
    moment = moment or now()
    rows = session.execute(
        sa.select(StageChange.deal_id, sa.func.max(StageChange.entered_at, type_=StageChange.entered_at.type))
        .where(
            StageChange.deal_id.in_([deal.id for deal in deals if deal.closed_at is None]),
            StageChange.left_at.is_(None),
        )
        .group_by(StageChange.deal_id)
    )
    return {deal_id: max(moment - entered_at, ZERO).days for deal_id, entered_at in rows}


def is_stale(deal: Deal, days: int | None) -> bool:
    """Whether ``deal`` has been in its stage for longer than the stage allows."""
    stage = deal.stage
    return stage is not None and stage.rot_days is not None and days is not None and days > stage.rot_days
