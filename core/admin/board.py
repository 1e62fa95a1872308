"""What a board shows: lanes with their sums in one query, and the first cards of every lane in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.admin.ids import read_id
from core.admin.list_query import loader
from core.database.types import MINOR_UNITS
from core.errors import CatalogError, UnknownField
from core.parts import Board, Label, Screen
from core.records.catalog import RecordType
from core.records.fields import Field
from core.site.formats import format_money, format_number

if TYPE_CHECKING:
    from core.records.record import Record

CARDS_LIMIT = 500  # cards one lane shows at most; past that a list is the better tool
NO_CURRENCY = ""


@dataclass
class Lane:
    """A lane: ``key`` is the code of a choice or the id of the linked record, ``sums`` are amounts by currency."""

    key: Any
    label: Label
    color: str = "gray"
    probability: int | None = None
    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    weighted_sums: dict[str, Decimal] = field(default_factory=dict)
    cards: list[Any] = field(default_factory=list)

    @property
    def total(self) -> str:
        """The sums as text, one per currency."""
        return _sum_text(self.sums)

    @property
    def weighted(self) -> str:
        """The sums weighted by probability as text."""
        return _sum_text(self.weighted_sums)


class BoardQuery:
    """The lanes and cards of one screen's board.

    Raises:
        CatalogError: the board names something that cannot be a lane, an amount or a scope.
    """

    def __init__(self, screen: Screen, record_type: RecordType) -> None:
        assert screen.board is not None, "only a screen with a board has a board query"
        self.screen = screen
        self.board: Board = screen.board
        self.record_type = record_type
        self.model: type[Record] = record_type.model
        self.lane = record_type.field(self.board.lane)
        if self.lane.kind not in ("choice", "link"):
            raise CatalogError(f"{record_type.name}: the board's lane {self.board.lane!r} is no choice and no link.")
        self.amount = self._own(self.board.amount)
        if self.amount is not None and self.amount.kind not in ("money", "integer", "decimal"):
            raise CatalogError(f"{record_type.name}: the board's amount {self.board.amount!r} is no number.")
        self.currency = self._own(self.amount.currency) if self.amount is not None and self.amount.currency else None
        for name in (self.board.date, self.board.subtitle):
            self._own(name)
        self.scope = self._scope_relation()
        self._column = getattr(self.model, self._column_name())

    def _own(self, name: str | None) -> Field | None:
        return self.record_type.field(name) if name else None

    def _column_name(self) -> str:
        if self.lane.kind == "choice":
            return self.lane.name
        return str(sa.inspect(self.model).get_property_by_column(self.lane.column).key)

    def _scope_relation(self) -> Any:
        if not self.board.scope or self.lane.kind != "link":
            return None
        relation = sa.inspect(self.lane.target).relationships.get(self.board.scope)
        if relation is None:
            raise UnknownField(self.record_type.name, f"{self.board.lane}.{self.board.scope}")
        return relation

    # --- scopes and lanes

    def scopes(self, session: Session) -> Sequence[Any]:
        """The records that split lanes into boards, such as pipelines; empty when nothing does."""
        if self.scope is None:
            return []
        target = self.scope.mapper.class_
        return session.scalars(sa.select(target).order_by(*_position(target, None))).unique().all()

    def lanes(self, session: Session, scope_id: int | None = None) -> list[Lane]:
        """The lanes from first to last, without their cards."""
        if self.lane.kind == "choice":
            return [Lane(option.code, option.label, option.color) for option in self.lane.options]
        target: Any = self.lane.target
        statement = sa.select(target).order_by(*_position(target, self.board.order))
        if self.scope is not None and scope_id is not None:
            (column,) = self.scope.local_columns
            statement = statement.where(column == scope_id)
        return [
            Lane(row.id, str(row), getattr(row, "color", None) or "gray", self._lane_probability(row))
            for row in session.scalars(statement).unique()
        ]

    def _lane_probability(self, row: Any) -> int | None:
        value = getattr(row, self.board.probability or "probability", None)
        return round(value) if isinstance(value, int | float | Decimal) else None

    def key_of(self, text: str) -> Any:
        """The lane key written in ``text``, or None."""
        if self.lane.kind == "link":
            return read_id(text)
        return text if self.lane.option(text) else None

    def lane_of(self, record: Any) -> Any:
        """The key of the lane that ``record`` is in."""
        return getattr(record, self._column.key)

    def lane_value(self, session: Session, key: Any) -> Any:
        """What the lane field of a record in the lane holds: the code, or the linked record."""
        if self.lane.kind == "choice":
            return key
        target: Any = self.lane.target
        return session.scalars(sa.select(target).where(target.id == key)).one_or_none()

    # --- sums

    def fill_sums(self, session: Session, lanes: Sequence[Lane]) -> None:
        """Count and sum every lane with one grouped query."""
        currency = getattr(self.model, self.currency.name) if self.currency else sa.literal(NO_CURRENCY)
        amount, weighted = self._amounts()
        statement = (
            sa.select(self._column, currency, sa.func.count(self.model.id), amount, weighted)
            .where(self._column.in_([lane.key for lane in lanes]))
            .group_by(self._column, *([currency] if self.currency else []))
        )
        by_key = {lane.key: lane for lane in lanes}
        for key, code, count, total, weight in session.execute(statement):
            lane = by_key[key]
            lane.count += count
            if self.amount is not None:
                code = code or NO_CURRENCY
                lane.sums[code] = lane.sums.get(code, Decimal(0)) + self._major(total)
                if weight is None and lane.probability is not None:
                    weight = (total or 0) * lane.probability / Decimal(100) if total is not None else 0
                if weight is not None:
                    lane.weighted_sums[code] = lane.weighted_sums.get(code, Decimal(0)) + self._major(weight)

    def _amounts(self) -> tuple[Any, Any]:
        """SQL for the sum and the weighted sum; NULL where there is nothing to sum or to weigh by."""
        if self.amount is None:
            return sa.null(), sa.null()
        column = getattr(self.model, self.amount.name)
        # Whole hundredths: sums are exact on every database.
        number = sa.type_coerce(column, sa.BigInteger) if self.amount.kind == "money" else column
        total = sa.func.sum(number)
        if not self.board.probability or self.board.probability not in self.record_type.fields:
            return total, sa.null()
        chance = sa.func.coalesce(getattr(self.model, self.board.probability), 0)
        return total, sa.func.sum(number * chance) / 100

    def _major(self, value: Any) -> Decimal:
        number = Decimal(str(value or 0))
        return number / MINOR_UNITS if self.amount is not None and self.amount.kind == "money" else number

    # --- cards

    def fill_cards(self, session: Session, lanes: Sequence[Lane], sizes: Mapping[Any, int]) -> None:
        """Load the first cards of every lane with one query. ``sizes`` says how many where it is not the usual."""
        usual = self.board.page_size
        rank = sa.func.row_number().over(partition_by=self._column, order_by=self._card_order()).label("rank")
        shown = max([usual, *sizes.values()])
        ranked = (
            sa.select(self.model.id, rank).where(self._column.in_([lane.key for lane in lanes])).subquery("ranked")
        )
        statement = (
            sa.select(self.model, ranked.c.rank)
            .join(ranked, ranked.c.id == self.model.id)
            .where(ranked.c.rank <= shown)
            .order_by(ranked.c.rank)
            .options(*self._loading())
        )
        by_key = {lane.key: lane for lane in lanes}
        for record, place in session.execute(statement).unique():
            lane = by_key[self.lane_of(record)]
            if place <= sizes.get(lane.key, usual):
                lane.cards.append(record)

    def _card_order(self) -> list[Any]:
        if self.board.date:
            return [getattr(self.model, self.board.date).asc().nulls_last(), self.model.id]
        return [self.model.updated_at.desc(), self.model.id.desc()]

    def _loading(self) -> list[Any]:
        names = [self.board.lane, self.board.subtitle, "owner"]
        fields = [self.record_type.fields[name] for name in names if name and name in self.record_type.fields]
        return [loader(self.model, entry) for entry in fields if entry.is_link]


def _position(target: Any, name: str | None) -> list[Any]:
    columns = sa.inspect(target).column_attrs
    wanted = [key for key in (name, "position", "name_sort", "name") if key and key in columns]
    return [*(getattr(target, key) for key in wanted[:1]), target.id]


def _sum_text(sums: Mapping[str, Decimal]) -> str:
    shown = [format_money(amount, code) if code else format_number(amount) for code, amount in sums.items() if amount]
    return " + ".join(shown)
