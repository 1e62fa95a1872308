"""What can be done with the entries of a story: a page has 25 of them, and in few shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from markupsafe import Markup

from core.admin.patterns import Pattern, plain_html
from core.story import EntryAction, TimelineEntry, Upcoming


@dataclass(frozen=True)
class _Sample:
    """Stands for an entry where only its actions are looked at."""

    actions: tuple[EntryAction, ...]


class EntryActions:
    """Draws the actions of the entries on one page; what a shape of them looks like is kept for the others."""

    def __init__(self) -> None:
        self._patterns: dict[Any, Pattern] = {}

    def drawn(self, draw: Callable[[Any], Markup], line: Mapping[str, Any]) -> Markup:
        """The actions of ``line`` (see nova/_story.html) as HTML.

        ``draw``, a macro, draws one of each shape; addresses and values of the others are filled into that.
        """
        entry: TimelineEntry | Upcoming = line["entry"]
        shape = tuple(
            (action.method, str(action.label), str(action.confirm), action.icon, action.primary, *action.fields)
            for action in entry.actions
        )
        pattern = self._patterns.get(shape)
        if pattern is None:
            pattern = self._patterns[shape] = self._drawn_once(draw, line, entry.actions)
        words = [line["menu"], *_words(entry.actions)]
        return Markup(pattern.filled(list(map(plain_html, words))))  # noqa: S704 - drawn by a template, words are escaped

    @staticmethod
    def _drawn_once(
        draw: Callable[[Any], Markup], line: Mapping[str, Any], actions: tuple[EntryAction, ...]
    ) -> Pattern:
        marks = map("\x02{}\x03".format, count())  # of characters that no stored text holds
        menu = next(marks)
        marked = tuple(
            replace(action, url=next(marks), fields={name: next(marks) for name in action.fields}) for action in actions
        )
        places = {mark: place for place, mark in enumerate((menu, *_words(marked)))}
        return Pattern(str(draw({**line, "entry": _Sample(marked), "menu": menu})), places)


def _words(actions: tuple[EntryAction, ...]) -> Iterator[str]:
    """What may differ between the actions of two entries of one shape, in its order."""
    for action in actions:
        yield action.url
        yield from action.fields.values()
