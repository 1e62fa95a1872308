"""Nineteen deals with people nobody ever met, and three months of their history."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core import User, now
from plugins.contacts.models import Person
from plugins.sales.defaults import add_defaults
from plugins.sales.models import LOST, OPEN, WON, Deal, LostReason, Pipeline, Stage, StageChange
from plugins.sales.rules import first_pipeline
from plugins.sales.services import stages_of

# How many deals stand in each stage, from the first open one to won and lost.
OPEN_COUNTS = (5, 4, 3, 3)
WON_COUNT, LOST_COUNT = 2, 2
PERSIAN_UNIT, OTHER_UNIT = Decimal(10_000_000), Decimal(500)


def add_deals(session: Session) -> None:
    """Add the sample deals in the language of the moment; the same ones every time."""
    dice = random.Random(2)
    add_defaults(session)
    session.flush()
    pipeline = first_pipeline(session)
    if pipeline is None:
        return
    targets = _targets(stages_of(session, pipeline))
    people = session.scalars(sa.select(Person).order_by(Person.id).limit(40)).all()
    owners = session.scalars(sa.select(User).where(User.active).order_by(User.id).limit(3)).all()
    reasons = session.scalars(sa.select(LostReason).order_by(LostReason.position)).all()
    for number, path in enumerate(targets):
        deal = _deal(number, pipeline, path[-1], dice)
        moments = _moments(deal.created_at, len(path), dice)
        deal.closed_at = moments[-1] if path[-1].kind != OPEN else None
        if people:
            deal.contact = people[(number * 7) % len(people)]
        if owners:
            deal.owner = owners[number % len(owners)]
        if path[-1].kind == LOST:
            deal.lost_reason = reasons[number % len(reasons)]
        session.add(deal)
        session.flush()
        _tell_past(session, deal, path, moments)
    session.flush()


def _targets(stages: Sequence[Stage]) -> list[list[Stage]]:
    """The way each deal went, from its first stage to the one it is in."""
    open_ones = [stage for stage in stages if stage.kind == OPEN]
    paths = [
        open_ones[: place + 1]
        for place, count in zip(range(len(open_ones)), OPEN_COUNTS, strict=False)
        for _deal_number in range(count)
    ]
    for kind, count in ((WON, WON_COUNT), (LOST, LOST_COUNT)):
        end = next((stage for stage in stages if stage.kind == kind), None)
        paths += [[*open_ones, end] for _deal_number in range(count)] if end is not None else []
    return paths


def _deal(number: int, pipeline: Pipeline, stage: Stage, dice: random.Random) -> Deal:
    locale = get_locale()
    persian = locale is not None and locale.language == "fa"
    names = (
        _("Annual licence"), _("Support contract"), _("Network renewal"), _("Training of the sales team"),
        _("Server purchase"), _("Accounting software"), _("Website redesign"), _("Warehouse scanners"),
    )  # fmt: skip
    steps = (_("Send the quote"), _("Call back"), _("Meet in person"), None)
    today = now()
    return Deal(
        name=names[number % len(names)],
        pipeline=pipeline,
        stage=stage,
        amount=dice.randint(4, 90) * (PERSIAN_UNIT if persian else OTHER_UNIT),
        currency="IRR" if persian else "USD",
        expected_close=today.date() + dt.timedelta(days=dice.randint(-10, 45)),
        next_step=dice.choice(steps) if stage.kind == OPEN else None,
        created_at=today - dt.timedelta(days=dice.randint(20, 90), minutes=dice.randint(0, 600)),
    )


def _moments(created_at: dt.datetime, count: int, dice: random.Random) -> list[dt.datetime]:
    """``count`` moments in order, from ``created_at`` to the present."""
    life = now() - created_at
    shares = sorted(dice.uniform(0.05, 0.9) for _share in range(count - 1))
    return [created_at, *(created_at + life * share for share in shares)]


def _tell_past(session: Session, deal: Deal, path: Sequence[Stage], moments: Sequence[dt.datetime]) -> None:
    """Spread the way of ``deal`` over its life, as if it had gone it step by step."""
    last = session.scalars(sa.select(StageChange).where(StageChange.deal_id == deal.id)).one()
    before: Stage | None = None
    for stage, entered, left in zip(path[:-1], moments, moments[1:], strict=False):
        session.add(StageChange(deal=deal, from_stage=before, stage=stage, entered_at=entered, left_at=left))
        before = stage
    last.from_stage, last.entered_at = before, moments[-1]
