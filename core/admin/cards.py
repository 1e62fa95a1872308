"""The cards of a board as templates show them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from flask_babel import ngettext

from core.admin.formatters import plain
from core.site.formats import format_local_date, format_number

if TYPE_CHECKING:
    from core.admin.board import BoardQuery
    from core.admin.lanes import Lane
    from core.admin.record_view import RecordView
    from core.parts import Hint


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
        self._dates: dict[dt.date | None, str] = {None: ""}

    def card(self, record: Any, lane: Lane, hint: Hint | None = None) -> dict[str, Any]:
        """A card; see nova/_card.html."""
        board, owner, amount = self.query.board, getattr(record, "owner", None), self.query.amount
        value = getattr(record, amount.name) if amount is not None else None
        age, days = self._age(record, lane)
        return {
            "id": record.id,
            "title": str(record),
            "url": f"{self.root}{record.id}",
            "subtitle": self._subtitle(record),
            "version": record.version,
            "amount": plain(amount, value, record) if amount is not None and value is not None else None,
            "date": self._date(getattr(record, board.date)) if board.date else "",
            "owner": str(owner) if owner else "",
            "owner_initial": str(owner)[:1] if owner else "",
            "hint": str(hint.text) if hint else "",
            "hint_icon": hint.icon if hint else "clock",
            "warn": hint is not None and hint.warn,
            "age": age,
            "age_text": ngettext("%(days)s day here", "%(days)s days here", days, days=format_number(days))
            if age
            else "",
        }

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

    def _date(self, value: dt.date | None) -> str:
        if value not in self._dates:
            self._dates[value] = format_local_date(value)
        return self._dates[value]
