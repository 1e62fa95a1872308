"""What a change of modules would do, worked out before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from packaging.version import Version
from sqlalchemy.engine import Connection

from core.database.migrations import own_tables
from core.errors import LifecycleError
from core.extension import graph
from core.extension.discovery import FoundPlugin
from core.extension.manifest import Manifest
from core.extension.preflight import Verdict, preflight
from core.jobs.models import JobRecord
from core.site.state import DISABLED, ENABLED, REMOVED

ENABLE, DISABLE, UNINSTALL, PURGE, UPGRADE = "enable", "disable", "uninstall", "purge", "upgrade"
ACTIONS = (ENABLE, DISABLE, UNINSTALL, PURGE, UPGRADE)
COUNT_LIMIT = 1_000_000


@dataclass(frozen=True)
class Step:
    """One plugin brought one state further; ``action`` is ``install``, ``enable``, ``disable``, …"""

    plugin: str
    action: str


@dataclass(frozen=True)
class Plan:
    """What would happen. ``blockers`` are reasons why it cannot; then nothing may be done.

    ``tables`` maps a table that exists to its number of rows, ``jobs`` counts the jobs that would wait. ``trial`` is
    what a child process found when it loaded the plugins that would be switched on.
    """

    action: str
    plugin: str
    steps: tuple[Step, ...]
    blockers: tuple[str, ...] = ()
    tables: Mapping[str, int] = field(default_factory=dict)
    jobs: int = 0
    permissions: tuple[str, ...] = ()
    screens: tuple[str, ...] = ()
    trial: Verdict | None = None

    @property
    def new_tables(self) -> tuple[str, ...]:
        """Tables that would be made."""
        installed = {step.plugin for step in self.steps if step.action == "install"}
        brought = self.trial.tables if self.trial else ()
        return tuple(t for t in brought if t not in self.tables and any(t.startswith(f"{name}_") for name in installed))

    @property
    def others(self) -> tuple[str, ...]:
        """Plugins that change too."""
        return tuple(dict.fromkeys(step.plugin for step in self.steps if step.plugin != self.plugin))


def make_plan(
    connection: Connection,
    action: str,
    name: str,
    found: Mapping[str, FoundPlugin],
    rows: Mapping[str, Any],
    core_version: Version,
    site: Any = None,
) -> Plan:
    """The plan for doing ``action`` to the plugin ``name``.

    Args:
        connection: for counting rows and jobs.
        action: one of ``ACTIONS``.
        name: the plugin.
        found: what is on this machine.
        rows: what is wanted now (``state.wanted_states``).
        core_version: the version of the core.
        site: the current Site, which knows the screens and permissions of plugins that run.

    Raises:
        LifecycleError: there is no such plugin or action.
    """
    if action not in ACTIONS or (name not in found and name not in rows):
        raise LifecycleError(_("There is no module called %(name)s.", name=name))
    manifests = {other: plugin.manifest for other, plugin in found.items() if plugin.manifest is not None}
    state = {other: row.state for other, row in rows.items()}
    blockers = _blockers(action, name, found, manifests, state, core_version)
    steps = () if blockers else tuple(_steps(action, name, manifests, rows))
    touched = [name, *(step.plugin for step in steps)]
    return Plan(
        action=action,
        plugin=name,
        steps=steps,
        blockers=tuple(blockers),
        tables=_tables(connection, touched),
        jobs=_waiting_jobs(connection, touched) if action != ENABLE else 0,
        permissions=tuple(p for p in site.permissions if p.split(".")[0] in touched) if site else (),
        screens=tuple(str(s.plural) for s in site.screens.values() if s.model.__plugin__ in touched) if site else (),  # type: ignore[attr-defined]
    )


def with_trial(plan: Plan, manifests: Mapping[str, Manifest], instance: Path) -> Plan:
    """The plan with what a child process found; a plugin that does not load blocks it.

    Args:
        plan: for switching on or upgrading.
        manifests: of every plugin that can be read.
        instance: the instance folder.
    """
    verdict = preflight(graph.requirements(plan.plugin, manifests), instance)
    if not verdict.passed:
        sentence = _("The module was tried and does not load: %(error)s", error=verdict.error)
        return replace(plan, steps=(), blockers=(sentence,), trial=verdict)
    changed = {step.plugin for step in plan.steps}
    return replace(
        plan,
        trial=verdict,
        permissions=tuple(name for name in verdict.permissions if name.split(".")[0] in changed),
        screens=verdict.screens if plan.steps else (),
    )


def _blockers(
    action: str,
    name: str,
    found: Mapping[str, FoundPlugin],
    manifests: Mapping[str, Manifest],
    state: Mapping[str, str],
    core_version: Version,
) -> list[str]:
    if action in (ENABLE, UPGRADE):
        plugin = found.get(name)
        if plugin is None or plugin.manifest is None:
            return [(plugin.error if plugin else "") or _("Its package is not on this machine.")]
        needed = graph.requirements(name, manifests)
        return [sentence for other in needed for sentence in graph.problems(other, manifests, core_version)]
    current = state.get(name)
    if action == DISABLE and current != ENABLED:
        return [_("It is not switched on.")]
    if action == UNINSTALL:
        if current != DISABLED:
            return [_("Only a module that is switched off can be uninstalled.")]
        kept = [other for other in state if state[other] in (ENABLED, DISABLED)]
        needing = graph.dependants(name, manifests, kept)
        if needing:
            return [_("%(others)s needs it; uninstall that first.", others=", ".join(needing))]
    if action == PURGE and current != REMOVED:
        return [_("Only an uninstalled module can be purged.")]
    return []


def _steps(action: str, name: str, manifests: Mapping[str, Manifest], rows: Mapping[str, Any]) -> list[Step]:
    if action == ENABLE:
        steps = []
        for other in graph.requirements(name, manifests):
            row = rows.get(other)
            if row is None or row.state == REMOVED:
                steps += [Step(other, "install"), Step(other, ENABLE)]
            elif row.state != ENABLED:
                older = row.version != str(manifests[other].version)
                steps += [*([Step(other, UPGRADE)] if older else []), Step(other, ENABLE)]
        return steps
    if action == DISABLE:
        running = [other for other, row in rows.items() if row.state == ENABLED]
        return [*(Step(other, DISABLE) for other in graph.dependants(name, manifests, running)), Step(name, DISABLE)]
    return [Step(name, action)]


def _tables(connection: Connection, plugins: list[str]) -> dict[str, int]:
    """Existing tables of the plugins with their rows, counted up to a million."""
    names = [name for plugin in dict.fromkeys(plugins) for name in own_tables(connection, plugin)]
    counts = {}
    for name in sorted(names):
        limited = sa.select(sa.literal(1)).select_from(sa.table(name)).limit(COUNT_LIMIT).subquery()
        counts[name] = int(connection.execute(sa.select(sa.func.count()).select_from(limited)).scalar_one())
    return counts


def _waiting_jobs(connection: Connection, plugins: list[str]) -> int:
    table = JobRecord.__table__
    query = sa.select(sa.func.count()).where(table.c.plugin.in_(plugins), table.c.status.in_(("queued", "running")))
    return int(connection.execute(query).scalar_one())
