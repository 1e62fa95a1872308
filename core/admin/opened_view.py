"""The saved view a list is opened with, and what the address changes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.admin.ids import not_found, read_id
from core.records.views.saved import Listed, default_of, visible
from core.records.views.view import View

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

ALL = "all"  # ?view=all is the list as its screen says, for whom it opens with a view
PLACE = ("page", "number", "after", "before")
_OWN = ("view", "changed")


@dataclass(frozen=True)
class Opened:
    """A list with the view it shows.

    ``arguments`` are what the list is asked for; ``saved`` is the view, ``changed`` whether the address differs from
    it, and ``gone`` what of it cannot be shown today.
    """

    arguments: Mapping[str, str]
    views: Sequence[Listed]
    saved: Listed | None = None
    changed: bool = False
    gone: View = View()

    def address(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the address that asks for ``arguments`` and remembers the view."""
        content = {key: str(value) for key, value in arguments.items() if key not in PLACE}
        place = {key: value for key, value in arguments.items() if key in PLACE}
        if self.saved is None:
            return ({"view": ALL} if default_of(self.views) else {}) | dict(arguments)
        if not self.changed and View.of_address(content) == View.of_address(self.arguments):
            return {"view": self.saved.id} | place
        return {"view": self.saved.id, "changed": 1} | dict(arguments)


def open_view(view: RecordView, args: Mapping[str, str]) -> Opened:
    """What the address opens: a saved view, the reader's default, or just what it says. An unknown view is a 404."""
    views = visible(view.session, view.screen.name)
    several, ordered = (args.getlist(name) if hasattr(args, "getlist") else [] for name in ("column", "by"))
    plain = {key: value for key, value in args.items() if key not in (*_OWN, "column", "by")}
    if several:
        plain["columns"] = ",".join(several)
    if ordered:
        plain["sort"] = ",".join(_once_each(ordered))
    chosen = args.get("view") or ""
    if chosen == ALL:
        return Opened(plain, views)
    saved = _chosen(views, chosen) if chosen else None
    if saved is None and not plain:
        saved = default_of(views)
    if saved is None:
        return Opened(plain, views)
    kept, gone = checked(view, View.of_definition(saved.definition))
    if args.get("changed"):
        return Opened(plain, views, saved, True, gone)
    place = {key: value for key, value in plain.items() if key in PLACE}
    return Opened(kept.address | place, views, saved, False, gone)


def _once_each(words: Sequence[str]) -> list[str]:
    """The fields that a form sorts by, without empty choices and second mentions of one."""
    found: dict[str, str] = {}
    for word in filter(None, words):
        found.setdefault(word.removeprefix("-"), word)
    return list(found.values())


def checked(view: RecordView, what: View) -> tuple[View, View]:
    """What of a view the list can show today, and what not."""
    query = view.query
    args = {arg for entry in query.filters for arg in entry.args}
    return what.checked(
        view.record_type,
        columns=query.offered,
        filters=args,
        groups=lambda name: not name or query.groups.find(name) is not None,
    )


def _chosen(views: Sequence[Listed], text: str) -> Listed:
    number = read_id(text)
    found = next((entry for entry in views if entry.id == number), None)
    return found if found is not None else not_found()
