"""Attaching files to records, taking them away, and bringing them back."""

from __future__ import annotations

from collections.abc import Collection
from typing import BinaryIO

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, object_session

from core.accounts.actor import acting
from core.accounts.models import now
from core.errors import ValidationError
from core.jobs.queue import enqueue
from core.records.attachments.kinds import kind_of, safe_name
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.audit import Audit, audit_row
from core.records.policy import require
from core.records.record import Record

MAKE_THUMBNAIL = "core.make_thumbnail"


def attach(
    record: Record, storage: Storage, stream: BinaryIO, name: str, *, limit: int, kinds: Collection[str]
) -> Attachment:
    """Keep a file with ``record``; the caller commits, and holds ``storage.keeping()`` until then.

    Args:
        record: the record it belongs to.
        storage: where it is kept.
        stream: its bytes.
        name: what its owner calls it; shown, never used as a path.
        limit: the most bytes it may have.
        kinds: names of the kinds that are welcome (``core.records.attachments.kinds``).

    Raises:
        ValidationError: it is empty, too large, or of a kind that is not welcome.
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    session = _session(record)
    stored = storage.take_in(stream, limit)
    try:
        kind = kind_of(stored.path)
        if kind.name not in kinds:
            raise ValidationError(_("Files of this kind cannot be attached here."))
        storage.keep(stored)
    except BaseException:
        storage.drop(stored)
        raise
    attachment = Attachment(
        record_type=record.__record_type__,
        record_id=record.id,
        name=safe_name(name, kind),
        content_type=kind.content_type,
        size=stored.size,
        sha256=stored.sha256,
        uploader_id=acting().user_id,
    )
    session.add(attachment)
    session.flush()
    if kind.name == "image" and acting().user_id is not None:
        enqueue(MAKE_THUMBNAIL, key=f"thumbnail-{attachment.id}", attachment_id=attachment.id)
    return attachment


def find_attachment(
    session: Session, record: Record, attachment_id: int | None, *, removed: bool = False
) -> Attachment | None:
    """The file of ``record`` with this id, or None; with ``removed`` one that was taken away."""
    gone = Attachment.removed_at.is_not(None) if removed else Attachment.removed_at.is_(None)
    about = (Attachment.record_type == record.__record_type__, Attachment.record_id == record.id, gone)
    return session.scalars(sa.select(Attachment).where(Attachment.id == attachment_id, *about)).one_or_none()


def remove_attachment(record: Record, attachment: Attachment) -> None:
    """Take a file away; it can be put back until a sweep removes it for good.

    Raises:
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    attachment.removed_at = now()
    _write_history(_session(record), attachment, "file_removed", attachment.name, None)


def restore_attachment(record: Record, attachment: Attachment) -> None:
    """Put a file back that was taken away.

    Raises:
        Forbidden: the actor may not edit the record.
    """
    require(f"{record.__record_type__}.edit", record)
    attachment.removed_at = None
    _write_history(_session(record), attachment, "file_restored", None, attachment.name)


def _session(record: Record) -> Session:
    session = object_session(record)
    assert session is not None, "a file needs a record that a session holds"
    return session


def _write_history(session: Session, attachment: Attachment, action: str, old: str | None, new: str | None) -> None:
    row = audit_row(attachment.record_type, attachment.record_id, action, {"file": (old, new)})
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
