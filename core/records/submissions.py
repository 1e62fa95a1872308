"""A form that makes a record is sent once, however often the button is pressed or the browser repeats it.

A program that makes one names its request instead of the form's key.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from typing import TypeVar

import sqlalchemy as sa
from flask import has_request_context, request
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.actor import acting
from core.accounts.models import Base, now
from core.database.types import UtcDateTime
from core.jobs.models import insert_once
from core.records.record import Record

FORM_KEY = "form_key"
KEPT = dt.timedelta(days=2)
_KEY = re.compile("[0-9a-f]{32}")

Made = TypeVar("Made", bound=Record)


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


def form_key(*, fresh: bool = False) -> str:
    """The key of a form that is being drawn; templates ask for it.

    Args:
        fresh: the form is a new one in any case. Otherwise a form that is shown again after it was sent, because it was
            refused, is still the same one.
    """
    return ("" if fresh else _typed_key()) or secrets.token_hex(16)


def note_submission(session: Session, record: Record, key: str = "") -> None:
    """Say, in the transaction that makes ``record`` or something about it, that the form of this request was sent.

    One that is sent at the same time is waited for. A form without a key is taken for a new one.

    Args:
        session: the unit of work.
        record: what came of it.
        key: 32 hexadecimal digits, where the request is no form.

    Raises:
        Repeated: it was sent before; the caller rolls back.
    """
    key = key or _typed_key()
    if not key:
        return
    session.flush()
    values = {"key": key, "actor_id": acting().user_id, "record_type": record.__record_type__, "record_id": record.id}
    if not insert_once(session.connection(), SUBMISSIONS, values | {"at": now()}):
        raise Repeated


def record_of_form(session: Session, model: type[Made], key: str = "") -> Made | None:
    """The record that the current actor made with the form of this request, as far as it can still be seen."""
    asked = sa.select(Submission.record_id).where(
        Submission.key == (key or _typed_key()),
        Submission.actor_id == acting().user_id,
        Submission.record_type == model.__record_type__,
    )
    record_id = session.scalar(asked)
    return session.scalar(sa.select(model).where(model.id == record_id)) if record_id is not None else None


def _typed_key() -> str:
    typed = request.form.get(FORM_KEY, "") if has_request_context() else ""
    return typed if _KEY.fullmatch(typed) else ""


def forget_old(session: Session) -> None:
    """Remove what is too old to be repeated by anybody."""
    session.execute(sa.delete(Submission).where(Submission.at < now() - KEPT))
