"""The side menu: screens and menu items by section, only what the person may open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import current_app, request, url_for

from core.accounts.actor import acting
from core.parts import Label, MenuItem, untranslated


@dataclass(frozen=True)
class ShownItem:
    """A line as the template shows it."""

    label: str
    url: str
    icon: str
    active: bool
    key: str = ""


@dataclass(frozen=True)
class Section:
    """A titled part of the menu; the first has no title."""

    label: str
    items: tuple[ShownItem, ...]


def screen_item(screen: Any) -> MenuItem:
    """The menu line of a screen's list."""
    return MenuItem(
        label=screen.plural,
        endpoint=f"{screen.endpoint}.index_view",
        permission=screen.permission("see"),
        section=screen.section,
        icon=screen.icon,
        weight=screen.weight,
        key=screen.key,
    )


def arrange(items: list[MenuItem]) -> tuple[tuple[Label, tuple[MenuItem, ...]], ...]:
    """Group items into sections: the untitled one first, the others in the order of their lightest item."""
    ordered = sorted(items, key=lambda item: (item.weight, item.endpoint))
    sections: dict[str, tuple[Label, list[MenuItem]]] = {}
    for item in ordered:
        # Lazy labels compare by what they say; the untranslated text is the same in every language.
        key = untranslated(item.section)
        sections.setdefault(key, (item.section, []))[1].append(item)
    untitled = sections.pop("", ("", []))
    return tuple((label, tuple(lines)) for label, lines in (untitled, *sections.values()) if lines)


def create_menu() -> list[ShownItem]:
    """What the create button offers: the record types this person may add."""
    actor = acting()
    screens = current_app.extensions["peyvand"].screens.values()
    offered = [screen for screen in screens if screen.in_menu and actor.may(screen.permission("create"))]
    offered.sort(key=lambda screen: (screen.weight, screen.endpoint))
    return [
        ShownItem(str(screen.title), url_for(f"{screen.endpoint}.create_view"), screen.icon, False)
        for screen in offered
    ]


def site_menu() -> list[Section]:
    """The menu of the person who asks, with the open page marked."""
    actor = acting()
    here = request.path
    shown: list[Section] = []
    best = ""
    for label, items in current_app.extensions["peyvand"].menu:
        lines = []
        for item in items:
            if item.permission is None or actor.may(item.permission):
                url = url_for(item.endpoint, **item.values)
                lines.append((item, url))
                if (here == url or (url != "/" and here.startswith(url))) and len(url) > len(best):
                    best = url
        if lines:
            shown.append(
                Section(str(label), tuple(ShownItem(str(i.label), url, i.icon, False, i.key) for i, url in lines))
            )
    return [Section(s.label, tuple(replace(item, active=item.url == best) for item in s.items)) for s in shown]


def search_url() -> str | None:
    """Where the box above every page searches; None for people who are not signed in."""
    return url_for("search.page") if acting().user_id is not None else None
