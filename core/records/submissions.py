"""A form that makes a record is sent once, however often the button is pressed or the browser repeats it."""

from __future__ import annotations

import datetime as dt
import re
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.actor import acting
from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.jobs.models import insert_once
from core.records.record import Record

KEPT = dt.timedelta(days=2)
_KEY = re.compile("[0-9a-f]{32}")


class Submission(Base):
    """A form that was sent, by the key that it was drawn with, and the record that came of it."""

    __tablename__ = "core_submission"

    key: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    actor_id: Mapped[int | None] = mapped_column()
    record_type: Mapped[str] = mapped_column(sa.String(80))
    record_id: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now, index=True)


SUBMISSIONS: sa.Table = Submission.__table__  # type: ignore[assignment]


class Repeated(Exception):
    """The form was sent before, and its record is there."""


def new_key() -> str:
    """A key for a form that is being drawn."""
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """Whether a text can be such a key; a form without one is taken for a new one."""
    return _KEY.fullmatch(text) is not None


def note_submission(session: Session, key: str, record: Record) -> None:
    """Say, in the transaction that makes ``record``, that its form was sent. One sent at the same time is waited for.

    Raises:
        Repeated: it was sent before; the caller rolls back.
    """
    values = {"key": key, "actor_id": acting().user_id, "record_type": record.__record_type__, "record_id": record.id}
    if not insert_once(session.connection(), SUBMISSIONS, values | {"at": now()}):
        raise Repeated


def record_of(session: Session, key: str, model: type[Record]) -> Record | None:
    """The record that the current actor made with this form, as far as it can still be seen."""
    asked = sa.select(Submission.record_id).where(
        Submission.key == key, Submission.actor_id == acting().user_id, Submission.record_type == model.__record_type__
    )
    record_id = session.scalar(asked)
    return session.scalar(sa.select(model).where(model.id == record_id)) if record_id is not None else None


def forget_old(session: Session) -> None:
    """Remove what is too old to be repeated by anybody."""
    session.execute(sa.delete(Submission).where(Submission.at < now() - KEPT))
