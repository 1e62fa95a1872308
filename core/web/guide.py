"""The user guide as in-app help: ``core/help/<language>.md``, read section by section.

Only what the guide is written with is understood: headings, paragraphs, lists, tables, bold, code and links within the
guide. Everything else is text, and all text is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from core.calendars import Language
from core.text import fold

HELP = Path(__file__).resolve().parents[1] / "help"
ORIGINAL: Language = "en"
_HEADING = re.compile(r"(#{1,4}) +(.+?)(?: +\{#([a-z0-9-]+)\})?")
_ITEM = re.compile(r"(?:[-*]|(\d+)\.) +(.*)")
_RULE = re.compile(r"\|[\s:|-]+\|?")
_INLINE = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|`(?P<code>[^`]+)`|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Section:
    """A part of the guide under one heading. ``language`` is the one it is written in."""

    title: str
    anchor: str
    level: int
    html: Markup
    words: str
    language: Language


@lru_cache(maxsize=4)
def guide(language: Language) -> tuple[Section, ...]:
    """The sections of the guide in ``language``; one that has no text in it yet comes in English."""
    original = tuple(_sections(ORIGINAL))
    if language == ORIGINAL or not _file(language).is_file():
        return original
    own = {section.anchor: section for section in _sections(language)}
    return tuple(own.get(section.anchor, section) for section in original)


def _file(language: Language) -> Path:
    return HELP / f"{language}.md"


def _sections(language: Language) -> Iterator[Section]:
    title, anchor, level, lines = "", "", 1, list[str]()
    for line in [*_file(language).read_text(encoding="utf-8").splitlines(), "# "]:
        heading = _HEADING.fullmatch(line)
        if heading is None and line != "# ":
            lines.append(line)
            continue
        if title:
            words = fold(f"{title} {' '.join(lines)}")
            yield Section(title, anchor, level, Markup("").join(_blocks(lines)), words, language)
        if heading is not None:
            title, level, lines = heading[2], len(heading[1]), []
            anchor = heading[3] or anchor_of(title)


def anchor_of(title: str) -> str:
    """The fragment of a heading, as the usual hosts make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _blocks(lines: list[str]) -> Iterator[Markup]:
    """The blocks between two headings as HTML."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield _block(block)
            block = []


def _block(lines: list[str]) -> Markup:
    if lines[0].startswith("|"):
        return _table(lines)
    if not any(_ITEM.fullmatch(line) for line in lines):
        return Markup("<p>{}</p>").format(_inline(" ".join(line.strip() for line in lines)))
    first = next(number for number, line in enumerate(lines) if _ITEM.fullmatch(line))
    before = _block(lines[:first]) if first else Markup("")
    return before + _list(lines[first:])


def _list(lines: list[str]) -> Markup:
    items: list[str] = []
    ordered = False
    for line in lines:
        item = _ITEM.fullmatch(line)
        if item is None:
            items[-1] += f" {line.strip()}"
        else:
            ordered = item[1] is not None
            items.append(item[2])
    inner = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
    return (Markup("<ol>{}</ol>") if ordered else Markup("<ul>{}</ul>")).format(inner)


def _table(lines: list[str]) -> Markup:
    told = [line.strip("|").split("|") for line in lines if not _RULE.fullmatch(line)]
    rows = [[_inline(cell.strip()) for cell in cells] for cells in told]
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(cell) for cell in rows[0])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row))
        for row in rows[1:]
    )
    return Markup('<table class="table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, body)


def _inline(text: str) -> Markup:
    parts, done = [], 0
    for match in _INLINE.finditer(text):
        parts += [escape(text[done : match.start()]), _marked(match)]
        done = match.end()
    return Markup("").join([*parts, escape(text[done:])])


def _marked(match: re.Match[str]) -> Markup:
    if match["bold"]:
        return Markup("<strong>{}</strong>").format(match["bold"])
    if match["code"]:
        return Markup('<code dir="ltr">{}</code>').format(match["code"])
    if match["target"].startswith("#"):
        return Markup('<a href="{}">{}</a>').format(match["target"], match["text"])
    return escape(match["text"])
