"""The table of imports: what was asked for, how far it came, and what became of the rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime

UPLOADED, QUEUED, RUNNING = "uploaded", "queued", "running"
CANCELLING, CANCELLED, DONE, STOPPED = "cancelling", "cancelled", "done", "stopped"
FINISHED = frozenset({CANCELLED, DONE, STOPPED})


class ImportRun(Base):
    """One file imported into one record type.

    ``checkpoint`` is the number of the last row whose fate is committed, 0 before the first; it is written in the
    transaction of the rows themselves, so a run that is repeated goes on after it. ``stored_path`` and ``errors_path``
    are relative to the folder of uploads; ``errors_size`` is how many bytes of the latter are committed.
    ``status`` ``stopped`` means that the file could not be read to its end, ``reason`` says why.
    """

    __tablename__ = "core_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    file_name: Mapped[str] = mapped_column(sa.String(255))
    stored_path: Mapped[str] = mapped_column(sa.String(255))
    mapping: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    status: Mapped[str] = mapped_column(sa.String(20), default=UPLOADED)
    total: Mapped[int | None] = mapped_column()
    checkpoint: Mapped[int] = mapped_column(default=0)
    created_count: Mapped[int] = mapped_column(default=0)
    updated_count: Mapped[int] = mapped_column(default=0)
    skipped_count: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    errors_path: Mapped[str | None] = mapped_column(sa.String(255))
    errors_size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    actor: Mapped[User | None] = relationship(User, lazy="select")

    @property
    def job_key(self) -> str:
        """The key of the job that writes this import: asking for it twice gives the same job."""
        return f"import-{self.id}"

    @property
    def operation_id(self) -> str:
        """The id of the operation under which everything is written, and can be undone."""
        return f"import-{self.id}"

    @property
    def seen(self) -> int:
        """How many rows have been dealt with."""
        return self.created_count + self.updated_count + self.skipped_count + self.failed_count

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def columns(self) -> dict[int, str]:
        """The mapping with its positions as numbers, which JSON keeps as text."""
        return {int(position): name for position, name in self.mapping.items()}
