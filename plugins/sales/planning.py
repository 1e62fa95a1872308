"""What comes next for a deal: its own next step, and what the module Activities plans while it is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType

import sqlalchemy as sa
from flask import url_for

from core import Hint, current_site
from plugins.sales.models import Deal


def without_plan() -> sa.ColumnElement[bool]:
    """The criterion of deals for which nobody planned anything."""
    no_step = sa.func.coalesce(Deal.next_step, "") == ""
    glue = _activities()
    return sa.and_(no_step, ~glue.is_planned()) if glue is not None else no_step


def planned(deals: Sequence[int]) -> Mapping[int, Hint]:
    """What is planned for each of the deals with these ids besides its next step."""
    glue = _activities()
    found: Mapping[int, Hint] = glue.hints(deals) if glue is not None else {}
    return found


def plan_url(deal: Deal) -> str:
    """Where the next step of ``deal`` is planned."""
    glue = _activities()
    return glue.plan_url(deal) if glue is not None else url_for("sales_deal.edit_view", id=deal.id)


def _activities() -> ModuleType | None:
    if "activities" not in current_site().info.enabled:
        return None
    from plugins.sales.glue import activities

    return activities
