"""Where deals have been and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

import core.records.events
from core.database.base import METADATA
from core.database.engine import create_engine
from plugins.sales import history, rules, services
from plugins.sales.defaults import add_defaults
from plugins.sales.models import OPEN, Deal, LostReason, Stage, StageChange

START = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    """A database with every table, without an installation around it."""
    assert core.records.events.OutboxEvent.__tablename__ in METADATA.tables
    made = create_engine("sqlite://")
    with made.connect() as connection:
        METADATA.create_all(connection)
        connection.commit()
        with Session(connection) as session:
            add_defaults(session)
            session.commit()
        yield connection  # type: ignore[misc]
    made.dispose()


steps = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=5),  # which stage
        st.integers(min_value=-3600, max_value=40 * 86400),  # seconds later; a clock may be set back
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, after=st.integers(min_value=0, max_value=86400))
def test_stays_of_a_deal_add_up_to_its_life(
    engine: sa.Connection, steps: list[tuple[int, int]], after: int
) -> None:
    with Session(engine, join_transaction_mode="create_savepoint", expire_on_commit=False, autoflush=False) as session:
        stages = session.scalars(sa.select(Stage).order_by(Stage.position)).all()
        reason = session.scalars(sa.select(LostReason)).first()
        moment = START
        deal = Deal(name="Bridge", amount=Decimal(1))
        session.add(deal)
        rules.settle(deal, moment)
        session.flush()
        latest = moment
        for number, seconds in steps:
            moment += dt.timedelta(seconds=seconds)
            services.move(deal, stages[number], **({"lost_reason": reason} if stages[number].kind == "lost" else {}))
            rules.settle(deal, moment)
            session.flush()
            latest = max(latest, moment)
        asked = latest + dt.timedelta(seconds=after)
        stays = history.stays(session, deal, asked)
        assert sum((stay.duration for stay in stays), history.ZERO) == (deal.closed_at or asked) - deal.created_at
        assert stays[0].entered_at == deal.created_at
        assert all(one.left_at == other.entered_at for one, other in zip(stays, stays[1:], strict=False))
        assert [stay.left_at for stay in stays].count(None) == 1
        assert stays[-1].stage is deal.stage
        assert deal.stage is not None
        assert (deal.closed_at is None) == (deal.stage.kind == OPEN)
        session.rollback()


def test_saving_without_moving_writes_no_stay(work: Session, deal: Deal) -> None:
    deal.next_step = "Call"
    work.commit()
    assert len(history.stays(work, deal)) == 1


def test_stay_says_who_moved_the_deal(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    services.move(deal, stages["Proposal"])
    work.commit()
    (first, second) = history.stays(work, deal)
    assert (first.stage, second.stage) == (stages["Lead"], stages["Proposal"])
    assert second.actor == "Administrator"
    row = work.scalars(sa.select(StageChange).where(StageChange.left_at.is_(None))).one()
    assert row.from_stage is stages["Lead"]


def test_days_in_stage_are_counted_for_open_deals_only(work: Session, deal: Deal, stages: dict[str, Stage]) -> None:
    won = Deal(name="Done", amount=Decimal(1), stage=stages["Won"])
    work.add(won)
    work.commit()
    later = deal.created_at + dt.timedelta(days=15, hours=3)
    assert history.days_in_stage([deal, won], later) == {deal.id: 15}
    assert history.is_stale(deal, 15)
    assert not history.is_stale(deal, 14)


def test_history_goes_with_the_deal(work: Session, deal: Deal) -> None:
    work.delete(deal)
    work.commit()
    assert work.scalar(sa.select(sa.func.count(StageChange.id))) == 0
