"""The cards of a board as templates show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from flask_babel import ngettext
from markupsafe import Markup, escape

from core.admin.formatters import plain
from core.site.formats import format_local_date, format_number

if TYPE_CHECKING:
    from core.admin.board import BoardQuery
    from core.admin.lanes import Lane
    from core.admin.record_view import RecordView
    from core.parts import Hint


# What differs between cards of one shape, and how a pattern marks its place: with characters that no stored text holds.
_FILLED = ("id", "title", "url", "version", "subtitle", "amount", "date", "owner", "initial", "hint", "age_text")
_MARK = re.compile("\x02([a-z_]+)\x03")


@dataclass(frozen=True, slots=True)
class Card:
    """A card as nova/_card.html draws it: texts, empty where there is nothing to say.

    ``hint`` is a short remark such as the next step; ``warn`` colours it. ``age`` is ``ageing`` or ``old`` for a card
    that lies in its lane too long, and ``age_text`` says for how long.
    """

    id: int
    title: str
    url: str
    version: int
    subtitle: str = ""
    amount: str = ""
    date: str = ""
    owner: str = ""
    hint: str = ""
    hint_icon: str = "clock"
    warn: bool = False
    age: str = ""
    age_text: str = ""

    @property
    def initial(self) -> str:
        """What stands for the owner."""
        return self.owner[:1]


class Cards:
    """Makes the cards of one page. What many cards have in common, such as a date, is written once.

    Args:
        view: the screen.
        query: the board.
    """

    def __init__(self, view: RecordView, query: BoardQuery) -> None:
        self.query = query
        # A card's address is the list's with its id; to build it from its endpoint takes longer than to draw the card.
        self.root = view.list_url()
        board, record_type = query.board, view.record_type
        self.subtitle = record_type.field(board.subtitle) if board.subtitle else None
        # Days, owners and remarks come again from card to card.
        self._written, self._escaped = cache(format_local_date), cache(escape)
        self._patterns: dict[Any, list[str]] = {}

    def drawn(self, draw: Callable[[Any], Markup], cards: Iterable[Card]) -> Markup:
        """Cards as HTML. ``draw``, a macro, draws one of each shape; the words of the others are filled into that.

        A board has 120 cards in a handful of shapes. Drawn by the template one by one they took three times as long.
        """
        html: list[str] = []
        for card in cards:
            words = {name: self._escaped(getattr(card, name)) for name in _FILLED}
            shape = (tuple(map(bool, words.values())), card.hint_icon, card.warn, card.age)
            pattern = self._patterns.get(shape)
            if pattern is None:
                marked = {name: f"\x02{name}\x03" if word else "" for name, word in words.items()}
                marked |= {"hint_icon": card.hint_icon, "warn": card.warn, "age": card.age}  # type: ignore[dict-item]
                pattern = self._patterns[shape] = _MARK.split(str(draw(marked)))
            # Every other part is a word. In one go, so that a name which looks like a mark stays a name.
            html += (words[part] if place % 2 else part for place, part in enumerate(pattern))
        return Markup("".join(html))  # noqa: S704 - the template's own output, and escaped words

    def card(self, record: Any, lane: Lane, hint: Hint | None = None) -> Card:
        """The card of a record."""
        board, owner, amount = self.query.board, getattr(record, "owner", None), self.query.amount
        age, days = self._age(record, lane)
        return Card(
            record.id,
            str(record),
            f"{self.root}{record.id}",
            record.version,
            self._subtitle(record),
            plain(amount, getattr(record, amount.name), record) if amount is not None else "",
            self._written(getattr(record, board.date)) if board.date else "",
            str(owner) if owner else "",
            str(hint.text) if hint else "",
            hint.icon if hint else "clock",
            hint is not None and hint.warn,
            age,
            ngettext("%(days)s day here", "%(days)s days here", days, days=format_number(days)) if age else "",
        )

    def _age(self, record: Any, lane: Lane) -> tuple[str, int]:
        """Whether a card lies too long or soon will, and for how many days."""
        days = self.query.days_in_lane(record) if lane.rot_days is not None else None
        if days is None or lane.rot_days is None:
            return "", 0
        if days > lane.rot_days:
            return "old", days
        return ("ageing", days) if days * 4 >= lane.rot_days * 3 else ("", days)

    def _subtitle(self, record: Any) -> str:
        if self.subtitle is None:
            return ""
        value = getattr(record, self.subtitle.name)
        return plain(self.subtitle, value, record) if value is not None else ""
