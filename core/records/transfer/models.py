"""The table of imports: what was asked for, how far it came, and what became of the rows."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime

UPLOADED, QUEUED, RUNNING = "uploaded", "queued", "running"
CANCELLING, CANCELLED, DONE, STOPPED = "cancelling", "cancelled", "done", "stopped"
_IMPORTS = uuid.UUID("7d1d7a52-6a2c-4a2e-9d0a-9a1d5b0c52f1")  # drawn once; ids of operations are made from it
FINISHED = frozenset({CANCELLED, DONE, STOPPED})


class ImportRun(Base):
    """One file imported into one record type.

    ``checkpoint`` is the number of the last row whose fate is committed, 0 before the first; it is written in the
    transaction of the rows themselves, so a run that is repeated goes on after it. ``stored_path`` and ``errors_path``
    are relative to the folder of uploads; ``errors_size`` is how many bytes of the latter are committed.
    ``status`` ``stopped`` means that the file could not be read to its end, ``reason`` says why.

    ``corrections`` are cells typed anew in the check, by row and by column. ``checked`` is what the check of a large
    file found; ``check_number`` tells one check from the next.
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
    doubled_count: Mapped[int] = mapped_column(default=0)
    corrections: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    checked: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    check_number: Mapped[int] = mapped_column(default=0)
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
    def check_key(self) -> str:
        """The key of the job that checks a large file as it is to be read now."""
        return f"check-import-{self.id}-{self.check_number}"

    @property
    def operation_id(self) -> str:
        """The id of the operation under which everything is written, and can be undone."""
        return uuid.uuid5(_IMPORTS, str(self.id)).hex

    @property
    def seen(self) -> int:
        """How many rows have been dealt with."""
        written = self.created_count + self.updated_count
        return written + self.skipped_count + self.doubled_count + self.failed_count

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED

    @property
    def columns(self) -> dict[int, str]:
        """The mapping with its positions as numbers, which JSON keeps as text."""
        return {int(position): name for position, name in self.mapping.items()}


class ImportMapping(Base):
    """How files with a certain header are read, kept for the next of them.

    ``header_key`` tells headers apart, whatever the order of their columns; ``titles`` maps a column's title to what
    it becomes. ``shared`` ones serve everybody who may import such records.
    """

    __tablename__ = "core_import_mapping"
    __table_args__ = (sa.Index("ix_core_import_mapping_header", "record_type", "header_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    name: Mapped[str] = mapped_column(sa.String(120))
    header_key: Mapped[str] = mapped_column(sa.String(64))
    titles: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    shared: Mapped[bool] = mapped_column(default=False)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class ExportFile(Base):
    """A file that a job writes for one person, kept for a week.

    ``arguments`` are those of the list's address and of the export; ``path`` is relative to the folder of uploads.
    """

    __tablename__ = "core_export"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    file_name: Mapped[str] = mapped_column(sa.String(255))
    format: Mapped[str] = mapped_column(sa.String(8))
    arguments: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    path: Mapped[str] = mapped_column(sa.String(255), default="")
    size: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    count: Mapped[int] = mapped_column(default=0)
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, index=True)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    @property
    def job_key(self) -> str:
        """The key of the job that writes it."""
        return f"export-{self.id}"
