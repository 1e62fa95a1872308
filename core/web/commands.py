"""What the palette offers besides records: lines of the menu, what every screen can do, commands of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.admin.calendar import date_fields
from core.parts import Label, Screen, untranslated
from core.records.policy import may
from core.site.site import current_site
from core.text import fold
from core.web.search import Group, Hit

SHOWN = 6  # lines of one kind
ADMINISTRATION = _l("Administration")


@dataclass(frozen=True)
class Line:
    """A page to open. ``words`` are all texts it is found by, folded."""

    text: str
    url: str
    icon: str
    words: str
    note: str = ""
    setting: bool = False

    @property
    def hit(self) -> Hit:
        """As it is shown."""
        return Hit(self.text, self.url, self.icon, self.note)


def find_commands(text: str, *, most: int = SHOWN) -> list[Group]:
    """The commands and the settings that hold every word of ``text``, in the reader's language or in English."""
    found = ranked(text, list(_lines()))
    commands = [line.hit for line in found if not line.setting]
    settings = [line.hit for line in found if line.setting]
    groups = [Group(_("Commands"), tuple(commands[:most])), Group(_("Settings"), tuple(settings[:most]))]
    return [group for group in groups if group.hits]


def ranked(text: str, lines: list[Line]) -> list[Line]:
    """The lines that hold every word, those that begin with the text first, then those with a word that does."""
    asked = fold(text)
    words = asked.split()
    found = [line for line in lines if all(word in line.words for word in words)]
    return sorted(
        found, key=lambda line: (not line.words.startswith(asked), f" {asked}" not in line.words, line.setting)
    )


def _lines() -> Iterator[Line]:
    """Everything the person may open, once per address."""
    seen: set[str] = set()
    for line in (*_menu(), *_of_plugins(), *_of_screens()):
        if line.url not in seen:
            seen.add(line.url)
            yield line


def _line(label: Label, url: str, icon: str, *, words: Label = "", note: str = "", setting: bool = False) -> Line:
    found_by = _folded(str(label), untranslated(label), str(words), untranslated(words))
    return Line(str(label), url, icon, found_by, note, setting)


@lru_cache(maxsize=1000)
def _folded(*texts: str) -> str:
    """All of these texts, each once, as they are searched: the same for every search of everybody."""
    return " ".join(dict.fromkeys(fold(text) for text in texts if text))


def _menu() -> Iterator[Line]:
    for section, items in current_site().menu:
        administration = untranslated(section) == untranslated(ADMINISTRATION)
        for item in items:
            if item.permission is None or may(item.permission):
                url = url_for(item.endpoint, **item.values)
                yield _line(item.label, url, item.icon, words=section, note=str(section), setting=administration)


def _of_plugins() -> Iterator[Line]:
    for command in current_site().commands:
        if command.permission is None or may(command.permission):
            url = url_for(command.endpoint, **command.values, _anchor=command.anchor or None)
            yield _line(command.label, url, command.icon, words=command.words, setting=command.setting)


def _of_screens() -> Iterator[Line]:
    for screen in current_site().screens.values():
        if screen.in_menu and may(screen.permission("see")):
            yield from _of_screen(screen)


def _of_screen(screen: Screen) -> Iterator[Line]:
    one, many = str(screen.title), str(screen.plural)
    verbs: list[tuple[str, str, str, str, str]] = [
        ("create", _("New: %(name)s", name=one), "new create", "create_view", "plus"),
    ]
    if screen.board is not None:
        verbs.append(("see", _("%(name)s: board", name=many), "board", "board_view", "layout-kanban"))
    dates = date_fields(current_site().catalog.find(screen.name)).values()
    if any(not field.managed for field in dates):
        verbs.append(("see", _("%(name)s: calendar", name=many), "calendar", "calendar_view", "calendar"))
    for verb, label, words, view, icon in verbs:
        if may(screen.permission(verb)):
            words = f"{words} {untranslated(screen.title)} {untranslated(screen.plural)}"
            yield _line(label, url_for(f"{screen.endpoint}.{view}"), icon, words=words)
    if screen.importing is not None and may(screen.permission("import")):
        url = url_for("importing.upload", record_type=screen.name)
        yield _line(_("%(name)s: import", name=many), url, "upload", words=f"import {untranslated(screen.plural)}")
