"""Delete with undo: a deleted record lies in the recycle bin until it is restored."""

from __future__ import annotations

from core.accounts.models import now
from core.records.record import Record


def archive(record: Record) -> None:
    """Put ``record`` in the recycle bin. The flush checks the right to delete and asks ``before_delete``."""
    if record.archived_at is None:
        record.archived_at = now()


def restore(record: Record) -> None:
    """Take ``record`` out of the recycle bin again; it needs the right to delete as well."""
    record.archived_at = None
