"""What this plugin draws on pages of the core: panels and cards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core import Panel, Upcoming, format_money, format_number, session
from plugins.sales import figures, history
from plugins.sales.models import Deal
from plugins.sales.planning import plan_url

SHOWN = 6


def deal_panels(deal: Deal) -> list[Panel]:
    """The history of a deal's stages, on its page."""
    stays = history.stays(session, deal)
    days = history.days_in_last(stays)
    rows = [
        {
            "stage": str(stay.stage or ""),
            "color": stay.stage.color if stay.stage else "gray",
            "entered_at": stay.entered_at,
            "duration": "" if stay.is_over and stay.left_at is None else duration_text(stay.duration),
            "actor": stay.actor,
        }
        for stay in stays
    ]
    return [
        Panel(
            title=_l("Stage history"),
            template="sales/history_panel.html",
            context={
                "stays": rows,
                "life": duration_text(sum((stay.duration for stay in stays), history.ZERO)),
                "is_stale": history.is_stale(deal, days),
            },
            weight=20,
        )
    ]


def next_steps(records: Mapping[str, Sequence[int]], limit: int) -> list[Upcoming]:
    """The next step of each open deal among ``records``."""
    deals = figures.with_next_step(session, records.get(Deal.__record_type__, ()), limit)
    return [
        Upcoming(
            due=None,
            record_type=Deal.__record_type__,
            record_id=deal_id,
            icon="target-arrow",
            text=step,
            assignee=owner or "",
            url=url_for("sales_deal.details_view", id=deal_id),
        )
        for deal_id, step, owner in deals
    ]


def funnel_card() -> Mapping[str, Any]:
    """Count and sum of every open stage, for the home page."""
    found = figures.funnels(session)
    return {
        "named": len(found) > 1,
        "board_url": url_for("sales_deal.board_view"),
        "pipelines": [
            {
                "name": str(funnel.pipeline),
                "most": funnel.most,
                "stages": [
                    {"name": str(entry.stage), "count": entry.count, "sum": money_text(entry.sums)}
                    for entry in funnel.stages
                ],
            }
            for funnel in found
        ],
    }


def next_step_card() -> Mapping[str, Any]:
    """Open deals for which nothing is planned, for the home page."""
    return _deal_list(figures.without_next_step(session, SHOWN))


def _deal_list(found: figures.DealList) -> dict[str, Any]:
    return {
        "deals": _lines(found.deals),
        "count": found.count,
        "more": found.count - len(found.deals),
        "sum": money_text(found.sums),
    }


def _lines(deals: Sequence[Deal]) -> list[dict[str, Any]]:
    return [
        {
            "name": str(deal),
            "company": str(deal.company or ""),
            "stage": str(deal.stage or ""),
            "color": deal.stage.color if deal.stage else "gray",
            "amount": format_money(deal.amount, deal.currency) if deal.amount is not None else "",
            "expected_close": deal.expected_close,
            "url": url_for("sales_deal.details_view", id=deal.id),
            "plan_url": plan_url(deal),
        }
        for deal in deals
    ]


def money_text(sums: Mapping[str, Decimal]) -> str:
    """Sums in several currencies as one text."""
    return " + ".join(format_money(total, currency) for currency, total in sorted(sums.items()))


def duration_text(duration: dt.timedelta) -> str:
    """A duration in whole days."""
    if duration.days < 1:
        return str(_("less than a day"))
    days = format_number(duration.days)
    return str(ngettext("%(days)s day", "%(days)s days", duration.days, days=days))
