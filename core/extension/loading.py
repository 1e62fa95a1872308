"""Importing a plugin so that nothing it does at import can reach beyond it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from core.database.base import configure_plugin, forget_plugin
from core.errors import PluginError
from core.extension.discovery import FoundPlugin

MODULES = ("models", "hooks")

_versions: dict[str, str] = {}


def load_plugin(plugin: FoundPlugin) -> ModuleType:
    """Import the plugin's models and hooks and configure its mappers; the hooks module.

    Raises:
        PluginError: anything went wrong, ``sys.exit`` included; its half-made tables are forgotten.
    """
    fresh = f"{plugin.package}.hooks" not in sys.modules
    try:
        for name in MODULES:
            if importlib.util.find_spec(f"{plugin.package}.{name}") is not None:
                importlib.import_module(f"{plugin.package}.{name}")
        configure_plugin(plugin.name)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        if fresh:
            _forget(plugin)
        raise PluginError(plugin.name, f"{type(error).__name__}: {error}") from error
    if fresh and plugin.manifest is not None:
        _versions[plugin.name] = str(plugin.manifest.version)
    hooks = sys.modules.get(f"{plugin.package}.hooks")
    if hooks is None:
        _forget(plugin)
        raise PluginError(plugin.name, "It has no hooks.py.")
    return hooks


def loaded_version(name: str) -> str:
    """The version of the code that this process runs of a plugin, whatever lies on the disk by now."""
    return _versions.get(name, "")


def load_glue(plugin: FoundPlugin, other: str) -> ModuleType | None:
    """The hooks that ``plugin`` registers only while ``other`` is on, or None."""
    name = f"{plugin.package}.glue.{other}"
    try:
        if not (plugin.folder / "glue" / f"{other}.py").is_file():
            return None
        return importlib.import_module(name)
    except (KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:
        raise PluginError(plugin.name, f"{type(error).__name__}: {error}") from error


def _forget(plugin: FoundPlugin) -> None:
    _versions.pop(plugin.name, None)
    forget_plugin(plugin.name)
    for name in [name for name in sys.modules if name == plugin.package or name.startswith(f"{plugin.package}.")]:
        del sys.modules[name]
