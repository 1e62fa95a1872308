"""Writing a plugin that works and passes its tests: what ``peyvand plugin new`` does."""

from __future__ import annotations

from pathlib import Path
from string import Template

from core.errors import PluginError
from core.extension.discovery import discover
from core.extension.manifest import parse_manifest

TEMPLATES = Path(__file__).with_name("scaffold_files")

# Template to where it goes; $name, $package, $title and $distribution are filled in, in paths too.
FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "plugin.toml": "$package/plugin.toml",
    "__init__.py": "$package/__init__.py",
    "hooks.py": "$package/hooks.py",
    "models.py": "$package/models.py",
    "migration.py": "$package/migrations/${name}_0001_create_item.py",
    "progress.html": "$package/templates/$name/progress.html",
    "messages.po": "$package/translations/fa_IR/LC_MESSAGES/messages.po",
    "conftest.py": "tests/conftest.py",
    "test_plugin.py": "tests/test_$name.py",
}


def write_plugin(name: str, into: Path) -> list[Path]:
    """Write a distribution with the plugin ``name`` into a new folder ``<into>/peyvand-<name>``; the files' paths.

    The plugin has a record type with a list, a form and a board, a migration, permissions, a panel, Persian, and tests.

    Raises:
        PluginError: no plugin may be called ``name``, one is called so already, or the folder holds something.
    """
    title = name.replace("_", " ").capitalize()
    parse_manifest({"name": name, "title": title, "version": "0.1.0"}, name)
    distribution = f"peyvand-{name.replace('_', '-')}"
    if name in discover():
        raise PluginError(name, "There is a plugin of this name already; choose another one.")
    folder = into / distribution
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(name, f"{folder} is there already; nothing was written.")
    words = {"name": name, "title": title, "distribution": distribution, "package": f"peyvand_{name}"}
    written = []
    for source, place in FILES.items():
        path = folder / Template(place).substitute(words)
        text = Template((TEMPLATES / f"{source}.txt").read_text(encoding="utf-8")).substitute(words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
