"""Operations, and the records that an operation could not deal with."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, mapped_column

from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.parts import Label
from core.records.audit import ROW_ID

RUNNING, DONE, CANCELLED, FAILED = "running", "done", "cancelled", "failed"
UNDONE, PARTLY_UNDONE = "undone", "partly_undone"
STATES: dict[str, tuple[Label, str]] = {
    RUNNING: (_l("Running"), "blue"),
    DONE: (_l("Done"), "green"),
    CANCELLED: (_l("Cancelled"), "gray"),
    FAILED: (_l("Failed"), "rose"),
    UNDONE: (_l("Undone"), "slate"),
    PARTLY_UNDONE: (_l("Partly undone"), "amber"),
}

EDIT, ASSIGN, TAG, ACTION = "edit", "assign", "tag", "action"
ARCHIVE, RESTORE, PURGE, ERASURE = "delete", "restore", "purge", "erasure"
IMPORT, MERGE, UNDO = "import", "merge", "undo"
KINDS: dict[str, tuple[Label, str]] = {
    EDIT: (_l("Bulk edit"), "pencil"),
    ASSIGN: (_l("Assignment"), "user"),
    TAG: (_l("Tags"), "tags"),
    ACTION: (_l("Action"), "bolt"),
    ARCHIVE: (_l("Deletion"), "trash"),
    RESTORE: (_l("Restoring"), "refresh"),
    PURGE: (_l("Deletion for good"), "trash"),
    ERASURE: (_l("Erasure of personal data"), "shield-check"),
    IMPORT: (_l("Import"), "upload"),
    MERGE: (_l("Merge"), "git-merge"),
    UNDO: (_l("Undo"), "history"),
}
FINAL = frozenset({PURGE, ERASURE})
"""What does not come back."""
LABEL_LENGTH, REASON_LENGTH = 200, 300


class Operation(Base):
    """Something done to many records at once; every audit row it caused carries its id.

    ``size`` counts the records that were changed, ``total`` those that were meant. ``checkpoint`` is committed with
    each batch, so that a killed job goes on after what is done. ``plan`` says what is to be done. ``undo_of`` is the
    operation that this one takes back, ``undone_by`` the one that took this back last.
    """

    __tablename__ = "core_operation"
    __table_args__ = (
        sa.Index("ix_core_operation_started", "started_at", "id"),
        sa.Index("ix_core_operation_actor", "actor_id", "started_at"),
    )

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(30))
    record_type: Mapped[str] = mapped_column(sa.String(80), default="")
    label: Mapped[str] = mapped_column(sa.String(LABEL_LENGTH), default="")
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="SET NULL"))
    actor_name: Mapped[str] = mapped_column(sa.String(120), default="")
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(sa.String(20), default=RUNNING)
    size: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None] = mapped_column()
    skipped: Mapped[int] = mapped_column(default=0)
    checkpoint: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    plan: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    job_id: Mapped[str | None] = mapped_column(sa.String(32))
    undo_of: Mapped[str | None] = mapped_column(sa.String(32), index=True)
    undone_by: Mapped[str | None] = mapped_column(sa.String(32))


class OperationProblem(Base):
    """A record that an operation left alone, wholly or in part, and the sentence that says why."""

    __tablename__ = "core_operation_problem"

    id: Mapped[int] = mapped_column(ROW_ID, primary_key=True)
    operation_id: Mapped[str] = mapped_column(
        sa.String(32), sa.ForeignKey("core_operation.id", ondelete="CASCADE"), index=True
    )
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(REASON_LENGTH))
