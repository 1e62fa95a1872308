"""Keep the Persian complete: ``extract`` new messages, ``check`` that none is missing, ``compile`` for other tools.

Core and the themes share ``core/translations``; every plugin has its own ``translations`` folder. A plugin need not
translate again what core does, and may not give core's words another meaning.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

LOCALE = "fa_IR"
KEYWORDS = DEFAULT_KEYWORDS | parse_keywords(
    ["_l", "lazy_gettext", "lazy_ngettext:1,2", "lazy_pgettext:1c,2", "lazy_npgettext:1c,2,3"]
)
_PLACEHOLDER = re.compile(r"%\(\w+\)")

Key = tuple[str, str]
"""A message's context ("" for none) and its (singular) English text."""


@dataclass(frozen=True)
class Part:
    """A piece of the product with one translations folder: core with its themes, or a plugin."""

    name: str
    sources: tuple[Path, ...]
    translations: Path

    @property
    def file(self) -> Path:
        return self.translations / LOCALE / "LC_MESSAGES" / "messages.po"

    def written(self) -> Catalog:
        """Return what the folder's file holds; an empty catalogue where there is no file."""
        if not self.file.exists():
            return Catalog(locale=LOCALE)
        with self.file.open("rb") as file:
            return read_po(file, locale=LOCALE)

    def extracted(self, root: Path) -> Catalog:
        """Return the messages of the part's Python files and templates."""
        with (root / "babel.cfg").open(encoding="utf-8") as file:
            methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
        found = Catalog()
        for source in filter(Path.is_dir, self.sources):
            for name, _line, message, _comments, context in extract_from_dir(
                source, method_map=methods, options_map=options, keywords=KEYWORDS
            ):
                found.add(message, locations=[((source / name).relative_to(root).as_posix(), 0)], context=context)
        return found


def parts(root: Path) -> list[Part]:
    """Return core first, then every folder with a ``plugin.toml`` among the plugins and the examples."""
    core = Part("core", (root / "core", root / "themes"), root / "core" / "translations")
    manifests = sorted([*root.glob("plugins/*/plugin.toml"), *root.glob("examples/*/**/plugin.toml")])
    folders = [manifest.parent for manifest in manifests]
    return [core, *(Part(folder.name, (folder,), folder / "translations") for folder in folders)]


def key(message: Message) -> Key:
    return message.context or "", message.id[0] if isinstance(message.id, (tuple, list)) else message.id


def forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def translated(messages: Catalog) -> dict[Key, tuple[str, ...]]:
    """Return the usable translations: neither empty in any form nor fuzzy."""
    return {
        key(message): forms(message.string)
        for message in messages
        if message.id and not message.fuzzy and all(forms(message.string))
    }


def problems(root: Path) -> Iterator[str]:
    """Yield one line per missing translation, lost placeholder and redefined word of core."""
    core, *plugins = parts(root)
    core_words = translated(core.written())
    for part in (core, *plugins):
        own = translated(part.written())
        for message in part.extracted(root):
            if message.id and key(message) not in own and (part is core or key(message) not in core_words):
                where = ", ".join(name for name, _line in message.locations)
                yield f"{part.name}: no Persian for {key(message)[1]!r} ({where})"
        for message in part.written():
            if not message.id or key(message) not in own:
                continue
            if part is not core and core_words.get(key(message), own[key(message)]) != own[key(message)]:
                yield f"{part.name}: gives core's {key(message)[1]!r} another Persian; use pgettext with a context"
            wanted = set().union(*(_PLACEHOLDER.findall(form) for form in forms(message.id)))
            if any(set(_PLACEHOLDER.findall(form)) - wanted for form in own[key(message)]):
                yield f"{part.name}: a placeholder of {key(message)[1]!r} is not in the English text"
            if not wanted <= set(_PLACEHOLDER.findall(own[key(message)][-1])):
                yield f"{part.name}: a placeholder of {key(message)[1]!r} is lost in Persian"


def check(root: Path) -> int:
    """Print every problem; return 1 if there was one."""
    found = list(problems(root))
    for line in found:
        print(line)
    return 1 if found else 0


def extract(root: Path) -> int:
    """Bring each file up to date: new messages with an empty translation, those no longer used removed."""
    core, *plugins = parts(root)
    core_words = translated(core.written())
    for part in (core, *plugins):
        template, messages = part.extracted(root), part.written()
        own = translated(messages)
        for message in list(template):
            if part is not core and message.id and key(message) in core_words and key(message) not in own:
                template.delete(message.id, context=message.context)
        messages.update(template, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
        messages.obsolete.clear()
        part.file.parent.mkdir(parents=True, exist_ok=True)
        with part.file.open("wb") as file:
            write_po(file, messages, width=120, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return 0


def compile_files(root: Path) -> int:
    """Write a ``.mo`` beside every ``.po``. Peyvand itself reads the ``.po``; the result is not committed."""
    for part in parts(root):
        for source in part.translations.glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as file, source.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(file, locale=source.parent.parent.name))
    return 0


COMMANDS = {"extract": extract, "check": check, "compile": compile_files}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the source tree")
    options = parser.parse_args(arguments)
    return COMMANDS[options.command](options.root.resolve())


if __name__ == "__main__":
    sys.exit(main())
