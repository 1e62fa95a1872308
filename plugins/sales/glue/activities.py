"""While Activities is on: an open activity about a deal is its next step too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core import Hint, format_local_date, hookimpl, reader_today
from plugins.activities.models import CALL, ICONS, MEETING, TASK, Activity
from plugins.activities.planned import Plan, has_plan, next_plans
from plugins.sales.models import Deal

TYPE = "sales.deal"
SAMPLES = 12


def is_planned() -> sa.ColumnElement[bool]:
    """The criterion of deals for which something is planned."""
    return has_plan(TYPE, Deal.id)


def hints(deals: Sequence[int]) -> Mapping[int, Hint]:
    """What is planned next for each of the deals with these ids; what is overdue stands out."""
    found = next_plans(TYPE, deals)
    # Once for all cards: the sentence, and each day.
    today, with_day, written = reader_today(), _("%(subject)s · %(day)s"), cache(_unbroken)

    def hint(plan: Plan) -> Hint:
        if plan.due is None:
            return Hint(plan.subject, False, ICONS.get(plan.kind, "clock"))
        late = plan.due < today
        # Apart from the day by marks of direction, or a Latin subject takes the number of a Persian day to its side.
        text = with_day % {"subject": f"\u2068{plan.subject}\u2069", "day": written(plan.due)}
        return Hint(text, late, "alert-triangle" if late else ICONS.get(plan.kind, "clock"))

    return {number: hint(plan) for number, plan in found.items()}


def _unbroken(day: dt.date) -> str:
    # On two lines between words of another direction nobody finds its parts.
    return format_local_date(day).replace(" ", "\u00a0")


def plan_url(deal: Deal) -> str:
    """The page on which a task for ``deal`` is planned."""
    return url_for("activities.composing", record_type=TYPE, record_id=deal.id, kind=TASK)


@hookimpl
def demo_data(session: Session) -> None:
    subjects = {CALL: _("Ask about the quote"), MEETING: _("Contract talk"), TASK: _("Send the contract")}
    deals = session.scalars(
        sa.select(Deal).where(Deal.closed_at.is_(None)).order_by(Deal.id).limit(SAMPLES)
    ).all()
    for number, deal in enumerate(deals):
        kind = (CALL, TASK, MEETING)[number % 3]
        due = reader_today() + dt.timedelta(days=number - 3)
        session.add(
            Activity(
                kind=kind, subject=subjects[kind], due=due, about_type=TYPE, about_id=deal.id, assignee_id=deal.owner_id
            )
        )
    session.flush()
