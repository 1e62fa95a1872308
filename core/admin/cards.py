"""The cards of a board as templates show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_babel import ngettext
from markupsafe import Markup

from core.admin.formatters import plain
from core.admin.patterns import Pattern, escaped
from core.site.formats import format_local_date, format_number

if TYPE_CHECKING:
    from core.admin.board import BoardQuery
    from core.admin.lanes import Lane
    from core.admin.record_view import RecordView
    from core.parts import Hint


class Card(NamedTuple):
    """A card as nova/_card.html draws it: texts, empty where there is nothing to say.

    ``initial`` stands for the owner. ``hint`` is a short remark such as the next step; ``warn`` colours it. ``age`` is
    ``ageing`` or ``old`` for a card that lies in its lane too long, and ``age_text`` says for how long.
    """

    id: int
    title: str
    url: str
    version: int
    subtitle: str
    amount: str
    date: str
    owner: str
    initial: str
    hint: str
    age_text: str
    # What follows is the same for all cards of one shape.
    hint_icon: str
    warn: bool
    age: str


WORDS = Card._fields[: Card._fields.index("hint_icon")]
# How a pattern marks the place of a word: with characters that no stored text holds.
_PLACES = {f"\x02{name}\x03": place for place, name in enumerate(WORDS)}
_MARKS = tuple(_PLACES)


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
        # Days and ages come again from card to card.
        self._written, self._said = cache(format_local_date), cache(_age_text)
        self._patterns: dict[Any, Pattern] = {}

    def drawn(self, draw: Callable[[Any], Markup], cards: Iterable[Card]) -> Markup:
        """Cards as HTML. ``draw``, a macro, draws one of each shape; the words of the others are filled into that.

        A board has 120 cards in a handful of shapes. Drawn by the template one by one they took three times as long.
        """
        html: list[str] = []
        some = [*cards]
        safe = iter(escaped([str(word) for card in some for word in card[: len(WORDS)]]))
        for card in some:
            words = [*islice(safe, len(WORDS))]
            shape = (*map(bool, words), *card[len(WORDS) :])
            pattern = self._patterns.get(shape)
            if pattern is None:
                marks = (mark if word else "" for mark, word in zip(_MARKS, words, strict=True))
                sample = draw(Card(*marks, *shape[len(WORDS) :]))  # type: ignore[arg-type]
                pattern = self._patterns[shape] = Pattern(str(sample), _PLACES)
            html.append(pattern.filled(words))
        return Markup("".join(html))  # noqa: S704 - the template's own output, and escaped words

    def card(self, record: Any, lane: Lane, hint: Hint | None = None) -> Card:
        """The card of a record, or of what stands for it (``core.admin.card_rows``)."""
        query, owner = self.query, getattr(record, "owner", None)
        date, amount, subtitle = query.board.date, query.amount, query.subtitle
        age, days = self._age(record, lane)
        named = str(owner) if owner else ""
        return Card(
            id=record.id,
            title=str(record),
            url=f"{self.root}{record.id}",
            version=record.version,
            subtitle=plain(subtitle, getattr(record, subtitle.name), record) if subtitle is not None else "",
            amount=plain(amount, getattr(record, amount.name), record) if amount is not None else "",
            date=self._written(getattr(record, date)) if date else "",
            owner=named,
            initial=named[:1],
            hint=str(hint.text) if hint else "",
            age_text=self._said(days) if age else "",
            hint_icon=hint.icon if hint else "clock",
            warn=hint is not None and hint.warn,
            age=age,
        )

    def _age(self, record: Any, lane: Lane) -> tuple[str, int]:
        """Whether a card lies too long or soon will, and for how many days."""
        days = self.query.days_in_lane(record) if lane.rot_days is not None else None
        if days is None or lane.rot_days is None:
            return "", 0
        if days > lane.rot_days:
            return "old", days
        return ("ageing", days) if days * 4 >= lane.rot_days * 3 else ("", days)


def _age_text(days: int) -> str:
    return ngettext("%(days)s day here", "%(days)s days here", days, days=format_number(days))
