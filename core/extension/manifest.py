"""``plugin.toml``: what a plugin says of itself, read without importing a line of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from core.errors import PluginError

FILE = "plugin.toml"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
RESERVED = frozenset({"core", "admin", "static", "import", "profile", "healthz", "plugins", "themes", "sign", "set"})
TEXTS = ("title", "summary", "category", "icon", "author", "license")
KEYS = frozenset({"name", "version", "core", "depends", "uses", *TEXTS})


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A plugin's own description.

    ``depends`` maps the names of plugins that must be on to the versions that will do, ``uses`` those whose glue is
    loaded when they are on; ``core`` is the range of core versions the plugin is written for.
    """

    name: str
    version: Version
    title: str
    summary: str = ""
    core: SpecifierSet = field(default_factory=SpecifierSet)
    category: str = ""
    icon: str = "puzzle"
    author: str = ""
    license: str = ""
    depends: dict[str, SpecifierSet] = field(default_factory=dict)
    uses: dict[str, SpecifierSet] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest:
    """The manifest in ``folder``.

    Raises:
        PluginError: it is missing, no TOML, lacks a key, or has one that means nothing.
    """
    guess = folder.name
    try:
        with (folder / FILE).open("rb") as file:
            data = tomllib.load(file)
    except FileNotFoundError:
        raise PluginError(guess, f"{FILE} is missing.") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PluginError(guess, f"{FILE} cannot be read: {error}") from None
    return parse_manifest(data, guess)


def parse_manifest(data: dict[str, Any], guess: str) -> Manifest:
    """The manifest in already parsed TOML; ``guess`` names the plugin while its name is not known.

    Raises:
        PluginError: a key is missing, unknown or malformed.
    """
    name = data.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > 40:
        raise PluginError(guess, "name must be lower-case words joined by underscores, at most 40 characters.")
    if name in RESERVED or name.split("_")[0] == "core":
        raise PluginError(name, f"{name!r} is a name that the core keeps for itself.")
    unknown = sorted(set(data) - KEYS)
    if unknown:
        raise PluginError(name, f"{FILE} has keys that mean nothing: {', '.join(unknown)}.")
    for key in TEXTS:
        if not isinstance(data.get(key, ""), str):
            raise PluginError(name, f"{key} must be text.")
    if not data.get("title"):
        raise PluginError(name, "title is missing.")
    try:
        version = Version(str(data.get("version", "")))
    except InvalidVersion:
        raise PluginError(name, f"version {data.get('version')!r} is no version number such as 1.0.0.") from None
    return Manifest(
        name=name,
        version=version,
        core=_range(name, "core", data.get("core", "")),
        depends=_ranges(name, "depends", data.get("depends", {})),
        uses=_ranges(name, "uses", data.get("uses", {})),
        **{key: data[key] for key in TEXTS if key in data},
    )


def _ranges(name: str, key: str, table: Any) -> dict[str, SpecifierSet]:
    if not isinstance(table, dict):
        raise PluginError(name, f"[{key}] must be a table of plugin names and version ranges.")
    return {str(other): _range(name, f"{key}.{other}", text) for other, text in table.items()}


def _range(name: str, key: str, text: Any) -> SpecifierSet:
    try:
        return SpecifierSet(str(text))
    except InvalidSpecifier:
        raise PluginError(name, f"{key} = {text!r} is no version range such as '>=1,<2'.") from None
