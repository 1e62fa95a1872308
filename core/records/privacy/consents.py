"""Writing down what somebody agreed to, and that the agreement was withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.errors import Blocked, ValidationError
from core.records.audit import Audit, audit_row
from core.records.privacy.models import PURPOSE_LENGTH, SOURCE_LENGTH, TEXT_LIMIT, Consent
from core.records.record import Record
from core.text import clean

MOST = 500  # consents of one person that are read


def consents_of(session: Session, record_type: str, record_id: int) -> Sequence[Consent]:
    """The consents of a person, the latest first."""
    about = (Consent.record_type == record_type, Consent.record_id == record_id)
    statement = sa.select(Consent).where(*about).order_by(Consent.given_at.desc(), Consent.id.desc())
    return session.scalars(statement.limit(MOST)).all()


def record_consent(
    session: Session, person: Record, *, purpose: str, source: str, text: str, given_at: dt.datetime | None = None
) -> Consent:
    """Write down a consent; the actor is who recorded it.

    Args:
        session: the unit of work; the caller commits.
        person: the record of who consented.
        purpose: what for.
        source: where it was said, such as a form or a call.
        text: the words that were agreed to.
        given_at: when, if it was not now.

    Raises:
        ValidationError: one of them is missing, too long, or lies in the future.
    """
    values = {"purpose": clean(purpose).strip(), "source": clean(source).strip(), "text": clean(text).strip()}
    limits = {"purpose": PURPOSE_LENGTH, "source": SOURCE_LENGTH, "text": TEXT_LIMIT}
    errors = {name: _("This field is required.") for name, value in values.items() if not value}
    errors |= {
        name: _("Write %(limit)s characters at most.", limit=limits[name])
        for name, value in values.items()
        if len(value) > limits[name]
    }
    if given_at is not None and given_at > now():
        errors["given_at"] = _("This day is still to come.")
    if errors:
        raise ValidationError(**errors)
    consent = Consent(
        record_type=person.__record_type__,
        record_id=person.id,
        given_at=given_at or now(),
        recorded_by_id=acting().user_id,
        recorded_by=acting().name,
        **values,
    )
    session.add(consent)
    session.flush()
    _tell(session, consent, "consent_given")
    return consent


def withdraw(session: Session, consent: Consent) -> None:
    """Write down that a consent no longer holds.

    Raises:
        Blocked: it was withdrawn before.
    """
    if consent.withdrawn_at is not None:
        raise Blocked(_("This consent was withdrawn already."))
    consent.withdrawn_at, consent.withdrawn_by = now(), acting().name
    _tell(session, consent, "consent_withdrawn")


def _tell(session: Session, consent: Consent, action: str) -> None:
    row = audit_row(consent.record_type, consent.record_id, action, {"purpose": (None, consent.purpose)})
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
