"""Who may be told about a record: those who would see it if they looked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting_as
from core.accounts.models import User
from core.accounts.rights import actor_of
from core.records.catalog import current_catalog
from core.records.policy import may

LARGEST = 500


def people(session: Session, ids: Iterable[int]) -> list[User]:
    """The users with these ids who can sign in, ``LARGEST`` at most."""
    wanted = sorted({int(number) for number in ids})[:LARGEST]
    if not wanted:
        return []
    return list(session.scalars(sa.select(User).where(User.id.in_(wanted), User.active).order_by(User.id)))


def seeing(session: Session, users: Iterable[User], record_type: str, record_id: int) -> list[User]:
    """Those of ``users`` who may see the record; nobody where its type is off."""
    catalog = current_catalog()
    if record_type not in catalog:
        return []
    model: Any = catalog.find(record_type).model
    found = []
    for user in users:
        with acting_as(actor_of(user, source="job")):
            record = session.scalars(sa.select(model).where(model.id == record_id)).unique().one_or_none()
            if record is not None and may(f"{record_type}.see", record):
                found.append(user)
    return found
