"""The rows behind the queue. Redis only carries ids: what is to be done, and how far it is, stands in the database.

    queued ---claimed---> running ---> done
      ^  |                  |  |
      |  +--> cancelled <---+  +---> failed      attempts used up, or pointless to repeat
      |  |                  |
      |  +--> parked        +---> queued         failed or interrupted, to be tried again after a pause
      |          |
      +----------+                               while the job's plugin is off
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime

QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
PARKED = "parked"
STATUSES = (QUEUED, RUNNING, DONE, FAILED, CANCELLED, PARKED)
LIVE = (QUEUED, RUNNING)

# Why an attempt ended badly; the jobs page has the sentences.
RAISED = "raised"
REFUSED = "refused"
TIMED_OUT = "timed_out"
INTERRUPTED = "interrupted"
ACTOR_GONE = "actor_gone"


class JobRecord(Base):
    """One job that was asked for.

    ``actor_id`` is whose rights it runs with, unless ``system``: then the installation acts, and the actor only says
    who set it off. ``attempts`` only ever grows, so that it also tells one run of the job from the next: a worker that
    was taken for dead can no longer write to a row that has moved on. ``lease_until`` is when a run that shows no sign
    of life may first be taken for lost. ``error`` is for everybody, ``traceback`` for administrators.
    """

    __tablename__ = "core_job"
    __table_args__ = (
        sa.Index("ix_core_job_status_queue", "status", "queue", "created_at"),
        sa.Index("ix_core_job_actor", "actor_id", "created_at"),
        sa.Index("ix_core_job_name_status", "name", "status"),
        sa.Index("ix_core_job_finished", "finished_at"),
    )

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    plugin: Mapped[str] = mapped_column(sa.String(60))
    queue: Mapped[str] = mapped_column(sa.String(20))
    arguments: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    system: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(sa.String(12), default=QUEUED)
    key: Mapped[str | None] = mapped_column(sa.String(200), unique=True)
    schedule: Mapped[str | None] = mapped_column(sa.String(160))
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=1)
    run_after: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, index=True)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str] = mapped_column(sa.String(120), default="")
    result: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
    reason: Mapped[str] = mapped_column(sa.String(20), default="")
    error: Mapped[str] = mapped_column(sa.Text, default="")
    traceback: Mapped[str] = mapped_column(sa.Text, default="")
    progress_done: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    progress_total: Mapped[int | None] = mapped_column(sa.BigInteger)
    progress_message: Mapped[str] = mapped_column(sa.String(500), default="")
    cancel_requested: Mapped[bool] = mapped_column(default=False)


class ScheduleRecord(Base):
    """The last period in which a scheduled job was put on the queue; see ``core.jobs.schedule``."""

    __tablename__ = "core_schedule"

    name: Mapped[str] = mapped_column(sa.String(160), primary_key=True)
    every: Mapped[int] = mapped_column(sa.BigInteger)
    period: Mapped[int] = mapped_column(sa.BigInteger)
    last_run_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


JOBS: sa.Table = JobRecord.__table__  # type: ignore[assignment]
SCHEDULES: sa.Table = ScheduleRecord.__table__  # type: ignore[assignment]


def insert_once(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless a unique column has its value already; returns whether it was inserted.

    Both databases spell this alike, and SQLAlchemy has it for each of them only. A row that somebody else is inserting
    right now is waited for.
    """
    insert: Any = sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
    # The number of rows is not reported for an INSERT; the key that comes back is.
    inserted = insert.values(**values).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return connection.execute(inserted).first() is not None
