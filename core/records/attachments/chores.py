"""What workers do for attached files: thumbnails, and taking away what nobody needs any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from core.accounts.models import now
from core.database.engine import reading
from core.jobs.progress import Progress
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from core.records.attachments.thumbnails import make_thumbnail

SWEEP_ATTACHMENTS = "core.sweep_attachments"
KEPT_AFTER_REMOVAL = dt.timedelta(days=30)
YOUNG = 3600.0  # seconds in which a file may still wait for its row
BATCH = 200


def draw_thumbnail(progress: Progress, attachment_id: int) -> dict[str, Any]:
    """The job that makes the thumbnail of an image; an image too large or broken stays without one."""
    site = current_app.extensions["peyvand"]
    session: Session = site.runtime.database.session()
    attachment = session.get(Attachment, attachment_id)
    if attachment is None:
        return {"made": False}
    storage = Storage(site.runtime.config.attachments)
    made = storage.thumbnail(attachment.sha256).exists()
    if not made:
        data = make_thumbnail(storage.path(attachment.sha256), site.runtime.config.attachment_pixels)
        if data is not None:
            storage.write_thumbnail(attachment.sha256, data)
            made = True
    attachment.has_thumbnail = made
    return {"made": made}


def sweep_attachments(progress: Progress) -> dict[str, int]:
    """The job that removes files that were taken away long ago, and what no row names.

    A crash between keeping a file and committing its row leaves such a file, and so does removing a record for good.
    """
    site = current_app.extensions["peyvand"]
    session: Session = site.runtime.database.session()
    storage = Storage(site.runtime.config.attachments)
    long_ago = Attachment.__table__.c.removed_at < now() - KEPT_AFTER_REMOVAL
    session.connection().execute(sa.delete(Attachment.__table__).where(long_ago))  # type: ignore[arg-type]
    # The transaction ends here: whoever uploads holds the lock of the files while waiting for the database.
    session.commit()
    removed = 0
    for some in _batches(storage.kept(YOUNG)):
        with storage.sweeping(), reading():
            digest = Attachment.sha256
            named = set(session.scalars(sa.select(digest).where(digest.in_(some))))
            session.rollback()
            # One that was put there again a moment ago is young, and waits for its row.
            for sha256 in set(some) - named:
                if storage.is_old(sha256, YOUNG):
                    storage.remove(sha256)
                    removed += 1
        progress.report(removed)
    return {"removed": removed, "abandoned": storage.forget_abandoned(YOUNG)}


def _batches(digests: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(digests)
    while some := list(islice(iterator, BATCH)):
        yield some
