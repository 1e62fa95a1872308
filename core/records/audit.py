"""What changed, from what to what, by whom: written in the transaction of the change itself.

The values are kept so that they can be put back (``core.records.operations``):

    a value            as JSON has it; dates and moments in ISO 8601, amounts as text
    a link             {"id": 7, "name": "Karimi & Sons"}
    links, children    only the rows that went (old) and came (new), each {"id", "name"}; a row of the record's own also
                       with its "values"; an edited row stands in both
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import instance_state

from core.accounts.actor import acting
from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.records.record import Part

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Audit(Base):
    """One change of one record; never changed itself. ``changes`` maps a field to its old and its new value."""

    __tablename__ = "core_audit"
    __table_args__ = (
        sa.Index("ix_core_audit_record", "record_type", "record_id", "id"),
        sa.Index("ix_core_audit_at", "at", "id"),
        sa.Index("ix_core_audit_actor", "actor_id", "at", "id"),
        sa.Index("ix_core_audit_type", "record_type", "at", "id"),
    )

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    # No foreign key: the row stays as it was written when the user is gone.
    actor_id: Mapped[int | None] = mapped_column()
    actor_name: Mapped[str] = mapped_column(sa.String(120), default="")
    source: Mapped[str] = mapped_column(sa.String(20), default="")
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    operation: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    action: Mapped[str] = mapped_column(sa.String(20))
    changes: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


def plain(value: Any) -> Any:
    """A value as JSON keeps it; see above."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, Part):
        return part_row(value)
    if hasattr(value, "__table__"):
        return {"id": getattr(value, "id", None), "name": str(value)}
    return value


def part_row(part: Any, *, before: bool = False) -> dict[str, Any]:
    """A part as the audit keeps it, with all its values but the way back to its whole.

    Args:
        part: a row that belongs to a record.
        before: as it was before this unit of work changed it.
    """
    state = instance_state(part)
    link = getattr(part, "__whole__", None)
    whole = {column.key for column in state.mapper.relationships[link].local_columns} if link else set()
    values: dict[str, Any] = {}
    was: list[str] = []
    for attribute in state.mapper.column_attrs:
        if attribute.columns[0].primary_key or attribute.columns[0].key in whole:
            continue
        history = state.attrs[attribute.key].history
        value = history.deleted[0] if before and history.deleted else getattr(part, attribute.key)
        values[attribute.key] = plain(value)
        if history.deleted and value not in (None, ""):
            was.append(str(value))
    name = " ".join(was) if before and was else str(part)
    return {"id": getattr(part, "id", None), "name": name, "values": values}


def audit_row(
    record_type: str, record_id: int | None, action: str, changes: Mapping[str, tuple[Any, Any]]
) -> dict[str, Any]:
    """The values of one audit row for the current actor."""
    actor = acting()
    return {
        "at": now(),
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "source": actor.source,
        "address": actor.address,
        "reason": actor.reason[:200],
        "operation": actor.operation,
        "record_type": record_type,
        "record_id": record_id,
        "action": action,
        "changes": {name: [plain(old), plain(new)] for name, (old, new) in changes.items()},
    }


def record_act(session: Session, record_type: str, action: str, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Audit something that is no record: a module switched on, a sign-in, an export."""
    session.connection().execute(
        sa.insert(Audit.__table__),
        [audit_row(record_type, None, action, changes)],  # type: ignore[arg-type]
    )
