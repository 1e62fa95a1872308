"""Kept totals equal counted ones, whatever happens to records and whoever is killed."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.records.archive import archive, restore
from core.records.catalog import current_catalog
from core.records.totals import LaneTotal, Recount, Total, exact_totals, kept_totals, recount
from core.testing.installation import TestInstallation
from plugins.sales.models import Deal, LostReason, Pipeline, Stage
from plugins.sales.services import lose, move, stages_of, win


@pytest.fixture
def installation(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    """Deals on each database, their totals kept from now on."""
    made = make_site("contacts", "sales", dialect=dialect)
    with made.acting() as session:
        stage = session.scalars(sa.select(Stage).order_by(Stage.position)).first()
        session.add_all(Deal(name=f"d{n}", amount=Decimal(n), stage=stage) for n in range(5))
        session.commit()
    count_anew(made)
    return made


@pytest.fixture
def work(installation: TestInstallation) -> Iterator[Session]:
    """A unit of work as the installation itself."""
    with installation.acting() as session:
        yield session


def count_anew(installation: TestInstallation) -> bool:
    kept = installation.site.catalog.kept[Deal]
    return recount(installation.runtime.database, kept, worth_keeping=0)


def sums(totals: list[Total] | None) -> Counter[Any]:
    """Count and amount by lane, currency and chance."""
    assert totals is not None, "the totals are not kept"
    found: Counter[Any] = Counter()
    for total in totals:
        key = (total.key, total.currency, total.chance)
        found[key, "count"] += total.count
        found[key, "amount"] += int(total.amount or 0)
    return Counter({key: value for key, value in found.items() if value})


def counted(session: Session) -> Counter[Any]:
    fields = current_catalog().find("sales.deal").fields
    return sums(exact_totals(session, sa.select(Deal), Deal, Deal.stage_id, fields["amount"], "probability"))


def kept(session: Session) -> Counter[Any]:
    return sums(kept_totals(session, current_catalog().kept[Deal]))


def test_kept_totals_follow_random_changes_at_once(installation: TestInstallation, work: Session) -> None:
    chance = random.Random(3)
    pipeline = work.scalars(sa.select(Pipeline)).first()
    assert pipeline is not None
    stages = [stage for stage in stages_of(work, pipeline) if stage.kind == "open"]
    for round_number in range(40):
        deals = list(work.scalars(sa.select(Deal).execution_options(include_archived=True)))
        deal = chance.choice(deals)
        act = chance.randrange(8)
        if act == 0:
            work.add(Deal(name="new", amount=chance.choice([None, Decimal("1.23")]), stage=chance.choice(stages)))
        elif act == 1 and deal.archived_at is None:
            archive(deal)
        elif act == 2 and deal.archived_at is not None:
            restore(deal)
        elif act == 3 and len(deals) > 3:
            work.delete(deal)
        elif act == 4:
            deal.stage_id, deal.pipeline_id = chance.choice(stages).id, pipeline.id
        elif act == 5:
            move(deal, chance.choice(stages))
        elif act == 6:
            deal.amount, deal.currency = Decimal(chance.randrange(10**9)) / 100, chance.choice(["IRR", "USD"])
        else:
            deal.probability = chance.choice([10, 35, 60])
        if chance.random() < 0.2:
            work.flush()
            work.rollback()
        else:
            work.commit()
        assert kept(work) == counted(work), round_number
        if round_number % 10 == 9:
            work.rollback()  # on SQLite a unit of work that reads holds the lock of a writer
            count_anew(installation)
            assert kept(work) == counted(work), round_number


def test_won_and_lost_deals_and_a_removed_stage_are_counted(work: Session) -> None:
    deals = list(work.scalars(sa.select(Deal)))
    win(deals[1])
    work.commit()
    lose(deals[2], work.scalars(sa.select(LostReason)).first())  # type: ignore[arg-type]
    work.commit()
    assert kept(work) == counted(work)


def test_what_goes_past_the_unit_of_work_is_counted_until_the_next_recount(
    installation: TestInstallation, work: Session
) -> None:
    work.execute(sa.update(Deal).values(amount=Decimal(7)))
    work.commit()
    assert kept_totals(work, current_catalog().kept[Deal]) is None
    work.rollback()
    assert count_anew(installation)
    assert kept(work) == counted(work)


def test_kept_totals_are_trusted_for_a_minute(installation: TestInstallation, work: Session) -> None:
    entry = current_catalog().kept[Deal]
    assert kept_totals(work, entry, now() + dt.timedelta(seconds=50)) is not None
    assert kept_totals(work, entry, now() + dt.timedelta(seconds=70)) is None


def test_few_records_are_not_worth_keeping(installation: TestInstallation, work: Session) -> None:
    entry = current_catalog().kept[Deal]
    work.rollback()
    assert not recount(installation.runtime.database, entry)
    assert kept_totals(work, entry) is None
    assert work.scalar(sa.select(sa.func.count()).select_from(LaneTotal)) == 0


def test_a_change_during_a_recount_is_neither_lost_nor_counted_twice(
    make_site: Callable[..., TestInstallation], installation: TestInstallation
) -> None:
    stop, failures = threading.Event(), []

    def count() -> None:
        while not stop.is_set():
            try:
                count_anew(installation)
            except Exception as error:
                failures.append(error)

    counters = [threading.Thread(target=count) for _ in range(2)]
    for thread in counters:
        thread.start()
    try:
        for number in range(30):
            with installation.acting() as session:
                stage = session.scalars(sa.select(Stage).order_by(Stage.position)).first()
                session.add(Deal(name=f"n{number}", amount=Decimal(1), stage=stage))
                session.commit()
                session.close()
    finally:
        stop.set()
        for thread in counters:
            thread.join()
    assert failures == []
    with installation.acting() as session:
        assert kept(session) == counted(session)


def test_a_recount_killed_half_way_leaves_the_totals_as_they_were(
    installation: TestInstallation, work: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(work)
    work.rollback()
    real = sa.Connection.execute

    def killed(self: sa.Connection, statement: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(statement, sa.Insert) and statement.table.name == "core_lane_total":
            raise KeyboardInterrupt
        return real(self, statement, *args, **kwargs)

    monkeypatch.setattr(sa.Connection, "execute", killed)
    with pytest.raises(KeyboardInterrupt):
        count_anew(installation)
    monkeypatch.undo()
    assert kept(work) == before == counted(work)


def test_the_board_shows_kept_totals_only_to_who_sees_every_record(
    make_site: Callable[..., TestInstallation], installation: TestInstallation
) -> None:
    with installation.acting() as session:
        # A kept total that cannot be: whoever sees it was shown kept ones.
        session.execute(sa.insert(LaneTotal).values(record_type="sales.deal", lane="1", currency="IRR", count=990))
        session.commit()
    browser = installation.browser("user")
    assert "995<" in browser.get("/sales/deal/board").text
    assert "995<" not in browser.get("/sales/deal/board?search=d1").text
    with installation.acting() as session:
        session.execute(sa.delete(Recount))
        session.commit()
    assert "995<" not in browser.get("/sales/deal/board").text
