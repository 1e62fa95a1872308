"""Putting a Site together: Flask app, accounts, languages, theme, blueprints, admin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Flask
from sqlalchemy import inspect
from sqlalchemy.orm import scoped_session

from core.accounts import security
from core.admin.build import install_admin
from core.errors import CatalogError, PeyvandError, PluginError
from core.extension.discovery import FoundPlugin
from core.extension.hooks import Hooks
from core.parts import Command, MenuItem, SiteInfo
from core.records.catalog import Catalog
from core.records.fields import Field
from core.records.record import Record
from core.site import headers, i18n, menu, shell, theming
from core.site.collection import collect
from core.site.routes import Route
from core.site.selection import Selection
from core.site.session_cookie import SessionCookie
from core.site.site import Site, granted

if TYPE_CHECKING:
    from core.site.runtime import Runtime

log = logging.getLogger(__name__)

CORE = Path(__file__).resolve().parents[1]
REQUEST_LIMIT = 64 * 1024 * 1024  # bytes; the import checks its own, lower limit
FORM_FIELD_LIMIT = 2 * 1024 * 1024  # bytes kept in memory of one form's fields


def assemble(runtime: Runtime, generation: int, selection: Selection, hooks: Hooks) -> Site:
    """Build a Site of the selection's active plugins, whose hooks are registered.

    Raises:
        PluginError: a plugin spoils the build; the caller builds again without it.
    """
    info = SiteInfo(generation=generation, enabled=tuple(selection.active))
    parts = collect(hooks, info)
    app = _flask_app(runtime)
    site = Site(
        info=info,
        runtime=runtime,
        hooks=hooks,
        plugins=dict(selection.status),
        permissions=parts.permissions,
        screens=parts.screens,
        catalog=Catalog(parts.screens.values()),
        jobs=parts.jobs,
        schedules=parts.schedules,
        cards=tuple(sorted(parts.cards, key=lambda pair: pair[1].weight)),
        commands=tuple(command for _plugin, command in parts.commands),
        app=app,
        grants=granted(parts.permissions),
        notification_types=parts.notification_types,
    )
    app.extensions["peyvand"] = site
    _describe(site)
    folders = [(name, selection.found[name].folder) for name in selection.active]
    theme = theming.read_theme()
    i18n.install(app, _translations(runtime, selection.found, selection.active))
    theming.install(app, theme, folders, runtime.config.instance)
    security.install(app, runtime.database, runtime.config)
    headers.install(app, secure=runtime.config.public_url.startswith("https:"))
    app.teardown_appcontext(lambda _error: _close(runtime.database.session))
    taken = {(rule.rule, method): rule.endpoint for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    for plugin, blueprint in parts.blueprints:
        _register(app, plugin, blueprint, taken)
    install_admin(app, site)
    lines: list[tuple[str, MenuItem | Command]] = [*parts.menu, *parts.commands]
    for plugin, line in lines:
        if line.endpoint not in app.view_functions:
            raise PluginError(plugin, f"{line.label!s} leads to the unknown endpoint {line.endpoint!r}.")
    items = [menu.screen_item(screen) for screen in parts.screens.values() if screen.in_menu]
    site.menu = menu.arrange([*items, *(item for _plugin, item in parts.menu)])
    app.jinja_env.globals.update(
        site_menu=menu.site_menu,
        create_menu=menu.create_menu,
        search_url=menu.search_url,
        site_title=lambda: "Peyvand",
    )
    shell.install(app)
    site.static = theming.serve_static(app, theme, folders)
    site.wsgi = site.static
    return site


def _flask_app(runtime: Runtime) -> Flask:
    config = runtime.config
    app = Flask("core", static_folder=None, root_path=str(CORE), instance_path=str(config.instance))
    app.config.update(
        SECRET_KEY=config.secret_key,
        PEYVAND=config,
        MAX_CONTENT_LENGTH=max(REQUEST_LIMIT, (config.attachment_limit + 1) << 20),
        MAX_FORM_MEMORY_SIZE=FORM_FIELD_LIMIT,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        TEMPLATES_AUTO_RELOAD=False,
        SQLALCHEMY_DATABASE_URI=None,
    )
    app.session_interface = SessionCookie(app)
    app.url_rule_class = Route
    app.jinja_environment = theming.Templates
    # Static files are answered in front of Flask; the rule is only there to build their URLs.
    app.add_url_rule("/static/<path:filename>", endpoint="static", build_only=True)
    return app


def _close(session: scoped_session) -> None:  # type: ignore[type-arg]
    session.remove()


def _describe(site: Site) -> None:
    """Read every field now: a type the Catalog cannot describe is a build error of its plugin."""
    for record_type in site.catalog:
        screen = site.screens[record_type.name]
        try:
            fields = record_type.fields
            computed = {column.name for column in screen.computed}
            named = [*screen.columns, *screen.filters, *screen.search, *screen.editable]
            named += [name for group in screen.form for name in group.fields]
            for name in named:
                if name not in computed:
                    record_type.field(name)
            for field in fields.values():
                _check_target(site, field)
        except PeyvandError as error:
            raise PluginError(record_type.plugin, str(error)) from error


def _check_target(site: Site, field: Field) -> None:
    """A link to a class without a screen would show rows that no right covers; see ``policy.row_criteria``."""
    target = field.target
    if field.kind not in ("link", "links") or target is None or not issubclass(target, Record):
        return
    if site.catalog.of(target) is None and inspect(target).polymorphic_on is not None:
        raise CatalogError(f"The link {field.name!r} leads to {target.__name__}, which has no screen of its own.")


def _translations(runtime: Runtime, found: Mapping[str, FoundPlugin], active: list[str]) -> list[Path]:
    """Core first, plugins in order, the operator last: the later one wins.

    Plugins that are off speak too, below everybody: the modules page shows their titles, and what they add at their
    installation is written while they are off.
    """
    return [
        CORE / "translations",
        *(plugin.folder / "translations" for name, plugin in found.items() if name not in active and plugin.manifest),
        *(found[name].folder / "translations" for name in active),
        runtime.config.instance / "translations",
    ]


def _register(app: Flask, plugin: str, blueprint: Blueprint, taken: dict[tuple[str, str], str]) -> None:
    """Add a blueprint whose routes nobody has; ``taken`` holds the endpoint of each route and method so far."""
    rules = app.url_map._rules  # asked for them, the map would sort them all, after every blueprint
    known = len(rules)
    try:
        app.register_blueprint(blueprint)
    except (ValueError, AssertionError) as error:
        raise PluginError(plugin, f"Its routes cannot be registered: {error}") from error
    added = {(rule.rule, method): rule.endpoint for rule in rules[known:] for method in rule.methods or ()}
    for route in sorted(added.keys() & taken.keys()):
        raise PluginError(plugin, f"Its route {route[0]} is taken by {taken[route]}.")
    taken.update(added)
