"""The outbox: facts written in the transaction of the change, told to plugins after the commit.

A crash after the commit loses nothing: what was not delivered is found by the next delivery, and one that stops
half-way repeats an event at most for the plugins that had not finished. Plugins therefore
use ``event.id`` as their key.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.actor import acting, as_system
from core.accounts.models import Base, now
from core.database.bulk import Load
from core.database.engine import ONE_PLAN
from core.database.types import UtcDateTime
from core.jobs.queue import waiting_row
from core.parts import Event
from core.records.audit import ROW_ID, Audit, plain
from core.records.policy import current_hooks

log = logging.getLogger(__name__)

DELIVER = "core.deliver_events"
ACCOUNT_CHANGED = "core.account.changed"
"""An account is opened otherwise from now on, or has another e-mail address (``core.accounts.acts``)."""
BATCH = 500
KEPT = dt.timedelta(days=30)  # for which an event stays that everybody has heard
COMMITTING = "gate_committing"
"""Set in a session while it flushes for its commit: who locks the waiting delivery sooner holds up those of others."""
_DELIVERY_WAITS = "delivery_waits"

Fact = tuple[int, tuple[str, ...]]


class OutboxEvent(Base):
    """A fact that plugins are to hear; ``delivered_at`` is empty until they have."""

    __tablename__ = "core_event"
    __table_args__ = (sa.Index("ix_core_event_waiting", "delivered_at", "id"),)

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    name: Mapped[str] = mapped_column(sa.String(120))
    record_type: Mapped[str] = mapped_column(sa.String(80), default="")
    record_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    actor_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    delivered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


def write_event(
    session: Session,
    name: str,
    record_type: str = "",
    record_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Put a fact in the outbox, in the session's transaction.

    Args:
        session: the unit of work that makes the fact true.
        name: ``<plugin>.<type>.<what happened>``.
        record_type: the type name of the record it is about.
        record_id: the record's id.
        data: plain values that listeners need.
    """
    rows = [event_row(name, record_type, record_id, data)]
    session.connection().execute(sa.insert(OutboxEvent.__table__), rows)  # type: ignore[arg-type]
    session.info["events_waiting"] = True


def event_row(
    name: str, record_type: str = "", record_id: int | None = None, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values of one fact for the current actor; see ``write_event``."""
    return {
        "at": now(),
        "name": name,
        "record_type": record_type,
        "record_id": record_id,
        "data": {key: plain(value) for key, value in (data or {}).items()},
        "actor_id": acting().user_id,
    }


def alike(session: Session, name: str, record_type: str, facts: Iterable[Fact]) -> Load:
    """The same fact about many records, for ``insert_all`` in the session's transaction.

    What nobody wants to hear counts as delivered from the start: to tell nobody of a hundred thousand records took as
    long as a fifth of their import.

    Args:
        session: the unit of work that makes the facts true.
        name: as for ``write_event``.
        record_type: the type name of the records.
        facts: the id of each record, and the names of the fields that the event tells of.
    """
    columns = ("at", "name", "record_type", "record_id", "actor_id", "data", "delivered_at")
    table: Any = OutboxEvent.__table__
    return table, columns, _alike(session, name, record_type, facts)


def _alike(session: Session, name: str, record_type: str, facts: Iterable[Fact]) -> Iterator[tuple[Any, ...]]:
    moment, actor_id, hooks = now(), acting().user_id, current_hooks()
    told: dict[tuple[str, ...], tuple[dict[str, Any], str]] = {}
    for record_id, fields in facts:
        if fields not in told:
            data = {"fields": sorted(fields)}
            told[fields] = (data, json.dumps(data))
        data, text = told[fields]
        event = Event(id=0, name=name, record_type=record_type, record_id=record_id, data=data, actor_id=actor_id)
        heard = hooks.heard("on_event", event)
        if heard:
            session.info["events_waiting"] = True
        yield moment, name, record_type, record_id, actor_id, text, None if heard else moment


def write_history(session: Session, audited: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]]) -> None:
    """Write audit rows, each with the event that tells of it.

    Every save waits for these answers of the database, so PostgreSQL gets one statement for a pair, which at the commit
    also asks whether the delivery of events waits already (``delivery_waits``).

    Args:
        session: the unit of work.
        audited: rows of ``audit_row``.
        events: as many rows of ``event_row``.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        pairs = [
            {f"{of}_{key}": value for of, values in (("audit", row), ("event", event)) for key, value in values.items()}
            for row, event in zip(audited, events, strict=True)
        ]
        if len(pairs) == 1 and session.info.get(COMMITTING):
            waiting = connection.execute(_history_and_delivery(), {**pairs[0], "name": DELIVER}).scalar()
            session.info[_DELIVERY_WAITS] = waiting is not None
        else:
            connection.execute(_history(), pairs)
    else:
        connection.execute(sa.insert(Audit.__table__), list(audited))  # type: ignore[arg-type]
        connection.execute(sa.insert(OutboxEvent.__table__), list(events))  # type: ignore[arg-type]
    session.info["events_waiting"] = True


@lru_cache(maxsize=1)
def _history() -> Any:
    def insertion(model: Any, prefix: str) -> Any:
        written = [column.name for column in model.__table__.c if column.name not in ("id", "delivered_at")]
        return sa.insert(model.__table__).values({name: sa.bindparam(f"{prefix}_{name}") for name in written})

    both = insertion(OutboxEvent, "event").add_cte(insertion(Audit, "audit").cte("audited"))
    return both.execution_options(**{ONE_PLAN: True})


@lru_cache(maxsize=1)
def _history_and_delivery() -> Any:
    waiting = waiting_row(scheduled=False).cte("waiting")
    return _history().add_cte(waiting).returning(sa.select(waiting.c.id).scalar_subquery())


def delivery_waits(session: Session) -> bool:
    """Whether this transaction found a delivery that waits, and keeps it from beginning until it is over."""
    return bool(session.info.get(_DELIVERY_WAITS))


def forget_delivery(session: Session) -> None:
    """Forget what ``delivery_waits`` says: the transaction is over, or a part of it was taken back with its locks."""
    session.info.pop(_DELIVERY_WAITS, None)


def deliver_events(progress: Any) -> int:
    """The job that tells plugins what happened, oldest first; returns how many events were delivered."""
    site = current_app.extensions["peyvand"]
    session = site.runtime.database.session
    delivered = 0
    while True:
        with as_system("deliver events"):
            waiting = session.scalars(
                sa.select(OutboxEvent)
                .where(OutboxEvent.delivered_at.is_(None))
                .order_by(OutboxEvent.id)
                .limit(BATCH)
                .with_for_update(skip_locked=True)
            ).all()
            for row in waiting:
                event = Event(
                    id=row.id,
                    name=row.name,
                    record_type=row.record_type,
                    record_id=row.record_id,
                    data=row.data,
                    actor_id=row.actor_id,
                )
                site.hooks.notify("on_event", guard=session.begin_nested, event=event)
            told = sa.update(OutboxEvent).where(OutboxEvent.id.in_([row.id for row in waiting]))
            session.execute(told.values(delivered_at=now()).execution_options(synchronize_session=False))
            session.commit()
        delivered += len(waiting)
        progress.report(delivered)
        if len(waiting) < BATCH:
            return delivered


def told_long_ago() -> sa.Select[int]:
    """The ids of the events that everybody heard long ago.

    The newest of all is none of them: SQLite gives its number to another one, and plugins know events by their numbers.
    """
    newest = sa.select(sa.func.max(OutboxEvent.id)).scalar_subquery()
    return sa.select(OutboxEvent.id).where(OutboxEvent.delivered_at < now() - KEPT, OutboxEvent.id < newest)
