"""The lanes of a board: by which fields records can be laid out, and what stands at the head of each lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.models import User
from core.admin.ids import read_id
from core.database.engine import ONE_PLAN
from core.errors import UnknownField
from core.parts import Board, Label
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.record import BoardLane
from core.site.formats import format_money, format_number

LANES_LIMIT = 60  # lanes of one board; past that a list with groups is the better tool
MOST_LANES = 1_000  # of all boards together that are read with what splits them
NO_VALUE = "_"  # the key, in addresses and forms, of the lane of records without a value


@dataclass
class Lane:
    """A lane: ``key`` is the code of a choice, the id of the linked record, or None where the field is empty.

    ``sums`` and ``weighted_sums`` are amounts by currency. ``rot_days``, ``required`` and ``limit`` are what a
    person set for a lane that is a ``BoardLane``. ``row`` is the linked record: while the lane holds it, the session
    knows it, and the cards' links to it need no query and no join.
    """

    key: Any
    label: Label
    color: str = "gray"
    probability: int | None = None
    rot_days: int | None = None
    required: tuple[str, ...] = ()
    limit: int | None = None
    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    weighted_sums: dict[str, Decimal] = field(default_factory=dict)
    cards: list[Any] = field(default_factory=list)
    row: Any = None

    @property
    def text_key(self) -> str:
        """The key as addresses and forms write it."""
        return NO_VALUE if self.key is None else str(self.key)

    @property
    def total(self) -> str:
        """The sums as text, one per currency."""
        return _sum_text(self.sums)

    @property
    def weighted(self) -> str:
        """The sums weighted by probability as text."""
        return _sum_text(self.weighted_sums)


def lane_fields(record_type: RecordType) -> list[Field]:
    """The fields by which a board can be laid out: choices, users, and links to records that stand in an order."""
    return [entry for entry in record_type.fields.values() if _makes_lanes(entry)]


def _makes_lanes(entry: Field) -> bool:
    if entry.managed:
        return False
    if entry.kind == "choice":
        return True
    if entry.kind != "link" or entry.target is None or entry.column is None:
        return False
    return entry.target is User or "position" in sa.inspect(entry.target).column_attrs


class LaneSource:
    """Where the lanes of one board come from.

    Args:
        record_type: what the cards are.
        entry: the field by which they are laid out, a choice or a link.
        board: how the screen fine-tunes it.

    Raises:
        UnknownField: the board's scope is no link of the lanes.
    """

    def __init__(self, record_type: RecordType, entry: Field, board: Board) -> None:
        self.field = entry
        self.board = board
        mapper = sa.inspect(record_type.model)
        name = entry.name if entry.kind == "choice" else str(mapper.get_property_by_column(entry.column).key)
        self.column: Any = getattr(record_type.model, name)
        self.scope = self._scope_relation(record_type)
        # A board that moves its cards in its own way has no place for a card without a lane.
        self.has_empty = bool(entry.column.nullable) and board.move is None

    def _scope_relation(self, record_type: RecordType) -> Any:
        if not self.board.scope or self.field.kind != "link":
            return None
        relation = sa.inspect(self.field.target).relationships.get(self.board.scope)
        if relation is None:
            raise UnknownField(record_type.name, f"{self.field.name}.{self.board.scope}")
        return relation

    def scopes(self, session: Session) -> dict[Any, list[Lane] | None]:
        """The records that split lanes into boards, such as pipelines, each with its lanes; empty when nothing does.

        Both come by one query. Where there are too many lanes for that they are None; ``lanes`` brings those of one.
        """
        if self.scope is None:
            return {}
        scope: Any = self.scope.mapper.class_
        rows = session.execute(self._split).unique().all()
        if len(rows) == MOST_LANES:
            alone = sa.select(scope).order_by(*_position(scope, None))
            return dict.fromkeys(session.scalars(alone).unique())
        found: dict[Any, list[Lane] | None] = {}
        for split, row in rows:
            lanes = found.setdefault(split, [])
            if lanes is not None and row is not None and len(lanes) < LANES_LIMIT:
                lanes.append(self._lane(row))
        return found

    @cached_property
    def _split(self) -> sa.Select[Any]:
        scope: Any = self.scope.mapper.class_
        target: Any = self.field.target
        (column,) = self.scope.local_columns
        statement = sa.select(scope, target).outerjoin(target, column == scope.id)
        statement = statement.order_by(*_position(scope, None), *_position(target, self.board.order))
        return statement.limit(MOST_LANES).execution_options(**{ONE_PLAN: True})

    def lanes(self, session: Session, scope_id: int | None = None) -> list[Lane]:
        """The lanes from first to last, without their cards; at most ``LANES_LIMIT``."""
        if self.field.kind == "choice":
            found = [Lane(option.code, option.label, option.color) for option in self.field.options]
        else:
            found = self._linked(session, scope_id)
        if self.has_empty and scope_id is None:
            found.insert(0, Lane(None, _("No value")))
        return found

    def _linked(self, session: Session, scope_id: int | None) -> list[Lane]:
        target: Any = self.field.target
        statement = sa.select(target).order_by(*_position(target, self.board.order)).limit(LANES_LIMIT)
        if target is User:
            statement = statement.where(User.active)
        if self.scope is not None and scope_id is not None:
            (column,) = self.scope.local_columns
            statement = statement.where(column == scope_id)
        return [self._lane(row) for row in session.scalars(statement).unique()]

    def others(self, session: Session, keys: Iterable[Any]) -> list[Lane]:
        """Lanes that hold records although nobody would look for them, such as a person who has left."""
        if self.field.kind == "choice":
            return [Lane(key, str(key)) for key in keys if key is not None]
        target: Any = self.field.target
        ids = [key for key in keys if key is not None][:LANES_LIMIT]
        if not ids:
            return []
        statement = sa.select(target).where(target.id.in_(ids)).order_by(target.id)
        rows = session.scalars(statement.execution_options(include_archived=True)).unique()
        return [self._lane(row) for row in rows]

    def _lane(self, row: Any) -> Lane:
        chance = getattr(row, self.board.probability or "probability", None)
        lane = Lane(
            row.id,
            str(row),
            getattr(row, "color", None) or "gray",
            round(chance) if isinstance(chance, int | float | Decimal) else None,
            row=row,
        )
        if isinstance(row, BoardLane):
            lane.rot_days, lane.limit = row.rot_days, row.card_limit
            lane.required = tuple(row.required_fields or ())
        return lane

    def has_key(self, text: str) -> bool:
        """Whether ``text`` can be the key of a lane here."""
        if text == NO_VALUE:
            return bool(self.field.column.nullable)
        return read_id(text) is not None if self.field.kind == "link" else self.field.option(text) is not None

    def key_of(self, text: str) -> Any:
        """The key written in ``text``; ask ``has_key`` first."""
        if text == NO_VALUE:
            return None
        return read_id(text) if self.field.kind == "link" else text

    def lane_of(self, record: Any) -> Any:
        """The key of the lane that ``record`` is in."""
        return getattr(record, self.column.key)

    def value(self, session: Session, key: Any) -> Any:
        """What the field of a record in the lane holds: the code, or the linked record."""
        if self.field.kind == "choice" or key is None:
            return key
        target: Any = self.field.target
        return session.scalars(sa.select(target).where(target.id == key)).unique().one_or_none()


def _position(target: Any, name: str | None) -> list[Any]:
    columns = sa.inspect(target).column_attrs
    wanted = [key for key in (name, "position", "name_sort", "name") if key and key in columns]
    return [*(getattr(target, key) for key in wanted[:1]), target.id]


def _sum_text(sums: Mapping[str, Decimal]) -> str:
    shown = [format_money(amount, code) if code else format_number(amount) for code, amount in sums.items() if amount]
    return " + ".join(shown)
