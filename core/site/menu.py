"""The side menu: screens and menu items by section, only what the person may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from sqlalchemy.exc import SQLAlchemyError

from core.accounts.actor import acting
from core.parts import Label, MenuItem, untranslated
from core.records.views.saved import Listed, pinned


@dataclass(frozen=True)
class ShownItem:
    """A line as the template shows it."""

    label: str
    url: str
    icon: str
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
        ShownItem(str(screen.title), url_for(f"{screen.endpoint}.create_view"), screen.icon)
        for screen in offered
    ]


def site_menu() -> list[Section]:
    """The menu of the person who asks."""
    actor = acting()
    shown: list[Section] = []
    pins = _pins()
    for label, items in current_app.extensions["peyvand"].menu:
        drawn: list[ShownItem] = []
        for item in items:
            if item.permission is None or actor.may(item.permission):
                url = url_for(item.endpoint, **item.values)
                drawn += [ShownItem(str(item.label), url, item.icon, item.key), *pins.get(item.endpoint, ())]
        if drawn:
            shown.append(Section(str(label), tuple(drawn)))
    return shown


def pinned_views() -> list[Listed]:
    """The reader's pinned views; none where the database does not answer, for the page of that error has a menu too."""
    site = current_app.extensions["peyvand"]
    if acting().user_id is None:
        return []
    try:
        return pinned(site.runtime.database.session.session)
    except SQLAlchemyError:
        return []


def _pins() -> dict[str, list[ShownItem]]:
    """The reader's pinned views by the endpoint of their list."""
    site = current_app.extensions["peyvand"]
    found: dict[str, list[ShownItem]] = {}
    for view in pinned_views():
        screen = site.screens.get(view.record_type)
        if screen is not None and acting().may(screen.permission("see")):
            endpoint = f"{screen.endpoint}.index_view"
            found.setdefault(endpoint, []).append(ShownItem(view.name, url_for(endpoint, view=view.id), "bookmark"))
    return found


def search_url() -> str | None:
    """Where the box above every page searches; None for people who are not signed in."""
    return url_for("search.page") if acting().user_id is not None else None
