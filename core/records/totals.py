"""Counts and sums of the lanes of a board: exact ones, and ones that are kept so that a large board need not count.

Kept totals are rows of ``core_lane_total`` that add up. A recount writes one row per lane, currency and chance. Every
flush adds rows for what it changed, in its own transaction, so the sum is right at every moment. What goes past the
unit of work leaves a row that says so, and until the next recount boards count for themselves; they also do when the
last recount is more than a minute old, so that nothing can be wrong for longer than that.

A recount reads and replaces the rows in one snapshot. A change committed meanwhile is in neither, and its row stays.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import instance_state

from core.accounts.models import Base, now
from core.database.engine import ONE_PLAN
from core.database.types import UtcDateTime, whole_hundredths
from core.records.audit import ROW_ID
from core.records.fields import Field

if TYPE_CHECKING:
    from core.database.engine import Database
    from core.parts import Board
    from core.records.catalog import RecordType
    from core.records.record import Record

log = logging.getLogger(__name__)

RECOUNT = "core.recount_totals"
RECOUNT_EVERY = 30  # seconds
TRUSTED_FOR = dt.timedelta(seconds=60)
WORTH_KEEPING = 5_000  # records; fewer are counted at once
NO_CURRENCY = ""
# Two recounts at once: a row changed under the snapshot, or the same row made twice.
OVERTAKEN = ("40001", "23505")


class LaneTotal(Base):
    """A part of the total of one lane; the parts of a record type add up. ``doubt`` is 1 where something is unknown."""

    __tablename__ = "core_lane_total"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80), index=True)
    lane: Mapped[str | None] = mapped_column(sa.String(40))
    currency: Mapped[str] = mapped_column(sa.String(3), default=NO_CURRENCY)
    chance: Mapped[int | None] = mapped_column()
    count: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    amount: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    doubt: Mapped[int] = mapped_column(default=0)


class Recount(Base):
    """When the totals of a record type were last counted, and by which field."""

    __tablename__ = "core_recount"

    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    field: Mapped[str] = mapped_column(sa.String(80))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Total:
    """Count and sum of the records with one lane, currency and chance. Money is in hundredths."""

    key: Any
    currency: str | None
    chance: int | None
    count: int
    amount: Any


@dataclass(frozen=True)
class Kept:
    """Of which record type totals are kept, by which columns. All are names of mapped attributes."""

    model: type[Record]
    lane: str
    amount: str | None
    currency: str | None
    chance: str | None
    money: bool = False

    @property
    def record_type(self) -> str:
        return self.model.__record_type__

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be known of a record to count it."""
        names = (self.lane, self.amount, self.currency, self.chance, "archived_at")
        return tuple(name for name in names if name is not None)

    def part(self, values: Mapping[str, Any], sign: int) -> tuple[tuple[Any, str, Any], int, int] | None:
        """Key, count and amount of a record with ``values`` by attribute; None for one in the recycle bin."""
        if values["archived_at"] is not None:
            return None
        lane = values[self.lane]
        key = (None if lane is None else str(lane), self._currency(values), values.get(self.chance or ""))
        amount = values[self.amount] if self.amount else None
        if amount is None:
            return key, sign, 0
        return key, sign, sign * (whole_hundredths(amount) if self.money else int(amount))

    def _currency(self, values: Mapping[str, Any]) -> str:
        return (values[self.currency] or NO_CURRENCY) if self.currency else NO_CURRENCY


def kept_of(record_type: RecordType, board: Board) -> Kept | None:
    """What is kept for a board; None where its sums are no whole numbers.

    Raises:
        UnknownField: the board names a field that there is not.
    """
    mapper = sa.inspect(record_type.model)
    lane = record_type.field(board.lane)
    if lane.kind not in ("choice", "link") or lane.column is None:
        return None
    amount = record_type.field(board.amount) if board.amount else None
    if amount is not None and amount.kind not in ("money", "integer"):
        return None
    chance = record_type.fields.get(board.probability or "")
    if chance is not None and chance.kind != "integer":
        return None
    return Kept(
        record_type.model,
        lane.name if lane.kind == "choice" else str(mapper.get_property_by_column(lane.column).key),
        amount.name if amount else None,
        amount.currency if amount and amount.currency in record_type.fields else None,
        chance.name if chance and amount else None,
        amount is not None and amount.kind == "money",
    )


# --- exact


def exact_totals(
    session: Session, matching: sa.Select[Any], model: type[Any], lane: Any, amount: Field | None, chance: str | None
) -> list[Total]:
    """The totals of the records of ``matching``, a select of ``model``, with one grouped query.

    Args:
        session: narrows the query to what the actor may see.
        matching: the records.
        model: their class.
        lane: the attribute to group by.
        amount: the number that is summed, if any.
        chance: the attribute by which sums are weighted, if any.
    """
    groups = [lane]
    currency = getattr(model, amount.currency) if amount is not None and amount.currency else None
    weight = getattr(model, chance) if chance and amount is not None else None
    groups += [entry for entry in (currency, weight) if entry is not None]
    total = _sum(getattr(model, amount.name), amount.kind) if amount is not None else sa.null()
    statement = matching.with_only_columns(
        lane,
        currency if currency is not None else sa.null(),
        weight if weight is not None else sa.null(),
        sa.func.count(),
        total,
        maintain_column_froms=True,
    ).group_by(*groups)
    return [Total(*row) for row in session.execute(statement)]


def _sum(column: Any, kind: str) -> Any:
    # Whole hundredths: sums are exact on every database.
    return sa.func.sum(sa.type_coerce(column, sa.BigInteger) if kind == "money" else column)


# --- kept


def kept_totals(session: Session, kept: Kept, moment: dt.datetime | None = None) -> list[Total] | None:
    """The kept totals, or None when they cannot be trusted and must be counted.

    They are of all records: they may be shown only to an actor who sees them all.
    """
    rows = session.execute(_sums(), {"type": kept.record_type}).all()
    oldest = (moment or now()) - TRUSTED_FOR
    if not rows or any(row.field != kept.lane or row.at < oldest or row[-1] for row in rows):
        return None
    whole = isinstance(sa.inspect(kept.model).columns[kept.lane].type, sa.Integer)
    return [
        Total(int(key) if whole and key is not None else key, currency, chance, int(count), int(amount))
        for _field, _at, key, currency, chance, count, amount, _doubt in rows
        if count or amount
    ]


@lru_cache(maxsize=1)
def _sums() -> Any:
    """Every board runs this query; it is made once."""
    groups = (Recount.field, Recount.at, LaneTotal.lane, LaneTotal.currency, LaneTotal.chance)
    sums = (sa.func.sum(LaneTotal.count), sa.func.sum(LaneTotal.amount), sa.func.max(LaneTotal.doubt))
    statement = sa.select(*groups, *sums)
    statement = statement.outerjoin_from(Recount, LaneTotal, LaneTotal.record_type == Recount.record_type)
    statement = statement.where(Recount.record_type == sa.bindparam("type")).group_by(*groups)
    return statement.execution_options(**{ONE_PLAN: True})


def note_changes(session: Session, kept: Mapping[type, Kept], records: Iterable[tuple[Record, str]]) -> None:
    """Keep the totals right after a flush; called while the session still knows what was there before.

    Args:
        session: in its ``after_flush``.
        kept: by record class.
        records: pairs of a record and what happened to it: created, changed, deleted, restored or purged.
    """
    parts: dict[str, dict[tuple[Any, str, Any], list[int]]] = {}
    for record, action in records:
        entry = kept.get(type(record))
        if entry is None:
            continue
        before = None if action == "created" else _values(record, entry, action, stored=True)
        after = None if action == "purged" else _values(record, entry, action, stored=False)
        if (before is None and action != "created") or (after is None and action != "purged"):
            doubt(session, entry)
            continue
        if before == after:
            continue
        sums = parts.setdefault(entry.record_type, {})
        _add(sums, entry.part(before, -1) if before else None)
        _add(sums, entry.part(after, 1) if after else None)
    _write(session, parts)


def note_inserted(session: Session, kept: Kept | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the totals right after ``rows``, by attribute, were inserted past the unit of work."""
    if kept is None:
        return
    sums: dict[tuple[Any, str, Any], list[int]] = {}
    for row in rows:
        _add(sums, kept.part({name: row.get(name) for name in kept.columns}, 1))
    _write(session, {kept.record_type: sums})


def doubt(session: Session, kept: Kept | None) -> None:
    """Something was written of which nobody knows what it changed: boards count until the next recount."""
    if kept is not None:
        session.connection().execute(sa.insert(LaneTotal).values(record_type=kept.record_type, doubt=1))


def _values(record: Record, kept: Kept, action: str, *, stored: bool) -> dict[str, Any] | None:
    """The columns that count, as they were or as they are; None when the session does not know."""
    state = instance_state(record)
    values = {}
    for name in kept.columns:
        history = state.attrs[name].history
        known = (history.deleted or history.unchanged) if stored else (history.added or history.unchanged)
        if not known and (history.added or action == "purged"):
            return None
        # What was never set is empty in a new row, and can be asked for in an old one.
        values[name] = known[0] if known else None if action == "created" else getattr(record, name)
    return values


def _add(sums: dict[tuple[Any, str, Any], list[int]], part: tuple[tuple[Any, str, Any], int, int] | None) -> None:
    if part is not None:
        key, count, amount = part
        sums.setdefault(key, [0, 0])
        sums[key][0] += count
        sums[key][1] += amount


def _write(session: Session, parts: Mapping[str, Mapping[tuple[Any, str, Any], Sequence[int]]]) -> None:
    rows = [
        {"record_type": name, "lane": lane, "currency": currency, "chance": chance, "count": count, "amount": amount}
        for name, sums in parts.items()
        for (lane, currency, chance), (count, amount) in sums.items()
        if count or amount
    ]
    if rows:
        session.connection().execute(sa.insert(LaneTotal), rows)


# --- recount


def recount(database: Database, kept: Kept, worth_keeping: int = WORTH_KEEPING) -> bool:
    """Count the lanes of a record type anew, in a transaction of its own; whether its totals are kept from now on.

    Args:
        database: the installation's.
        kept: what to count.
        worth_keeping: with fewer records nothing is kept.
    """
    table = sa.inspect(kept.model).local_table
    options = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    try:
        with database.engine.connect().execution_options(**options) as connection, connection.begin():
            some = sa.select(sa.literal(1)).select_from(table).limit(worth_keeping + 1).subquery()
            large = (connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0) >= max(worth_keeping, 1)
            _replace(connection, kept, large=large)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in OVERTAKEN:
            raise
        log.info("Somebody else is counting %s.", kept.record_type)
    else:
        return large
    return True


def _replace(connection: sa.Connection, kept: Kept, *, large: bool) -> None:
    of_type = LaneTotal.record_type == kept.record_type
    # Claimed first: of two recounts at once the second must fail, for neither sees the rows of the other.
    moment = now()
    claim = sa.update(Recount).where(Recount.record_type == kept.record_type).values(field=kept.lane, at=moment)
    if not large:
        connection.execute(sa.delete(Recount).where(Recount.record_type == kept.record_type))
        connection.execute(sa.delete(LaneTotal).where(of_type))
        return
    if not connection.execute(claim).rowcount:
        connection.execute(sa.insert(Recount).values(record_type=kept.record_type, field=kept.lane, at=moment))
    rows = _count_all(connection, kept)
    connection.execute(sa.delete(LaneTotal).where(of_type))
    if rows:
        connection.execute(sa.insert(LaneTotal), rows)


def _count_all(connection: sa.Connection, kept: Kept) -> list[dict[str, Any]]:
    mapper = sa.inspect(kept.model)
    columns = mapper.columns
    groups = [columns[name] for name in (kept.lane, kept.currency, kept.chance) if name is not None]
    amount = sa.func.sum(sa.type_coerce(columns[kept.amount], sa.BigInteger)) if kept.amount else sa.literal(0)
    statement = (
        sa.select(
            columns[kept.lane].label("lane"),
            (columns[kept.currency] if kept.currency else sa.literal(NO_CURRENCY)).label("currency"),
            (columns[kept.chance] if kept.chance else sa.null()).label("chance"),
            sa.func.count().label("count"),
            amount.label("amount"),
        )
        .where(columns["archived_at"].is_(None))
        .group_by(*groups)
    )
    if mapper.inherits is not None and mapper.polymorphic_on is not None:
        statement = statement.where(mapper.polymorphic_on == mapper.polymorphic_identity)
    return [
        {
            "record_type": kept.record_type,
            "lane": None if row.lane is None else str(row.lane),
            "currency": row.currency or NO_CURRENCY,
            "chance": row.chance,
            "count": row.count,
            "amount": int(row.amount or 0),
        }
        for row in connection.execute(statement)
    ]


def recount_totals(progress: Any) -> int:
    """The job that counts anew whatever is kept; returns of how many record types totals are kept."""
    from flask import current_app

    site = current_app.extensions["peyvand"]
    return sum(recount(site.runtime.database, kept) for kept in site.catalog.kept.values())
