"""Keeping pipelines and stages."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import Forbidden, ValidationError, archive
from core.testing.installation import TestInstallation
from plugins.sales import services
from plugins.sales.defaults import add_defaults, add_pipeline
from plugins.sales.demo import add_deals
from plugins.sales.models import LOST, OPEN, WON, Deal, LostReason, Pipeline, Stage, StageChange


def names(work: Session, pipeline: Pipeline) -> list[str]:
    return [stage.name for stage in services.stages_of(work, pipeline)]


def test_installing_adds_a_pipeline_once(work: Session, pipeline: Pipeline) -> None:
    add_defaults(work)
    work.commit()
    stages = services.stages_of(work, pipeline)
    assert [(stage.name, stage.probability, stage.kind) for stage in stages] == [
        ("Lead", 10, OPEN),
        ("Qualified", 25, OPEN),
        ("Proposal", 50, OPEN),
        ("Negotiation", 75, OPEN),
        ("Won", 100, WON),
        ("Lost", 0, LOST),
    ]
    assert work.scalar(sa.select(sa.func.count(Pipeline.id))) == 1
    assert work.scalar(sa.select(sa.func.count(LostReason.id))) == 4


def test_new_open_stage_comes_before_won_and_lost(work: Session, pipeline: Pipeline) -> None:
    stage = services.add_stage(work, pipeline, " Demo ", probability=60)
    work.commit()
    assert names(work, pipeline) == ["Lead", "Qualified", "Proposal", "Negotiation", "Demo", "Won", "Lost"]
    services.rename_stage(stage, "Trial")
    work.commit()
    assert "Trial" in names(work, pipeline)


def test_stages_are_reordered(work: Session, pipeline: Pipeline, stages: dict[str, Stage]) -> None:
    services.reorder_stages(work, pipeline, [stages["Proposal"].id, stages["Lead"].id])
    work.commit()
    assert names(work, pipeline) == ["Proposal", "Lead", "Qualified", "Negotiation", "Won", "Lost"]
    services.shift_stage(work, stages["Lead"], 1)
    services.shift_stage(work, stages["Lost"], 1)
    work.commit()
    assert names(work, pipeline) == ["Proposal", "Qualified", "Lead", "Negotiation", "Won", "Lost"]


def test_order_with_a_foreign_stage_is_refused(work: Session, pipeline: Pipeline, stages: dict[str, Stage]) -> None:
    for ids in ([10**9], [stages["Lead"].id, stages["Lead"].id]):
        with pytest.raises(ValidationError):
            services.reorder_stages(work, pipeline, ids)


def test_deals_of_a_removed_stage_move_on(
    work: Session, deal: Deal, pipeline: Pipeline, stages: dict[str, Stage]
) -> None:
    binned = Deal(name="In the bin")
    work.add(binned)
    work.commit()
    archive(binned)
    work.commit()
    with pytest.raises(ValidationError) as caught:
        services.remove_stage(work, stages["Lead"])
    assert set(caught.value.errors) == {"target"}
    with pytest.raises(ValidationError):
        services.remove_stage(work, stages["Lead"], stages["Won"])
    assert services.remove_stage(work, stages["Lead"], stages["Qualified"]) == 2
    work.commit()
    assert deal.stage is binned.stage is stages["Qualified"]
    assert "Lead" not in names(work, pipeline)


@pytest.mark.parametrize("name", ["Won", "Lost"])
def test_last_stage_of_its_kind_stays(work: Session, stages: dict[str, Stage], name: str) -> None:
    with pytest.raises(ValidationError):
        services.remove_stage(work, stages[name])


def test_pipeline_with_deals_and_the_last_one_stay(work: Session, deal: Deal, pipeline: Pipeline) -> None:
    with pytest.raises(ValidationError):
        services.remove_pipeline(work, pipeline)
    other = add_pipeline(work, "Renewals", 2)
    work.commit()
    with pytest.raises(ValidationError):
        services.remove_pipeline(work, pipeline)
    services.remove_pipeline(work, other)
    work.commit()
    assert services.pipelines(work) == [pipeline]


def test_users_keep_no_stages(installation: TestInstallation) -> None:
    with installation.acting("user") as work:
        (stage, *_rest) = work.scalars(sa.select(Stage).order_by(Stage.position)).all()
        services.rename_stage(stage, "Mine")
        with pytest.raises(Forbidden):
            work.commit()
        work.rollback()
        assert stage.name == "Lead"


def test_whoever_sees_deals_sees_what_they_are_made_of_and_others_do_not(installation: TestInstallation) -> None:
    installation.grant("seller", {f"sales.deal.{verb}": "own" for verb in ("see", "create", "edit", "delete")})
    installation.grant("writer", {"contacts.person.see": "all"})
    with installation.acting("seller") as work:
        deal = Deal(name="Chairs", pipeline=services.pipelines(work)[0])
        work.add(deal)
        work.commit()
        deal.name = "Tables"
        work.commit()
        assert deal.stage is not None
        assert work.scalars(sa.select(LostReason)).all()
        services.rename_stage(deal.stage, "Mine")
        with pytest.raises(Forbidden):
            work.commit()
        work.rollback()
    with installation.acting("writer") as work:
        assert work.scalars(sa.select(Pipeline)).all() == work.scalars(sa.select(LostReason)).all() == []


def test_sample_deals_have_a_past(installation: TestInstallation) -> None:
    with installation.acting() as work:
        add_deals(work)
        work.commit()
        deals = work.scalars(sa.select(Deal)).all()
        assert len(deals) == 19
        assert {deal.stage.kind for deal in deals if deal.stage} == {OPEN, WON, LOST}
        assert all(deal.amount for deal in deals)
        rows = work.scalars(sa.select(StageChange)).all()
        assert all(row.left_at is None or row.left_at >= row.entered_at for row in rows)
        assert [row.left_at for row in rows].count(None) == 19
