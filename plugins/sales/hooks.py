"""What this plugin adds to the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core import (
    EVERYONE,
    RECORD_VERBS,
    Card,
    Command,
    Event,
    MenuItem,
    Panel,
    Permission,
    PersonalData,
    Screen,
    SiteInfo,
    Upcoming,
    concerns,
    hears,
    hookimpl,
    now,
    record_permissions,
)
from plugins.contacts.models import Person
from plugins.sales import customers, defaults, demo, pages, privacy, rules
from plugins.sales.customers import OPEN_DEALS, WON_EVENT
from plugins.sales.models import Deal, Pipeline, Stage
from plugins.sales.reports import FORECAST
from plugins.sales.screens import DEAL_SCREEN, LOST_REASON_SCREEN, PIPELINE_SCREEN, SECTION
from plugins.sales.views import KEEP, pipeline_pages


def _kept_by_administrators(record_type: str, label: Any) -> list[Permission]:
    """Whoever sees deals sees these records, administrators keep them."""
    return [
        Permission(f"{record_type}.see", label, EVERYONE, comes_with="sales.deal.see"),
        *(Permission(f"{record_type}.{verb}", label) for verb in RECORD_VERBS if verb != "see"),
    ]


@hookimpl
def permissions() -> list[Permission]:
    return [
        *record_permissions("sales.deal", _l("Deals")),
        *_kept_by_administrators("sales.pipeline", _l("Pipelines")),
        *_kept_by_administrators("sales.stage", _l("Stages")),
        *_kept_by_administrators("sales.lost_reason", _l("Lost reasons")),
    ]


@hookimpl
def screens(site: SiteInfo) -> list[Screen]:
    return [DEAL_SCREEN, PIPELINE_SCREEN, LOST_REASON_SCREEN]


@hookimpl
def extend_screen(screen: Screen) -> Screen | None:
    if screen.name not in ("contacts.person", "contacts.company"):
        return None
    return screen.with_column(OPEN_DEALS[screen.name], before="city")


@hookimpl
@hears(lambda event: event.name == WON_EVENT)
def on_event(event: Event) -> None:
    if event.record_id is not None:
        customers.greet(event.record_id)


@hookimpl
def menu_items(site: SiteInfo) -> list[MenuItem]:
    return [
        MenuItem(_l("Board"), "sales_deal.board_view", "sales.deal.see", SECTION, "layout-kanban", 21, key="B"),
        MenuItem(_l("Pipelines"), "sales.pipelines", KEEP, SECTION, "adjustments", 27),
    ]


@hookimpl
def commands(site: SiteInfo) -> list[Command]:
    page: dict[str, Any] = {"endpoint": "dashboards.card_page", "values": {"ref": "sales.forecast"}}
    return [Command(label=_l("Forecast"), permission="sales.deal.see", icon="chart-bar", **page)]


@hookimpl
def blueprints(site: SiteInfo) -> list[Blueprint]:
    return [pipeline_pages]


@hookimpl
def dashboard_cards(site: SiteInfo) -> list[Card]:
    return [
        Card(
            title=_l("Pipeline"),
            template="sales/funnel_card.html",
            load=pages.funnel_card,
            permission="sales.deal.see",
            weight=20,
            wide=True,
        ),
        Card(
            title=_l("Deals without a next step"),
            template="sales/next_step_card.html",
            load=pages.next_step_card,
            permission="sales.deal.see",
            weight=30,
        ),
        Card(
            title=_l("Forecast"),
            name="sales.forecast",
            report=FORECAST,
            permission="sales.deal.see",
            weight=25,
            wide=True,
        ),
    ]


@hookimpl
def record_panels(record: Any) -> list[Panel] | None:
    if isinstance(record, Deal):
        return pages.deal_panels(record)
    return None


@hookimpl
def upcoming(records: Mapping[str, Sequence[int]], limit: int) -> list[Upcoming]:
    return pages.next_steps(records, limit)


@hookimpl
@concerns(Deal, Stage)
def before_save(record: Any) -> None:
    if isinstance(record, Deal):
        rules.settle(record, now())
    elif isinstance(record, Stage):
        rules.check_stage(record)


@hookimpl
def before_delete(record: Any) -> None:
    if isinstance(record, Stage | Pipeline):
        rules.check_removal(record)


@hookimpl
@concerns(Person)
def personal_data(record: Person) -> list[PersonalData]:
    return privacy.held(record)


@hookimpl
def after_install(session: Session) -> None:
    defaults.add_defaults(session)


@hookimpl
def demo_data(session: Session) -> None:
    demo.add_deals(session)
