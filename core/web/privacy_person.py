"""What is written into a person's file by hand: consents and their withdrawal, and holds."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.calendars import parse_date
from core.errors import Blocked, ValidationError
from core.records.privacy.consents import record_consent, withdraw
from core.records.privacy.holds import lift_hold, place_hold
from core.records.privacy.models import Consent
from core.records.submissions import FORM_KEY, Repeated, note_submission
from core.site.reader import preferences
from core.site.site import session
from core.web.privacy import PERSON, file_page, privacy_pages, subject_of


@privacy_pages.post(f"{PERSON}/consents")
def add_consent(record_type: str, record_id: int) -> Any:
    """Write down a consent."""
    entry, person = subject_of(record_type, record_id)
    form = request.form
    if set(form) - {"csrf_token", FORM_KEY, "purpose", "source", "text", "given_at"}:
        abort(400)
    try:
        record_consent(
            session, person, purpose=form.get("purpose", ""), source=form.get("source", ""),
            text=form.get("text", ""), given_at=_day(form.get("given_at", "")),
        )  # fmt: skip
        note_submission(session, person)
    except Repeated:
        session.rollback()  # it is written down
    except ValidationError as error:
        session.rollback()
        return file_page(entry, person, errors=error.errors, values=form), 422
    session.commit()
    flash(_("The consent is saved."), "success")
    return redirect(url_for("privacy.file", record_type=record_type, record_id=record_id), 303)


@privacy_pages.post(f"{PERSON}/consents/<int(max=9223372036854775807):consent_id>/withdraw")
def withdraw_consent(record_type: str, record_id: int, consent_id: int) -> BaseResponse:
    """Write down that a consent no longer holds."""
    _entry, person = subject_of(record_type, record_id)
    consent = session.get(Consent, consent_id)
    if consent is None or (consent.record_type, consent.record_id) != (record_type, person.id):
        abort(404)
    try:
        withdraw(session, consent)
    except Blocked as error:
        flash(str(error), "danger")
    else:
        session.commit()
        flash(_("The consent is withdrawn."), "success")
    return redirect(url_for("privacy.file", record_type=record_type, record_id=record_id), 303)


@privacy_pages.post(f"{PERSON}/hold")
def hold(record_type: str, record_id: int) -> Any:
    """Keep the record in spite of every wish and rule."""
    entry, person = subject_of(record_type, record_id)
    if set(request.form) - {"csrf_token", "reason"}:
        abort(400)
    try:
        place_hold(session, person, request.form.get("reason", ""))
    except ValidationError as error:
        session.rollback()
        return file_page(entry, person, errors=error.errors, values=request.form), 422
    except Blocked as error:
        flash(str(error), "danger")
    else:
        session.commit()
        flash(_("The record is held. It is not erased until the hold is lifted."), "success")
    return redirect(url_for("privacy.file", record_type=record_type, record_id=record_id), 303)


@privacy_pages.post(f"{PERSON}/hold/lift")
def lift(record_type: str, record_id: int) -> BaseResponse:
    """Let the record be erased again."""
    _entry, person = subject_of(record_type, record_id)
    lift_hold(session, person)
    session.commit()
    flash(_("The hold is lifted."), "success")
    return redirect(url_for("privacy.file", record_type=record_type, record_id=record_id), 303)


def _day(text: str) -> dt.datetime | None:
    """The beginning of a typed day; None for none, which means now."""
    if not text.strip():
        return None
    try:
        day = parse_date(text)
    except ValueError:
        raise ValidationError(given_at=_("This is no date.")) from None
    return dt.datetime.combine(day, dt.time(), ZoneInfo(preferences().timezone)).astimezone(dt.UTC)
