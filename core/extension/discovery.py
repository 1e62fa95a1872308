"""Which plugins there are: bundled, installed with pip, or dropped into the instance's ``plugins/`` folder.

Nothing is imported here. A plugin that cannot be read is reported beside the others.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import PluginError
from core.extension.manifest import FILE, Manifest, read_manifest

ENTRY_POINTS = "peyvand.plugins"
BUNDLED = Path(__file__).resolve().parents[2] / "plugins"


@dataclass(frozen=True, kw_only=True)
class FoundPlugin:
    """A plugin on this machine.

    ``package`` is what to import, ``folder`` where it lies, ``origin`` is ``bundled``, ``installed`` or ``instance``.
    Exactly one of ``manifest`` and ``error`` is set.
    """

    name: str
    package: str
    folder: Path
    origin: str
    manifest: Manifest | None = None
    error: str | None = None


def discover(instance_plugins: Path | None = None) -> dict[str, FoundPlugin]:
    """Every plugin on this machine by name.

    Args:
        instance_plugins: the instance's own folder of plugins; it becomes part of the package ``plugins``.
    """
    found: dict[str, FoundPlugin] = {}
    sources = [_folders(BUNDLED, "bundled"), _installed()]
    if instance_plugins is not None and instance_plugins.is_dir():
        _extend_package(instance_plugins)
        sources.append(_folders(instance_plugins, "instance"))
    for source in sources:
        for plugin in source:
            if plugin.name in found:
                # The first found wins, and the page says so: silently taking the last would let a folder replace Sales.
                first = found[plugin.name]
                note = f"There is another plugin of this name in {plugin.folder}; it is not used."
                if first.error is None:
                    found[f"{plugin.name}@{plugin.origin}"] = FoundPlugin(
                        name=f"{plugin.name}@{plugin.origin}",
                        package=plugin.package,
                        folder=plugin.folder,
                        origin=plugin.origin,
                        error=note,
                    )
                continue
            found[plugin.name] = plugin
    return found


def _folders(root: Path, origin: str) -> Iterator[FoundPlugin]:
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if (folder / FILE).is_file():
            yield _read(folder.name, f"plugins.{folder.name}", folder, origin)


def _installed() -> Iterator[FoundPlugin]:
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        folder = _package_folder(entry.module)
        if folder is None:
            yield FoundPlugin(
                name=entry.name,
                package=entry.module,
                folder=Path(),
                origin="installed",
                error=f"The package {entry.module} that its entry point names cannot be found.",
            )
        else:
            yield _read(entry.name, entry.module, folder, "installed")


def _package_folder(module: str) -> Path | None:
    """Where a package lies, found without importing it or a package above it."""
    path: list[str] | None = None
    for part in module.split("."):
        spec = importlib.machinery.PathFinder.find_spec(part, path)
        if spec is None:
            # Editable installs answer through their own finders, which know top-level names only.
            spec = next(
                (s for f in sys.meta_path if path is None and (s := f.find_spec(part, None, None)) is not None), None
            )
        if spec is None or spec.submodule_search_locations is None:
            return None
        path = list(spec.submodule_search_locations)
    return Path(path[0]) if path else None


def _read(name: str, package: str, folder: Path, origin: str) -> FoundPlugin:
    try:
        manifest = read_manifest(folder)
        if manifest.name != name:
            raise PluginError(name, f"The manifest says {manifest.name!r}, but the plugin is found as {name!r}.")
    except PluginError as error:
        return FoundPlugin(name=name, package=package, folder=folder, origin=origin, error=error.reason)
    return FoundPlugin(name=name, package=package, folder=folder, origin=origin, manifest=manifest)


def _extend_package(folder: Path) -> None:
    import plugins

    if str(folder) not in plugins.__path__:
        plugins.__path__.append(str(folder))
