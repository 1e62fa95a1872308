"""What this plugin adds to the site."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core import Actor, Permission, Screen, SiteInfo, hookimpl, record_permissions
from plugins.activities import demo, rules
from plugins.activities.about import visible_to
from plugins.activities.models import Activity
from plugins.activities.screens import ACTIVITY_SCREEN


@hookimpl
def permissions() -> list[Permission]:
    return record_permissions("activities.activity", _l("Activities"))


@hookimpl
def screens(site: SiteInfo) -> list[Screen]:
    return [ACTIVITY_SCREEN]


@hookimpl
def query_filter(model: type, actor: Actor) -> Any:
    return visible_to(actor) if model is Activity else None


@hookimpl
def before_save(record: Any, changes: dict[str, Any]) -> None:
    if isinstance(record, Activity):
        rules.settle(record, changes)


@hookimpl
def demo_data(session: Session) -> None:
    demo.add(session)
