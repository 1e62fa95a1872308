"""Deals, pipelines and lost reasons as screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import object_session

from core import Board, Column, FieldGroup, Hint, Screen, ValidationError
from plugins.sales.history import days_in_stage
from plugins.sales.models import Deal, LostReason, Pipeline, Stage
from plugins.sales.planning import planned
from plugins.sales.services import missing, move

SECTION = _l("Sales")

DAYS_IN_STAGE = Column(name="days_in_stage", label=_l("Days in stage"), load=days_in_stage, kind="integer")


def _stage(deal: Deal, key: int) -> Stage | None:
    session = object_session(deal)
    return session.get(Stage, key) if session is not None else None


def ask_before_move(deal: Deal, key: int) -> tuple[str, ...]:
    """What the board must ask before ``deal`` can go to the stage with the id ``key``."""
    stage = _stage(deal, key)
    return missing(deal, stage) if stage is not None else ()


def move_on_board(deal: Deal, key: int, values: Mapping[str, Any]) -> None:
    """Put ``deal`` in the stage with the id ``key``.

    Raises:
        ValidationError: the stage is gone.
    """
    stage = _stage(deal, key)
    if stage is None:
        raise ValidationError(stage=_l("This stage is no longer there."))
    move(deal, stage, **values)


def hints(deals: Sequence[Any]) -> dict[int, Hint]:
    """What to do next with each open deal; those for which nothing is planned stand out.

    Args:
        deals: what is known of each: ``id``, ``closed_at`` and ``next_step``.
    """
    plans, nothing = planned([deal.id for deal in deals]), Hint(_("No next step"), True, "alert-triangle")
    remarks = {}
    for deal in deals:
        if deal.closed_at is not None:
            continue
        plan = plans.get(deal.id)
        if plan is not None:
            remarks[deal.id] = plan
        elif deal.next_step:
            remarks[deal.id] = Hint(deal.next_step)
        else:
            remarks[deal.id] = nothing
    return remarks


def _customer(deal: Deal) -> str:
    """Whom the deal is with, and how far it is."""
    words = (deal.company, deal.contact, deal.stage)
    return " · ".join(str(word) for word in words if word is not None)


DEAL_SCREEN = Screen(
    model=Deal,
    title=_l("Deal"),
    plural=_l("Deals"),
    icon="target-arrow",
    section=SECTION,
    weight=20,
    key="D",
    columns=(
        "name", "company", "stage", "amount", "expected_close", "probability", "next_step", "days_in_stage", "owner",
    ),
    form=(
        FieldGroup(_l("Deal"), ("name", "company", "contact", "amount", "expected_close", "owner")),
        FieldGroup(_l("Progress"), ("pipeline", "stage", "probability", "next_step")),
        FieldGroup(_l("If it is lost"), ("lost_reason", "lost_note")),
    ),
    filters=(
        "stage", "pipeline", "owner", "company", "contact", "amount", "expected_close", "probability", "next_step",
        "lost_reason", "closed_at", "created_at",
    ),
    editable=("stage", "amount", "expected_close", "probability", "next_step", "owner"),
    order="created_at",
    descending=True,
    subtitle=_customer,
    computed=(DAYS_IN_STAGE,),
    board=Board(
        lane="stage",
        order="position",
        scope="pipeline",
        amount="amount",
        probability="probability",
        date="expected_close",
        since="stage_since",
        hints=hints,
        hint_fields=("closed_at", "next_step"),
        subtitle="company",
        move=move_on_board,
        ask=ask_before_move,
    ),
)  # fmt: skip

# Pipelines are kept on a page of their own (views.py); the screen is what links to one lead to.
PIPELINE_SCREEN = Screen(
    model=Pipeline,
    title=_l("Pipeline"),
    plural=_l("Pipelines"),
    icon="adjustments",
    section=SECTION,
    columns=("name", "position"),
    form=(FieldGroup(_l("Pipeline"), ("name", "position")),),
    order="position",
    in_menu=False,
)

LOST_REASON_SCREEN = Screen(
    model=LostReason,
    title=_l("Lost reason"),
    plural=_l("Lost reasons"),
    icon="circle-x",
    section=SECTION,
    weight=28,
    columns=("name", "position"),
    form=(FieldGroup(_l("Lost reason"), ("name", "position")),),
    editable=("name", "position"),
    order="position",
)
