"""Keeping a person's record in spite of every wish and every rule, for as long as a reason holds."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.errors import Blocked, ValidationError
from core.records.audit import Audit, audit_row
from core.records.privacy.models import REASON_LENGTH, Hold
from core.records.record import Record
from core.text import clean


def hold_on(session: Session, person: Record) -> Hold | None:
    """What keeps ``person`` from being erased, or None."""
    return session.get(Hold, (person.__record_type__, person.id))


def place_hold(session: Session, person: Record, reason: str) -> None:
    """Keep ``person`` from being erased.

    Raises:
        ValidationError: on ``reason``: there is none, or it is too long.
        Blocked: somebody has done so already.
    """
    text = " ".join(clean(reason).split())
    if not text:
        raise ValidationError(reason=_("This field is required."))
    if len(text) > REASON_LENGTH:
        raise ValidationError(reason=_("Write %(limit)s characters at most.", limit=REASON_LENGTH))
    if hold_on(session, person) is not None:
        raise Blocked(_("This record is held already."))
    session.add(
        Hold(record_type=person.__record_type__, record_id=person.id, reason=text, placed_by=acting().name)
    )
    session.flush()
    _tell(session, person, "hold_placed", (None, text))


def lift_hold(session: Session, person: Record) -> None:
    """Let ``person`` be erased again, by whoever may."""
    hold = hold_on(session, person)
    if hold is not None:
        _tell(session, person, "hold_lifted", (hold.reason, None))
        session.delete(hold)
        session.flush()


def _tell(session: Session, person: Record, action: str, reason: tuple[str | None, str | None]) -> None:
    row = audit_row(person.__record_type__, person.id, action, {"reason": reason})
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
