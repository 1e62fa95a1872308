"""A Site: what one generation of the installation offers, built once and never changed.

enabled plugins ──hooks──▶ parts ──▶ Catalog, menu, permissions, jobs
                               └──▶ Flask app, admin, static files
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app
from sqlalchemy.orm import Session
from werkzeug.local import LocalProxy
from whitenoise import WhiteNoise

from core.extension.hooks import Hooks
from core.parts import (
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
from core.records.catalog import Catalog
from core.site.selection import PluginStatus

if TYPE_CHECKING:
    from core.site.runtime import Runtime


@dataclass
class Site:
    """The current offer of this process. ``app.extensions["peyvand"]`` is the Site the app belongs to."""

    info: SiteInfo
    runtime: Runtime
    hooks: Hooks
    plugins: Mapping[str, PluginStatus]
    permissions: Mapping[str, Permission]
    screens: Mapping[str, Screen]
    catalog: Catalog
    jobs: Mapping[str, Job]
    schedules: tuple[Schedule, ...]
    cards: tuple[tuple[str, Card], ...]
    commands: tuple[Command, ...]
    app: Flask
    menu: tuple[tuple[Any, tuple[MenuItem, ...]], ...] = ()
    wsgi: Callable[..., Any] = field(default=lambda *_: [])
    static: WhiteNoise | None = None
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notification_types: Mapping[str, NotificationType] = field(default_factory=dict)

    @property
    def generation(self) -> int:
        return self.info.generation


def current_site() -> Site:
    """The Site this unit of work runs in."""
    return cast(Site, current_app.extensions["peyvand"])


# The unit of work of the current request, job or command.
session: Session = cast(Session, LocalProxy(lambda: current_site().runtime.database.session()))


def granted(permissions: Mapping[str, Permission]) -> dict[str, frozenset[str]]:
    """The permissions that each built-in role has from the start."""
    roles = {role for permission in permissions.values() for role in permission.roles}
    return {
        role: frozenset(name for name, permission in permissions.items() if role in permission.roles) for role in roles
    }
