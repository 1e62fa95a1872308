"""The first page after signing in: cards of the plugins, and what is left to set up."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_security import current_user
from markupsafe import Markup

from core.records.policy import may
from core.site.selection import LOADED
from core.site.site import Site, current_site

log = logging.getLogger(__name__)

home_pages = Blueprint("home", __name__)


@home_pages.get("/")
def page() -> str:
    """The home page."""
    site = current_site()
    cards = [_card(plugin, card) for plugin, card in site.cards if card.permission is None or may(card.permission)]
    greeting = _("Welcome, %(name)s", name=str(current_user))
    return render_template("nova/home.html", greeting=greeting, cards=cards, steps=_steps(site))


def _card(plugin: str, card: Any) -> dict[str, Any]:
    """One card; a plugin that fails spoils only its own."""
    try:
        html = Markup(render_template(card.template, **card.load()))  # noqa: S704 - a template's own output
    except Exception:
        log.exception("The card %s of the plugin %s failed.", card.title, plugin)
        return {"title": str(card.title), "wide": card.wide, "error": plugin}
    return {"title": str(card.title), "wide": card.wide, "html": html}


def _steps(site: Site) -> list[dict[str, Any]]:
    """What an administrator still has to do; empty once modules run."""
    if not may("core.modules.manage"):
        return []
    running = [status for status in site.plugins.values() if status.observed == LOADED]
    steps = [
        {"label": _("Make your account"), "url": url_for("profile.index"), "done": True},
        {"label": _("Switch on your first module"), "url": url_for("modules.page"), "done": bool(running)},
    ]
    if "contacts.person" in site.screens and "importing" in site.app.blueprints:
        url = url_for("importing.upload", record_type="contacts.person")
        steps.append({"label": _("Import your contacts"), "url": url, "done": False})
    return [] if len(running) > 1 else steps
