"""What this plugin adds to the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core import (
    Actor,
    Card,
    Channel,
    Job,
    MenuItem,
    NotificationType,
    Panel,
    Permission,
    PersonalData,
    Schedule,
    Screen,
    SiteInfo,
    StoryQuery,
    TimelineEntry,
    Upcoming,
    concerns,
    hookimpl,
    record_permissions,
)
from plugins.activities import composing, demo, my_day, pages, privacy, reminders, rules, story
from plugins.activities.about import visible_to
from plugins.activities.models import Activity
from plugins.activities.screens import ACTIVITY_SCREEN, SECTION
from plugins.activities.views import activity_pages


@hookimpl
def permissions() -> list[Permission]:
    return record_permissions("activities.activity", _l("Activities"))


@hookimpl
def screens(site: SiteInfo) -> list[Screen]:
    return [ACTIVITY_SCREEN]


@hookimpl
def menu_items(site: SiteInfo) -> list[MenuItem]:
    return [MenuItem(_l("My activities"), "activities.mine", "activities.activity.see", SECTION, "checklist", 15)]


@hookimpl
def blueprints(site: SiteInfo) -> list[Blueprint]:
    return [activity_pages]


@hookimpl
def dashboard_cards(site: SiteInfo) -> list[Card]:
    return [
        Card(
            title=_l("My day"),
            template="activities/my_day_card.html",
            load=my_day.my_day_card,
            permission="activities.activity.see",
            weight=10,
        )
    ]


@hookimpl
def jobs() -> list[Job]:
    return [Job(name=reminders.REMIND, run=reminders.remind, label=_l("Remind people of activities"))]


@hookimpl
def schedules() -> list[Schedule]:
    return [Schedule(job=reminders.REMIND, every=60)]


@hookimpl
def notification_types() -> list[NotificationType]:
    return list(reminders.TYPES)


@hookimpl
def record_panels(record: Any) -> list[Panel] | None:
    return [pages.head_panel(record)] if isinstance(record, Activity) else None


@hookimpl
def timeline(query: StoryQuery) -> Iterable[TimelineEntry]:
    return story.done(query)


@hookimpl
def upcoming(records: Mapping[str, Sequence[int]], limit: int) -> list[Upcoming]:
    return story.planned(records, limit)


@hookimpl
def channels(record: Any) -> list[Channel] | None:
    return composing.channels(record)


@hookimpl
def query_filter(model: type, actor: Actor) -> Any:
    return visible_to(actor) if model is Activity else None


@hookimpl
@concerns(Activity)
def before_save(record: Any, changes: dict[str, Any]) -> None:
    if isinstance(record, Activity):
        rules.settle(record, changes)


@hookimpl
def personal_data(record: Any) -> list[PersonalData]:
    return privacy.held(record)


@hookimpl
def demo_data(session: Session) -> None:
    demo.add(session)
