"""What this plugin adds to the site."""

from __future__ import annotations

from flask import Blueprint

from core import SiteInfo, hookimpl
from plugins.api.routes import api


@hookimpl
def blueprints(site: SiteInfo) -> list[Blueprint]:
    return [api]
