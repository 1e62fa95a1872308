"""Trying a plugin in a child process before anything is changed for it.

Whatever it does at import, hanging or ending the interpreter included, happens to the child.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.extension.hooks import Hooks

TIMEOUT = 45  # seconds
MARK = "peyvand-preflight:"


@dataclass(frozen=True)
class Verdict:
    """What the child found: ``error`` is empty when the plugins will load.

    The rest is what they would bring: names of tables, permissions and jobs, untranslated titles of screens.
    """

    error: str = ""
    traceback: str = ""
    tables: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    screens: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.error


def preflight(names: list[str], instance: Path, timeout: float = TIMEOUT) -> Verdict:
    """Import ``names`` in order in a child, register their hooks, check their migrations.

    Args:
        names: plugins to try, what is needed first.
        instance: the instance folder, for plugins that live there.
        timeout: seconds after which a hanging import is given up.
    """
    command = [sys.executable, "-m", "core.extension.preflight", str(instance), *names]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=timeout, errors="replace", check=False)
    except subprocess.TimeoutExpired:
        return Verdict(f"{names[-1]} was still importing after {timeout:g} seconds.")
    for line in child.stdout.splitlines():
        if line.startswith(MARK):
            said: dict[str, Any] = json.loads(line.removeprefix(MARK))
            brought = {key: tuple(value) for key, value in said.items() if isinstance(value, list)}
            return Verdict(said.get("error", ""), said.get("traceback", ""), **brought)
    return Verdict(f"Importing {names[-1]} ended the interpreter (status {child.returncode}).", child.stderr[-8000:])


def main(arguments: list[str]) -> None:
    """The child: load every plugin named on the command line and print the verdict as one line."""
    import traceback

    from core.database.migrations import check_history
    from core.errors import PluginError
    from core.extension.discovery import discover
    from core.extension.hooks import Hooks
    from core.extension.loading import load_plugin

    instance, *names = arguments
    found = discover(Path(instance) / "plugins")
    verdict: dict[str, Any] = {}
    try:
        hooks = Hooks()
        for name in names:
            if name not in found:
                raise PluginError(name, "It is not on this machine.")
            plugin = found[name]
            if plugin.error:
                raise PluginError(name, plugin.error)
            hooks.register(name, load_plugin(plugin))
            check_history(name, plugin.folder)
        verdict = _contributions(hooks, names)
    except PluginError as error:
        verdict = {"error": str(error), "traceback": traceback.format_exc()[-8000:]}
    print(MARK + json.dumps(verdict), flush=True)


def _contributions(hooks: Hooks, names: list[str]) -> dict[str, Any]:
    """What the plugins' hooks hand over, as far as it can be told without a Site."""
    from core.database.base import plugin_tables
    from core.errors import PluginError
    from core.extension.personal import check_personal_data
    from core.parts import SiteInfo, untranslated

    site = SiteInfo(generation=0, enabled=tuple(names))
    brought: dict[str, list[str]] = {"tables": [], "permissions": [], "screens": [], "jobs": []}
    for name in names:
        check_personal_data(hooks, name)
        brought["tables"] += [table.name for table in plugin_tables(name)]
        try:
            brought["permissions"] += [p.name for answer in hooks.only(name, "permissions") for p in answer]
            brought["screens"] += [untranslated(s.plural) for a in hooks.only(name, "screens", site=site) for s in a]
            brought["jobs"] += [job.name for answer in hooks.only(name, "jobs") for job in answer]
        except Exception as error:
            raise PluginError(name, f"One of its hooks failed: {type(error).__name__}: {error}") from error
    return brought


if __name__ == "__main__":
    main(sys.argv[1:])
