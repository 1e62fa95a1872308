"""Which texts of a plugin have no Persian."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po

from core.extension.discovery import FoundPlugin

CORE = Path(__file__).resolve().parents[1]
LOCALE = "fa_IR"
METHODS = [("**/tests/**", "ignore"), ("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS: dict[str, dict[str, Any]] = {
    "**/templates/**.html": {"encoding": "utf-8", "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols"}
}
KEYWORDS = DEFAULT_KEYWORDS | parse_keywords(
    ["_l", "lazy_gettext", "lazy_ngettext:1,2", "lazy_pgettext:1c,2", "lazy_npgettext:1c,2,3"]
)


def untranslated(plugin: FoundPlugin) -> list[str]:
    """The texts of ``plugin``, its manifest's included, that neither its own Persian nor the core's has."""
    known = _translated(plugin.folder / "translations") | _translated(CORE / "translations")
    return sorted({text for context, text in _texts(plugin) if (context, text) not in known})


def _texts(plugin: FoundPlugin) -> Iterator[tuple[str, str]]:
    manifest = plugin.manifest
    if manifest is not None:
        yield from (("", text) for text in (manifest.title, manifest.summary, manifest.category) if text)
    for _name, _line, message, _comments, context in extract_from_dir(
        plugin.folder, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        yield context or "", message if isinstance(message, str) else message[0]


def _translated(folder: Path) -> set[tuple[str, str]]:
    file = folder / LOCALE / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        return set()
    with file.open("rb") as stream:
        catalog: Catalog = read_po(stream, locale=LOCALE)
    return {
        (message.context or "", message.id if isinstance(message.id, str) else message.id[0])
        for message in catalog
        if message.id and not message.fuzzy and _is_whole(message.string)
    }


def _is_whole(translation: Any) -> bool:
    """Whether it is there, in every number."""
    return all(translation) if isinstance(translation, list | tuple) else bool(translation)
