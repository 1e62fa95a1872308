"""Verbs on deals, stages and pipelines. Rights, history and events follow when the session writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, object_session

from core import ValidationError, archive, as_system
from plugins.sales.models import LOST, OPEN, WON, Deal, LostReason, Pipeline, Stage
from plugins.sales.rules import deal_count, first_stage

# --- deals


def move(deal: Deal, stage: Stage, **values: Any) -> None:
    """Put ``deal`` in ``stage`` and set ``values``, such as the ``lost_reason`` that a lost stage wants."""
    for name, value in values.items():
        setattr(deal, name, value)
    deal.stage = stage


def missing(deal: Deal, stage: Stage) -> tuple[str, ...]:
    """The fields that must be filled before ``deal`` can stand in ``stage``."""
    if stage.kind == WON and deal.amount is None:
        return ("amount",)
    if stage.kind == LOST and deal.lost_reason is None:
        return ("lost_reason",)
    return ()


def win(deal: Deal) -> None:
    """Move ``deal`` to the won stage of its pipeline.

    Raises:
        ValidationError: its pipeline has none.
    """
    move(deal, _stage_of_kind(deal, WON))


def lose(deal: Deal, reason: LostReason, note: str | None = None) -> None:
    """Move ``deal`` to the lost stage of its pipeline.

    Raises:
        ValidationError: its pipeline has none.
    """
    move(deal, _stage_of_kind(deal, LOST), lost_reason=reason, lost_note=note)


def reopen(deal: Deal) -> None:
    """Move a closed deal back to the first open stage of its pipeline; why it was lost is forgotten.

    Raises:
        ValidationError: its pipeline has none.
    """
    move(deal, _stage_of_kind(deal, OPEN))


def _stage_of_kind(deal: Deal, kind: str) -> Stage:
    session = object_session(deal)
    stage = first_stage(session, deal.pipeline, kind) if session is not None and deal.pipeline is not None else None
    if stage is None:
        raise ValidationError(stage=_("This pipeline has no such stage."))
    return stage


# --- stages


def stages_of(session: Session, pipeline: Pipeline) -> list[Stage]:
    """The stages of ``pipeline`` from first to last."""
    return list(
        session.scalars(
            sa.select(Stage)
            .where(Stage.pipeline_id == pipeline.id, Stage.archived_at.is_(None))
            .order_by(Stage.position, Stage.id)
        )
    )


def deal_counts(session: Session, pipeline: Pipeline) -> Mapping[int, int]:
    """How many deals stand in each stage; one query for all."""
    rows = session.execute(
        sa.select(Deal.stage_id, sa.func.count(Deal.id))
        .where(Deal.pipeline_id == pipeline.id, Deal.stage_id.is_not(None))
        .group_by(Deal.stage_id)
    )
    return {stage_id: count for stage_id, count in rows if stage_id is not None}


def rename_stage(stage: Stage, name: str) -> None:
    """Give ``stage`` another name."""
    stage.name = name.strip()


def add_stage(session: Session, pipeline: Pipeline, name: str, **values: Any) -> Stage:
    """A new stage of ``pipeline``, behind those of its kind: open stages stay before won and lost ones."""
    stage = Stage(pipeline=pipeline, name=name.strip(), **{"kind": OPEN, **values})
    stages = stages_of(session, pipeline)
    place = max((number for number, other in enumerate(stages, 1) if other.kind == stage.kind), default=None)
    if place is None:
        place = 0 if stage.kind == OPEN else len(stages)
    session.add(stage)
    _number([*stages[:place], stage, *stages[place:]])
    return stage


def reorder_stages(session: Session, pipeline: Pipeline, ids: Sequence[int]) -> None:
    """Put the stages of ``pipeline`` in the order of ``ids``; stages that are not named keep their order, at the end.

    Raises:
        ValidationError: an id is no stage of this pipeline, or there twice.
    """
    stages = {stage.id: stage for stage in stages_of(session, pipeline)}
    if len(set(ids)) != len(ids) or not set(ids) <= set(stages):
        raise ValidationError(_("The stages have changed in the meantime. Look again."))
    _number([*(stages.pop(key) for key in ids), *stages.values()])


def shift_stage(session: Session, stage: Stage, by: int) -> None:
    """Move ``stage`` ``by`` places towards the end, or towards the beginning when negative; at most to the edge."""
    assert stage.pipeline is not None, "a stage has a pipeline"
    stages = stages_of(session, stage.pipeline)
    place = stages.index(stage)
    stages.insert(min(max(place + by, 0), len(stages) - 1), stages.pop(place))
    _number(stages)


def remove_stage(session: Session, stage: Stage, target: Stage | None = None) -> int:
    """Take ``stage`` out of its pipeline; its deals go to ``target``, also those in the recycle bin.

    Returns:
        How many deals were moved.

    Raises:
        ValidationError: it is the last of its kind, there are deals and no target, or the target will not do.
    """
    assert stage.pipeline is not None, "a stage has a pipeline"
    others = [other for other in stages_of(session, stage.pipeline) if other is not stage]
    if all(other.kind != stage.kind for other in others):
        raise ValidationError(_("A pipeline needs an open, a won and a lost stage: “%(name)s” stays.", name=stage.name))
    moved = 0
    if deal_count(session, stage):
        if target is None:
            raise ValidationError(target=_("Choose where its deals go."))
        if target not in others or target.kind != stage.kind:
            raise ValidationError(target=_("Deals can only go to a stage of the same pipeline and kind."))
        # Every deal moves, also one that the actor does not see: nothing may stay in a stage that is gone.
        with as_system("stage removed", source="web"):
            statement = sa.select(Deal).where(Deal.stage_id == stage.id)
            for deal in session.scalars(statement.execution_options(include_archived=True)).all():
                move(deal, target)
                moved += 1
            session.flush()
    archive(stage)
    return moved


def _number(stages: Sequence[Stage]) -> None:
    for position, stage in enumerate(stages, 1):
        if stage.position != position:
            stage.position = position


# --- pipelines


def pipelines(session: Session) -> list[Pipeline]:
    """All pipelines from first to last."""
    return list(
        session.scalars(
            sa.select(Pipeline).where(Pipeline.archived_at.is_(None)).order_by(Pipeline.position, Pipeline.id)
        )
    )


def remove_pipeline(session: Session, pipeline: Pipeline) -> None:
    """Put an empty pipeline and its stages in the recycle bin.

    Raises:
        ValidationError: there are deals in it, or it is the last one.
    """
    if len(pipelines(session)) < 2:
        raise ValidationError(_("This is the last pipeline; it stays."))
    if deal_count(session, pipeline):
        raise ValidationError(_("There are deals in this pipeline, perhaps in the recycle bin. It stays."))
    for stage in stages_of(session, pipeline):
        archive(stage)
    archive(pipeline)
