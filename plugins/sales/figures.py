"""Counts and sums of deals for cards and panels, a few grouped queries each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.util import identity_key

from core import User
from plugins.sales.models import OPEN, Deal, Pipeline, Stage
from plugins.sales.planning import without_plan


@dataclass
class StageSum:
    """The deals of one stage; ``sums`` are amounts by currency."""

    stage: Stage
    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Funnel:
    """The open stages of one pipeline."""

    pipeline: Pipeline
    stages: list[StageSum]

    @property
    def most(self) -> int:
        """The count of the fullest stage, at least one."""
        return max([1, *(stage.count for stage in self.stages)])


def funnels(session: Session) -> list[Funnel]:
    """Every pipeline with its open stages, counted and summed by one grouped query."""
    stages = session.scalars(
        sa.select(Stage)
        .join(Pipeline, Pipeline.id == Stage.pipeline_id)
        .options(joinedload(Stage.pipeline))
        .where(Stage.kind == OPEN, Stage.archived_at.is_(None), Pipeline.archived_at.is_(None))
        .order_by(Pipeline.position, Pipeline.id, Stage.position, Stage.id)
    ).all()
    sums = {stage.id: StageSum(stage) for stage in stages}
    rows = session.execute(
        sa.select(Deal.stage_id, Deal.currency, sa.func.count(Deal.id), sa.func.sum(Deal.amount))
        .where(Deal.stage_id.in_(sums), Deal.archived_at.is_(None))
        .group_by(Deal.stage_id, Deal.currency)
    )
    for stage_id, currency, count, total in rows:
        entry = sums[stage_id]  # type: ignore[index]
        entry.count += count
        if total:
            entry.sums[currency] = total
    found: dict[int, Funnel] = {}
    for stage in stages:
        assert stage.pipeline is not None, "the query joins it"
        found.setdefault(stage.pipeline.id, Funnel(stage.pipeline, [])).stages.append(sums[stage.id])
    return list(found.values())


@dataclass(frozen=True)
class DealList:
    """The first deals of a list, and how many there are in all."""

    deals: Sequence[Deal]
    count: int
    sums: dict[str, Decimal]


def without_next_step(session: Session, limit: int) -> DealList:
    """Open deals for which nobody planned what comes next, the most urgent first."""
    return _open_deals(session, without_plan(), limit)


def _open_deals(session: Session, criterion: sa.ColumnElement[bool], limit: int) -> DealList:
    wanted = sa.and_(criterion, Deal.closed_at.is_(None), Deal.archived_at.is_(None))
    deals = session.scalars(
        sa.select(Deal)
        .options(joinedload(Deal.stage), joinedload(Deal.company))
        .where(wanted)
        .order_by(Deal.expected_close.asc().nulls_last(), Deal.id)
        .limit(limit)
    ).all()
    rows = session.execute(
        sa.select(Deal.currency, sa.func.count(Deal.id), sa.func.sum(Deal.amount)).where(wanted).group_by(Deal.currency)
    ).all()
    sums = {code: total for code, _count, total in rows if total}
    return DealList(deals, sum(count for _code, count, _sum in rows), sums)


def with_next_step(session: Session, ids: Sequence[int], limit: int) -> list[tuple[int, str, str | None]]:
    """Id, next step and owner of the open deals among ``ids``, the most urgent first."""
    if not ids:
        return []
    held = [session.identity_map.get(identity_key(Deal, number)) for number in ids]
    if len(held) == 1 and held[0] is not None:
        deal: Deal = held[0]  # its own page has read it already
        owner = deal.owner.name if deal.owner is not None else None
        return [(deal.id, deal.next_step, owner)] if deal.next_step and deal.closed_at is None else []
    rows = session.execute(
        sa.select(Deal.id, Deal.next_step, User.name)
        .outerjoin(User, User.id == Deal.owner_id)
        .where(Deal.id.in_(ids), sa.func.coalesce(Deal.next_step, "") != "", Deal.closed_at.is_(None))
        .order_by(Deal.expected_close.asc().nulls_last(), Deal.id)
        .limit(limit)
    )
    return [(deal_id, step or "", owner) for deal_id, step, owner in rows]
