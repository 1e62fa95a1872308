"""What is true of every deal and stage that is stored, whichever door it came through: form, board, import, job."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import instance_state

from core import Blocked, ValidationError, as_system
from plugins.sales import history
from plugins.sales.models import LOST, OPEN, WON, Deal, LostReason, Pipeline, Stage

CURRENCY = re.compile("[A-Z]{3}")
LONGEST_ROT = 3650  # days
LARGEST_LIMIT = 100_000  # cards
CERTAIN = {WON: 100, LOST: 0}


def settle(deal: Deal, moment: dt.datetime) -> None:
    """Bring a deal in order that is about to be saved, and write down where it goes.

    Raises:
        ValidationError: it may not be saved like this; one sentence per field.
    """
    session = _session(deal)
    with session.no_autoflush:
        before = _stage_before(session, deal)
        pipeline, stage = _place(session, deal, before)
        errors = _problems(session, deal, stage, moved=stage is not before)
        if errors:
            raise ValidationError(**errors)
        by_hand = deal.probability is not None and _is_set(deal, "probability")
        if deal.pipeline is not pipeline:
            deal.pipeline = pipeline
        if deal.stage is not stage:
            deal.stage = stage
        if stage.kind in CERTAIN:
            deal.probability = CERTAIN[stage.kind]
        elif deal.probability is None or (stage is not before and not by_hand):
            deal.probability = stage.probability
        if stage is not before:
            entered = history.enter(session, deal, before, stage, moment)
            deal.stage_since = entered
            if stage.kind != OPEN and (before is None or before.kind != stage.kind):
                _close(deal, entered)
        if stage.kind == OPEN and deal.closed_at is not None:
            deal.closed_at = None
        if stage.kind != OPEN and deal.stage_since is not None:
            deal.stage_since = None  # what is won or lost does not age
        if stage.kind != LOST:
            _forget_loss(deal)
        # The key is looked at too: a company that the actor may not see is no empty field.
        empty = deal.company is None and deal.company_id is None
        if empty and deal.contact is not None and _is_set(deal, "contact"):
            deal.company = deal.contact.company


def _forget_loss(deal: Deal) -> None:
    if deal.lost_reason is not None or deal.lost_reason_id is not None:
        deal.lost_reason = deal.lost_reason_id = None
    if deal.lost_note is not None:
        deal.lost_note = None


def _session(record: Any) -> Session:
    session = object_session(record)
    assert session is not None, "a record that is being saved has a session"
    return session


def _is_set(deal: Deal, name: str) -> bool:
    return bool(instance_state(deal).attrs[name].history.has_changes())


def _stage_before(session: Session, deal: Deal) -> Stage | None:
    """The stage as it is stored."""
    if not instance_state(deal).persistent:
        return None
    kept = instance_state(deal).attrs["stage_id"].load_history()
    (key,) = (kept.deleted or kept.unchanged or (None,))[:1]
    before: Stage | None = _get(session, Stage, key)
    return before


def _get(session: Session, model: type[Any], key: int | None) -> Any:
    """The record with this id, the recycle bin included."""
    if key is None:
        return None
    return session.get(model, key, execution_options={"include_archived": True})


def _linked(session: Session, deal: Deal, name: str, model: type[Any]) -> Any:
    """What a link points to, whether the link itself or its key was set."""
    if _is_set(deal, name) or not _is_set(deal, f"{name}_id"):
        return getattr(deal, name)
    return _get(session, model, getattr(deal, f"{name}_id"))


def _place(session: Session, deal: Deal, before: Stage | None) -> tuple[Pipeline, Stage]:
    """Pipeline and stage of the deal, what is empty filled."""
    stage: Stage | None = _linked(session, deal, "stage", Stage)
    pipeline: Pipeline | None = _linked(session, deal, "pipeline", Pipeline)
    if pipeline is None:
        pipeline = stage.pipeline if stage is not None else first_pipeline(session)
    if pipeline is None:
        raise ValidationError(pipeline=_("There is no pipeline yet. An administrator can add one."))
    if stage is None and before is not None and before.pipeline is pipeline:
        stage = before
    elif stage is not None and stage.pipeline is not pipeline:
        if stage is not before:
            raise ValidationError(
                stage=_("“%(stage)s” is no stage of “%(pipeline)s”.", stage=stage.name, pipeline=pipeline.name)
            )
        stage = first_stage(session, pipeline, stage.kind)
    if stage is None:
        stage = first_stage(session, pipeline, OPEN)
    if stage is None:
        raise ValidationError(stage=_("This pipeline has no stage to begin with."))
    return pipeline, stage


def _problems(session: Session, deal: Deal, stage: Stage, *, moved: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    if deal.amount is not None and deal.amount < 0:
        errors["amount"] = _("An amount cannot be negative.")
    if deal.probability is not None and not 0 <= deal.probability <= 100:
        errors["probability"] = _("A probability lies between 0 and 100.")
    if deal.currency is not None and not CURRENCY.fullmatch(deal.currency):
        errors["currency"] = _("A currency is a code of three letters, such as IRR.")
    if stage.kind == WON and deal.amount is None and (moved or _is_set(deal, "amount")):
        errors["amount"] = _("A won deal needs an amount.")
    told = moved or _is_set(deal, "lost_reason") or _is_set(deal, "lost_reason_id")
    reason: LostReason | None = _linked(session, deal, "lost_reason", LostReason) if told else None
    if stage.kind == LOST and told and reason is None:
        errors["lost_reason"] = _("A lost deal needs a reason.")
    elif stage.kind != LOST and reason is not None and not moved:
        errors["lost_reason"] = _("Only a lost deal has a reason: move it to a lost stage.")
    return errors


def _close(deal: Deal, entered: dt.datetime) -> None:
    """Note when the deal was won or lost, unless it is told in the same save, as for deals of the past."""
    if deal.closed_at is None or not _is_set(deal, "closed_at"):
        deal.closed_at = entered


def first_pipeline(session: Session) -> Pipeline | None:
    """The pipeline that new deals go to."""
    return session.scalars(
        sa.select(Pipeline).where(Pipeline.archived_at.is_(None)).order_by(Pipeline.position, Pipeline.id).limit(1)
    ).first()


def first_stage(session: Session, pipeline: Pipeline, kind: str) -> Stage | None:
    """The first stage of ``pipeline`` in which a deal is ``kind``."""
    return session.scalars(
        sa.select(Stage)
        .where(Stage.pipeline_id == pipeline.id, Stage.kind == kind, Stage.archived_at.is_(None))
        .order_by(Stage.position, Stage.id)
        .limit(1)
    ).first()


def check_stage(stage: Stage) -> None:
    """Refuse a stage that makes no sense, or that would make won deals of open ones.

    Raises:
        ValidationError: one sentence per field.
    """
    session = _session(stage)
    errors: dict[str, str] = {}
    with session.no_autoflush:
        if stage.pipeline is None and stage.pipeline_id is None:
            errors["pipeline"] = _("This field is required.")
        if not 0 <= (stage.probability or 0) <= 100:
            errors["probability"] = _("A probability lies between 0 and 100.")
        if stage.rot_days is not None and not 1 <= stage.rot_days <= LONGEST_ROT:
            errors["rot_days"] = _("Write a number of days from 1 to %(most)s.", most=LONGEST_ROT)
        if stage.card_limit is not None and not 1 <= stage.card_limit <= LARGEST_LIMIT:
            errors["card_limit"] = _("Write a number of cards from 1 to %(most)s.", most=LARGEST_LIMIT)
        stored = instance_state(stage).persistent
        attributes = instance_state(stage).attrs
        fixed = [name for name in ("kind", "pipeline_id", "pipeline") if attributes[name].history.deleted]
        if stored and fixed and deal_count(session, stage):
            errors[fixed[0].removesuffix("_id")] = _("There are deals in this stage; move them first.")
    if errors:
        raise ValidationError(**errors)


def deal_count(session: Session, place: Stage | Pipeline) -> int:
    """How many deals are there, also those in the recycle bin and those that the actor may not see."""
    column = Deal.stage_id if isinstance(place, Stage) else Deal.pipeline_id
    statement = sa.select(sa.func.count(Deal.id)).where(column == place.id)
    with as_system("count deals"):
        return session.scalar(statement.execution_options(include_archived=True)) or 0


def check_removal(place: Stage | Pipeline) -> None:
    """Refuse to remove what deals stand in.

    Raises:
        Blocked: there are deals, perhaps in the recycle bin.
    """
    session = _session(place)
    with session.no_autoflush:
        count = deal_count(session, place)
    if count:
        raise Blocked(
            _("%(count)s deals are in “%(name)s”; move them first.", count=count, name=place.name)
        )
