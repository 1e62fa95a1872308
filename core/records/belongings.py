"""What belongs to a record without being part of it, and goes when the record is removed for good.

What a file held stays on the disk until the sweep finds that no row names it any more: a transaction that is rolled
back brings the rows again, and would not bring the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from core.database.bulk import among
from core.records.attachments.models import Attachment
from core.records.followers import Follower
from core.records.note import Note
from core.records.privacy.models import Consent

BELONGINGS: tuple[Any, ...] = (Note, Attachment, Follower, Consent)


def forget_belongings(session: Session, record_type: str, ids: Sequence[int]) -> None:
    """Remove notes, files, followers and consents of records that are gone, in the session's transaction."""
    connection = session.connection()
    for model in BELONGINGS:
        theirs = among(model.record_id, ids, connection.dialect)
        connection.execute(sa.delete(model.__table__).where(model.record_type == record_type, theirs))


def forget_plugin(connection: Connection, plugin: str) -> None:
    """Remove notes, files, followers and consents of all records of a plugin whose tables are dropped."""
    for model in BELONGINGS:
        of_plugin = model.record_type.startswith(f"{plugin}.", autoescape=True)
        connection.execute(sa.delete(model.__table__).where(of_plugin))
