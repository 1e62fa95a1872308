"""Which of the wanted plugins this process can really run, and what is the matter with the others.

What is observed here belongs to this process alone and is never written back as what the administrator wants.
"""

from __future__ import annotations

import traceback as tracebacks
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from packaging.version import Version

from core.errors import PluginError
from core.extension import graph
from core.extension.discovery import FoundPlugin
from core.extension.manifest import Manifest
from core.site.state import DISABLED, ENABLED

ABSENT = "absent"

LOADED = "loaded"
QUARANTINED = "quarantined"
BLOCKED = "blocked"
INCOMPATIBLE = "incompatible"
MISSING = "missing"
STALE = "stale"
OFF = "off"


@dataclass(frozen=True)
class PluginStatus:
    """A plugin as this process sees it: what is wanted (``state``) and what is so (``observed``)."""

    name: str
    state: str
    observed: str = OFF
    found: FoundPlugin | None = None
    version: str = ""
    error: str = ""
    traceback: str = ""
    changed: str = ""

    @property
    def manifest(self) -> Manifest | None:
        return self.found.manifest if self.found else None

    @property
    def upgradable(self) -> bool:
        """Whether a newer version lies on the disk than the one whose tables the database has."""
        return bool(self.manifest and self.version and str(self.manifest.version) != self.version)


@dataclass
class Selection:
    """The plugins of one build: who takes part, in order, and the status of everybody."""

    found: Mapping[str, FoundPlugin]
    status: dict[str, PluginStatus]
    active: list[str] = field(default_factory=list)

    @property
    def manifests(self) -> dict[str, Manifest]:
        return {name: plugin.manifest for name, plugin in self.found.items() if plugin.manifest is not None}

    def quarantine(self, error: PluginError) -> None:
        """Take the culprit out, and everybody who needs it."""
        trace = "".join(tracebacks.format_exception(error.__cause__ or error))
        self._drop(error.plugin, observed=QUARANTINED, error=error.reason, traceback=trace[-8000:])
        for other in list(self.active):
            if error.plugin in graph.requirements(other, self.manifests):
                self._drop(other, observed=BLOCKED, error=f"It needs {error.plugin}, which is broken.")

    def _drop(self, name: str, **changes: Any) -> None:
        self.status[name] = replace(self.status[name], **changes)
        if name in self.active:
            self.active.remove(name)


def select(
    found: Mapping[str, FoundPlugin],
    rows: Mapping[str, Any],
    imported: Mapping[str, tuple[ModuleType, str]],
    core_version: Version,
    *,
    safe: bool = False,
) -> Selection:
    """Choose the plugins of a build.

    Args:
        found: what is on this machine.
        rows: what is wanted (``state.wanted_states``).
        imported: what this process imported before, with its version then.
        core_version: the version of the core.
        safe: take none.
    """
    selection = Selection(found, {})
    manifests = selection.manifests
    for name in sorted({*found, *rows}):
        row = rows.get(name)
        plugin = found.get(name)
        status = PluginStatus(
            name=name,
            state=row.state if row else ABSENT,
            found=plugin,
            version=row.version if row else "",
            error=(row.error or "") if row else "",
        )
        if plugin is None:
            status = replace(status, observed=MISSING, error="Its package is not on this machine any more.")
        elif plugin.error:
            status = replace(status, observed=QUARANTINED, error=plugin.error)
        elif any(graph.problems(name, manifests, core_version)):
            status = replace(
                status, observed=INCOMPATIBLE, error=" ".join(graph.problems(name, manifests, core_version))
            )
        selection.status[name] = status
    wanted = [name for name, status in selection.status.items() if status.state == ENABLED and not safe]
    for name in graph.in_order([name for name in wanted if name in manifests], manifests):
        status = selection.status[name]
        missing = [other for other in sorted(manifests[name].depends) if other not in selection.active]
        if status.observed != OFF:
            continue
        if missing:
            selection.status[name] = replace(
                status, observed=BLOCKED, error=f"It needs {', '.join(missing)}, which is not running."
            )
            continue
        selection.active.append(name)
        old = imported.get(name)
        stale = old is not None and old[1] != str(manifests[name].version)
        selection.status[name] = replace(status, observed=STALE if stale else LOADED, error="")
    return selection


__all__ = ["ABSENT", "BLOCKED", "DISABLED", "INCOMPATIBLE", "LOADED", "MISSING", "OFF", "QUARANTINED", "STALE"]
__all__ += ["PluginStatus", "Selection", "select"]
