"""Asking the plugins for their parts and checking that none oversteps.

Every error carries the name of the plugin that made it, so that the build can go on without that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint

from core.errors import PluginError
from core.extension.hooks import Hooks
from core.extension.personal import check_personal_data
from core.parts import (
    RECORD_VERBS,
    Card,
    Command,
    Job,
    MenuItem,
    NotificationType,
    Permission,
    Schedule,
    Screen,
    SiteInfo,
)


@dataclass(frozen=True)
class Collected:
    """The parts of one Site; pairs carry the name of the plugin a part came from."""

    permissions: Mapping[str, Permission]
    screens: Mapping[str, Screen]
    jobs: Mapping[str, Job]
    schedules: tuple[Schedule, ...]
    menu: tuple[tuple[str, MenuItem], ...]
    commands: tuple[tuple[str, Command], ...]
    blueprints: tuple[tuple[str, Blueprint], ...]
    cards: tuple[tuple[str, Card], ...]
    notification_types: Mapping[str, NotificationType]


def collect(hooks: Hooks, info: SiteInfo) -> Collected:
    """Ask everybody for everything.

    Raises:
        PluginError: a hook failed, handed over something else than it says, or used a name that is not its own.
    """
    for plugin in info.enabled:
        check_personal_data(hooks, plugin)
    permissions = _named(hooks, "permissions", Permission)
    jobs = _named(hooks, "jobs", Job)
    return Collected(
        permissions=permissions,
        screens=_screens(hooks, info, permissions),
        jobs=jobs,
        schedules=tuple(_schedules(hooks, jobs)),
        menu=tuple(_lines(hooks, "menu_items", MenuItem, info, permissions)),
        commands=tuple(_lines(hooks, "commands", Command, info, permissions)),
        blueprints=tuple(_blueprints(hooks, info)),
        cards=tuple(_parts(hooks, "dashboard_cards", Card, site=info)),
        notification_types=_named(hooks, "notification_types", NotificationType),
    )


def _parts(hooks: Hooks, hook: str, kind: type, **kwargs: Any) -> Iterator[tuple[str, Any]]:
    for plugin, call in hooks.each(hook, **kwargs):
        try:
            parts = call()
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:
            raise PluginError(plugin, f"Its hook {hook} failed: {type(error).__name__}: {error}") from error
        if parts is None or not isinstance(parts, Iterable):
            raise PluginError(plugin, f"Its hook {hook} must return a list of {kind.__name__}.")
        for part in parts:
            if not isinstance(part, kind):
                raise PluginError(plugin, f"Its hook {hook} returned a {type(part).__name__}, not a {kind.__name__}.")
            yield plugin, part


def _named(hooks: Hooks, hook: str, kind: type) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for plugin, part in _parts(hooks, hook, kind):
        if not part.name.startswith(f"{plugin}."):
            raise PluginError(plugin, f"{kind.__name__} {part.name!r} must be called {plugin}.…")
        if part.name in named:
            raise PluginError(plugin, f"{kind.__name__} {part.name!r} is there twice.")
        named[part.name] = part
    return named


def _screens(hooks: Hooks, info: SiteInfo, permissions: Mapping[str, Permission]) -> dict[str, Screen]:
    screens: dict[str, Screen] = {}
    for plugin, screen in _parts(hooks, "screens", Screen, site=info):
        if getattr(screen.model, "__plugin__", None) != plugin:
            raise PluginError(plugin, f"The screen {screen.title!s} shows {screen.model!r}, which is not its own.")
        if screen.name in screens:
            raise PluginError(plugin, f"There are two screens of {screen.name}.")
        missing = [verb for verb in RECORD_VERBS if screen.permission(verb) not in permissions]
        if missing:
            raise PluginError(plugin, f"{screen.name} lacks the permissions {', '.join(missing)}.")
        screens[screen.name] = screen
    return {name: _extended(hooks, screen) for name, screen in screens.items()}


def _extended(hooks: Hooks, screen: Screen) -> Screen:
    """Each plugin extends what the ones before it made."""
    result = screen
    for plugin in dict.fromkeys(plugin for plugin, _call in hooks.each("extend_screen", screen=screen)):
        try:
            answers = hooks.only(plugin, "extend_screen", screen=result)
        except Exception as error:
            raise PluginError(plugin, f"Its hook extend_screen failed on {screen.name}: {error}") from error
        for answer in answers:
            if answer is not None and (not isinstance(answer, Screen) or answer.model is not screen.model):
                raise PluginError(plugin, f"Its hook extend_screen must return the screen {screen.name} or None.")
            result = answer or result
    return result


def _schedules(hooks: Hooks, jobs: Mapping[str, Job]) -> Iterator[Schedule]:
    for plugin, schedule in _parts(hooks, "schedules", Schedule):
        if schedule.job not in jobs or not schedule.job.startswith(f"{plugin}."):
            raise PluginError(plugin, f"It schedules {schedule.job!r}, which is no job of its own.")
        if schedule.every < 1:
            raise PluginError(plugin, f"It schedules {schedule.job!r} every {schedule.every} seconds.")
        yield schedule


def _lines(
    hooks: Hooks, hook: str, kind: type, info: SiteInfo, permissions: Mapping[str, Permission]
) -> Iterator[tuple[str, Any]]:
    """Lines of the menu or of the palette; each leads somewhere and may want a permission."""
    for plugin, line in _parts(hooks, hook, kind, site=info):
        if line.permission is not None and line.permission not in permissions:
            what = f"{line.label!s} of {hook}"
            raise PluginError(plugin, f"{what} wants the unknown permission {line.permission!r}.")
        yield plugin, line


def _blueprints(hooks: Hooks, info: SiteInfo) -> Iterator[tuple[str, Blueprint]]:
    for plugin, blueprint in _parts(hooks, "blueprints", Blueprint, site=info):
        if plugin != "core":
            if blueprint.name != plugin:
                raise PluginError(plugin, f"Its blueprint must be called {plugin!r}, not {blueprint.name!r}.")
            prefix = blueprint.url_prefix or ""
            if prefix != f"/{plugin}" and not prefix.startswith(f"/{plugin}/"):
                raise PluginError(plugin, f"Its routes must lie under /{plugin}/, not under {prefix or '/'}.")
        yield plugin, blueprint
