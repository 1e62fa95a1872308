"""The first page after signing in: cards, and what is left to set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_security import current_user

from core.accounts.models import User
from core.records.policy import may
from core.reports import dashboards
from core.site.selection import LOADED
from core.site.site import current_site, session
from core.web.cards import draw_all
from core.web.dashboards import tabs

home_pages = Blueprint("home", __name__)


@home_pages.get("/")
def page() -> str:
    """The home page: as the person arranged it, or as everybody's."""
    own = dashboards.home(session)
    return render_template(
        "nova/dashboard.html",
        title=_("Home"),
        greeting=_("Welcome, %(name)s", name=str(current_user)),
        dashboard=own,
        cards=draw_all(dashboards.home_cards(own)),
        tabs=tabs(own),
        arrange_url=url_for("dashboards.arrange", dashboard_id=own.id) if own is not None else None,
        is_home=True,
    )


def first_steps() -> Mapping[str, Any] | None:
    """What the person still has to set up; None once everything is done."""
    steps = [*_of_administrators(), *_of_records(), _of_profile()]
    return {"steps": steps} if not all(step["done"] for step in steps) else None


def _of_administrators() -> list[dict[str, Any]]:
    found = []
    if may("core.modules.manage"):
        on = any(status.observed == LOADED for status in current_site().plugins.values())
        found.append({"label": _("Switch on your first module"), "url": url_for("modules.page"), "done": on})
    if may("core.users.manage"):
        some = session.scalars(sa.select(User.id).limit(2)).all()
        found.append({"label": _("Add a colleague"), "url": url_for("users.listing"), "done": len(some) > 1})
    return found


def _of_records() -> list[dict[str, Any]]:
    """The first record of the first type in the menu, by import where that can be."""
    screens = [screen for screen in current_site().screens.values() if screen.in_menu]
    for screen in sorted(screens, key=lambda screen: (screen.weight, screen.name)):
        if not may(screen.permission("create")):
            continue
        model: Any = screen.model
        done = session.scalar(sa.select(model.id).limit(1)) is not None
        if screen.importing is not None and may(screen.permission("import")):
            url = url_for("importing.upload", record_type=screen.name)
            return [{"label": _("Import: %(name)s", name=screen.plural), "url": url, "done": done}]
        url = url_for(f"{screen.endpoint}.create_view")
        return [{"label": _("New: %(name)s", name=screen.title), "url": url, "done": done}]
    return []


def _of_profile() -> dict[str, Any]:
    url = url_for("profile.index")
    return {"label": _("Choose your time zone"), "url": url, "done": bool(current_user.timezone)}
