"""What changed, from what to what, by whom: written in the transaction of the change itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.actor import acting
from core.accounts.models import Base, now
from core.database.types import UtcDateTime

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Audit(Base):
    """One change of one record. ``changes`` maps a field to its old and its new value."""

    __tablename__ = "core_audit"
    __table_args__ = (sa.Index("ix_core_audit_record", "record_type", "record_id", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
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
    """A value as JSON keeps it: moments in ISO 8601, amounts as text, records as id and name."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "__table__"):
        return {"id": getattr(value, "id", None), "name": str(value)}
    return value


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


def record_created(session: Session, record_type: str, rows: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Audit records that were inserted in one statement, past the unit of work.

    Args:
        session: the session that inserted them; the rows are written in its transaction.
        record_type: the records' type name.
        rows: pairs of id and the values that were stored.
    """
    values = [
        audit_row(record_type, record_id, "created", {name: (None, value) for name, value in stored.items()})
        for record_id, stored in rows
    ]
    if values:
        session.connection().execute(sa.insert(Audit.__table__), values)  # type: ignore[arg-type]


def record_act(session: Session, record_type: str, action: str, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Audit something that is no record: a module switched on, a sign-in, an export."""
    session.connection().execute(
        sa.insert(Audit.__table__),
        [audit_row(record_type, None, action, changes)],  # type: ignore[arg-type]
    )
