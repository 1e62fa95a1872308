"""What a board shows: lanes with their totals, and the first cards of every lane, in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.admin.card_rows import card_rows
from core.admin.lanes import LANES_LIMIT, Lane, LaneSource, lane_fields
from core.admin.list_query import MOST_CHOICES, loader, unshown
from core.database.engine import ONE_PLAN
from core.database.likely import Likely
from core.database.types import MINOR_UNITS
from core.errors import CatalogError
from core.parts import Board, Screen
from core.records.catalog import RecordType
from core.records.field_rights import has_hidden
from core.records.fields import Field
from core.records.record import Record
from core.records.totals import NO_CURRENCY, Total, exact_totals

CARDS_LIMIT = 500  # cards one lane shows at most; past that a list is the better tool
NUMBERS = ("money", "integer", "decimal")


def boards_of(screen: Screen, record_type: RecordType) -> dict[str, BoardQuery]:
    """The boards of a screen by the field they are laid out by, the screen's own first.

    Raises:
        CatalogError: the screen's board names something that cannot be a lane, an amount or a scope.
    """
    entries = lane_fields(record_type)
    own = screen.board
    if own is not None:
        entries = [record_type.field(own.lane), *(entry for entry in entries if entry.name != own.lane)]
    return {entry.name: BoardQuery(record_type, _board_by(screen, record_type, entry)) for entry in entries}


def _board_by(screen: Screen, record_type: RecordType, entry: Field) -> Board:
    """The screen's board where it is the one asked for; else one from the Catalog, with what of it still fits."""
    own = screen.board
    if own is not None and own.lane == entry.name:
        return own
    if own is not None:
        return replace(own, lane=entry.name, order=None, scope=None, move=None, ask=None)
    fields = [item for item in record_type.fields.values() if not item.managed]
    shown = [record_type.fields[name] for name in screen.columns if name in record_type.fields]
    chance = record_type.fields.get("probability")
    return Board(
        lane=entry.name,
        amount=next((item.name for item in fields if item.kind == "money"), None),
        probability="probability" if chance is not None and chance.kind == "integer" else None,
        date=next((item.name for item in shown if item.kind == "date"), None),
        subtitle=next((item.name for item in shown[1:] if item.kind == "link" and item is not entry), None),
    )


class BoardQuery:
    """The lanes and cards of one board of a screen.

    Args:
        record_type: what the cards are.
        board: how they are laid out.

    Raises:
        CatalogError: the board names something that cannot be a lane, an amount or a scope.
    """

    def __init__(self, record_type: RecordType, board: Board) -> None:
        self.board = board
        self.record_type = record_type
        self.model: type[Record] = record_type.model
        self.field = record_type.field(board.lane)
        if self.field.kind not in ("choice", "link"):
            raise CatalogError(f"{record_type.name}: the board's lane {board.lane!r} is no choice and no link.")
        self.amount = self._own(board.amount)
        if self.amount is not None and self.amount.kind not in NUMBERS:
            raise CatalogError(f"{record_type.name}: the board's amount {board.amount!r} is no number.")
        for name in (board.date, board.since):
            self._own(name)
        self.subtitle = self._own(board.subtitle)
        self.source = LaneSource(record_type, self.field, board)
        self.column = self.source.column
        self._chance = board.probability if board.probability in record_type.fields else None
        self._rows = card_rows(self)
        self._made: WeakKeyDictionary[Any, dict[Any, sa.Select[Any]]] = WeakKeyDictionary()

    def _own(self, name: str | None) -> Field | None:
        return self.record_type.field(name) if name else None

    # --- totals

    def exact(self, session: Session, matching: sa.Select[Any], keys: Sequence[Any] | None = None) -> list[Total]:
        """The totals of the lanes with ``keys``, or of all, over the records of ``matching``."""
        if keys is not None:
            matching = matching.where(self.among(keys))
        return exact_totals(session, matching, self.model, self.column, self.amount, self._chance)

    def among(self, keys: Sequence[Any]) -> sa.ColumnElement[bool]:
        """The criterion of being in a lane with one of ``keys``."""
        inside: sa.ColumnElement[bool] = self.column.in_([key for key in keys if key is not None])
        return sa.or_(inside, self.column.is_(None)) if None in keys else inside

    def fill_totals(self, lanes: Sequence[Lane], totals: Iterable[Total]) -> None:
        """Count and sum every lane; totals of other lanes are left out."""
        by_key = {lane.key: lane for lane in lanes}
        for total in totals:
            lane = by_key.get(total.key)
            if lane is None:
                continue
            lane.count += total.count
            if self.amount is None:
                continue
            code, amount = total.currency or NO_CURRENCY, self._major(total.amount)
            lane.sums[code] = lane.sums.get(code, Decimal(0)) + amount
            chance = total.chance if self._chance is not None else lane.probability
            if chance is not None:
                weighted = amount * chance / 100
                lane.weighted_sums[code] = lane.weighted_sums.get(code, Decimal(0)) + weighted

    def _major(self, value: Any) -> Decimal:
        number = Decimal(str(value or 0))
        return number / MINOR_UNITS if self.amount is not None and self.amount.kind == "money" else number

    # --- cards

    def fill_cards(
        self, session: Session, lanes: Sequence[Lane], sizes: Mapping[Any, int], matching: sa.Select[Any], ordered: Any
    ) -> None:
        """Load the first cards of every lane that has any, all lanes with one query.

        Each lane is a short walk along an index, put together by UNION ALL: a rank over every row would read them all.

        Args:
            session: the unit of work.
            lanes: with their counts.
            sizes: how many cards where it is not the usual number.
            matching: the records the view shows, in no order.
            ordered: puts a statement in the order asked for, or None for the board's own.
        """
        wanted = [lane for lane in lanes[:LANES_LIMIT] if lane.count]
        if not wanted:
            return
        by_key = {lane.key: lane for lane in wanted}
        # The session empties what is hidden in objects, and refuses it as a column.
        rows = None if has_hidden() else self._rows
        found = session.execute(self._cards(rows, wanted, sizes, matching, ordered))
        for card in found.scalars() if rows is not None else found.unique().scalars():
            by_key[self.source.lane_of(card)].cards.append(card)

    def _cards(
        self, rows: sa.Select[Any] | None, wanted: Sequence[Lane], sizes: Mapping[Any, int], matching: sa.Select[Any],
        ordered: Any,
    ) -> sa.Select[Any]:  # fmt: skip
        key = (rows is None, *((lane.key, sizes.get(lane.key)) for lane in wanted))
        # Of a board that is opened again the statement is the same object, so that SQLAlchemy knows it again.
        made = self._made.setdefault(matching, {}) if ordered is None else {}
        if key in made:
            return made[key]
        if len(made) >= MOST_CHOICES:
            made.clear()
        # What a card links to is shown though it lies in the bin, so the cards' own bin is named here.
        there = Likely(self.model.archived_at.is_(None))
        some = self._in_order(matching.where(there), ordered)
        some = some.with_only_columns(self.model.id, maintain_column_froms=True)
        parts = []
        for lane in wanted:
            inside = self.column.is_(None) if lane.key is None else self.column == lane.key
            # Written out, so that a plan for all values knows how short each walk is.
            few = sa.literal_column(str(sizes.get(lane.key, self.board.page_size)), sa.Integer)
            part = some.where(inside).limit(few).subquery()
            parts.append(sa.select(part.c.id))
        ids = sa.union_all(*parts) if len(parts) > 1 else parts[0]
        statement = sa.select(self.model).options(*self._loading()) if rows is None else rows
        statement = statement.where(self.model.id.in_(ids), there)
        # Only values of lanes, whose walks are all alike; what people look for is planned for each of them.
        alike = matching.whereclause is None and ordered is None
        made[key] = self._in_order(statement, ordered).execution_options(include_archived=True, **{ONE_PLAN: alike})
        return made[key]

    def _in_order(self, statement: sa.Select[Any], ordered: Any) -> sa.Select[Any]:
        result: sa.Select[Any] = ordered(statement) if ordered else statement.order_by(*self._card_order())
        return result

    def _card_order(self) -> list[Any]:
        if self.board.date:
            return [getattr(self.model, self.board.date).asc().nulls_last(), self.model.id]
        return [self.model.updated_at.desc(), self.model.id.desc()]

    def _loading(self) -> list[Any]:
        # Not the lane, which is loaded already: see ``Lane.row``.
        names = dict.fromkeys([self.board.subtitle, "owner"])
        fields = [self.record_type.fields[name] for name in names if name and name in self.record_type.fields]
        return [*(loader(self.model, entry) for entry in fields if entry.is_link), *unshown(self.model)]

    # --- age

    def stuck(self, lanes: Sequence[Lane]) -> sa.ColumnElement[bool]:
        """The criterion of lying in a lane for longer than the lane allows."""
        if self.board.since is None:
            return sa.false()
        since, moment = getattr(self.model, self.board.since), now()
        return sa.or_(
            sa.false(),
            *(
                sa.and_(self.column == lane.key, since <= moment - dt.timedelta(days=lane.rot_days + 1))
                for lane in lanes
                if lane.rot_days is not None
            ),
        )

    def days_in_lane(self, record: Any) -> int | None:
        """For how many whole days ``record`` has been in its lane; None where nobody counts."""
        since = getattr(record, self.board.since) if self.board.since else None
        return max((now() - since).days, 0) if since is not None else None
