"""What the installation knows of itself: which modules are wanted, which generation is current, who is alive."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.marks import GENERATION
from core.database.types import UtcDateTime
from core.processes import is_alive, is_here

# The states an administrator chooses; `installing` and `purging` are passed through.
ENABLED, DISABLED, REMOVED = "enabled", "disabled", "removed"
INSTALLING, PURGING = "installing", "purging"
ALIVE = 60  # seconds after which a process on another machine that was not heard of counts as dead


class Installation(Base):
    """The one row that says which generation is current."""

    __tablename__ = "core_installation"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    generation: Mapped[int] = mapped_column(default=1)
    # See ``core.database.marks``.
    arrangement: Mapped[int] = mapped_column(default=0, server_default="0")
    key: Mapped[str] = mapped_column(sa.String(32))


class PluginState(Base):
    """What an administrator wants of a plugin. Changed by the lifecycle alone, never by what a process observes."""

    __tablename__ = "core_plugin"

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(20))
    version: Mapped[str] = mapped_column(sa.String(40))
    # While a state is being passed through: who does it, to tell a slow process from a dead one.
    owner: Mapped[str | None] = mapped_column(sa.String(120))
    before: Mapped[str | None] = mapped_column(sa.String(20))
    error: Mapped[str | None] = mapped_column(sa.Text)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


class Journal(Base):
    """One step of a lifecycle operation, for the page and for the next start after a crash."""

    __tablename__ = "core_journal"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(sa.String(32), index=True)
    plugin: Mapped[str] = mapped_column(sa.String(40), index=True)
    step: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    detail: Mapped[str] = mapped_column(sa.Text, default="")


class Process(Base):
    """The heartbeat of one process: what it serves and which plugins' tables it has mapped."""

    __tablename__ = "core_process"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    generation: Mapped[int] = mapped_column(default=0)
    mapped: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    observed: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


def lives(process: str, seen_at: dt.datetime) -> bool:
    """Whether a process runs, by its number on this machine and by its last heartbeat on another."""
    if is_here(process):
        return is_alive(process)
    return (now() - seen_at).total_seconds() < ALIVE


def forget_the_dead(connection: Connection) -> None:
    """Remove the heartbeats of processes that ended without a word; a new process does this first."""
    table = Process.__table__
    for row in connection.execute(sa.select(table.c.id, table.c.seen_at)).all():
        if not lives(row.id, row.seen_at):
            connection.execute(sa.delete(table).where(table.c.id == row.id))  # type: ignore[arg-type]


def read_generation(connection: Connection) -> int:
    """The current generation; 0 before the first migration."""
    return int(connection.execute(GENERATION).scalar() or 0)


def bump_generation(connection: Connection) -> None:
    """Make a new generation current. Only the transaction that changes what the Site is made of calls this."""
    connection.execute(sa.update(Installation.__table__).values(generation=Installation.__table__.c.generation + 1))  # type: ignore[arg-type]


def wanted_states(connection: Connection) -> dict[str, sa.Row[Any]]:
    """The rows of ``core_plugin`` by name."""
    table = PluginState.__table__
    return {row.name: row for row in connection.execute(sa.select(table).order_by(table.c.name))}
