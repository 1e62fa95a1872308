"""Counts and sums, on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from core import archive
from core.testing.installation import TestInstallation
from plugins.sales import figures, history, services
from plugins.sales.models import Deal
from plugins.sales.rules import first_pipeline


@pytest.fixture
def work(make_site: Callable[..., TestInstallation], dialect: str) -> Iterator[Session]:
    """A unit of work of an administrator, on each database in turn."""
    with make_site("contacts", "sales", dialect=dialect).acting("administrator") as session:
        yield session


def test_sums_are_exact_and_apart_by_currency(work: Session) -> None:
    pipeline = first_pipeline(work)
    assert pipeline is not None
    lead, qualified, *_rest = services.stages_of(work, pipeline)
    binned = Deal(name="Binned", amount=Decimal(99), stage=lead)
    work.add_all(
        [
            Deal(name="One", amount=Decimal("0.10"), currency="USD", stage=lead),
            Deal(name="Two", amount=Decimal("0.20"), currency="USD", stage=lead),
            Deal(name="Three", amount=Decimal(10) ** 14, currency="IRR", stage=lead),
            Deal(name="Four", stage=qualified),
            binned,
        ]
    )
    work.commit()
    archive(binned)
    work.commit()
    (funnel,) = figures.funnels(work)
    first, second, *others = funnel.stages
    assert (first.count, first.sums) == (3, {"USD": Decimal("0.30"), "IRR": Decimal(10) ** 14})
    assert (second.count, second.sums) == (1, {})
    assert [entry.count for entry in others] == [0, 0]
    assert funnel.most == 3


def test_stays_follow_a_deal(work: Session) -> None:
    deal = Deal(name="Bridge", amount=Decimal(1))
    work.add(deal)
    work.commit()
    services.win(deal)
    work.commit()
    (first, last) = history.stays(work, deal)
    assert first.left_at == last.entered_at == deal.closed_at
    assert first.duration == deal.closed_at - deal.created_at
    assert history.days_in_stage([deal]) == {}
    services.reopen(deal)
    work.commit()
    assert history.days_in_stage([deal]) == {deal.id: 0}


def test_deal_of_the_past_keeps_the_day_it_was_closed(work: Session) -> None:
    pipeline = first_pipeline(work)
    assert pipeline is not None
    *_rest, won, _lost = services.stages_of(work, pipeline)
    closed = dt.datetime(2025, 1, 9, tzinfo=dt.UTC)
    created = closed - dt.timedelta(days=30)
    deal = Deal(name="Old", amount=Decimal(1), stage=won, created_at=created, closed_at=closed)
    work.add(deal)
    work.commit()
    assert deal.closed_at == closed
    assert sum((stay.duration for stay in history.stays(work, deal)), history.ZERO) == dt.timedelta(days=30)
