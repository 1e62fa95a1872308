"""What people type into this plugin's own forms: days, times, and what comes next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm.exc import StaleDataError

from core import (
    Blocked,
    Repeated,
    ValidationError,
    note_submission,
    parse_date,
    reader_today,
    record_of_form,
    session,
)
from plugins.activities.models import KINDS, Activity
from plugins.activities.rules import clock_time
from plugins.activities.services import NextStep

Errors = Mapping[str, object]

NO_DAY = ""
# Days from today that a select offers; a day of one's own goes into the box beside it, and wins.
DAYS = (
    ("0", _l("Today")),
    ("1", _l("Tomorrow")),
    ("3", _l("In 3 days")),
    ("7", _l("In a week")),
    (NO_DAY, _l("Without a date")),
)
NEXT_DAYS = ((NO_DAY, _l("Nothing")), ("1", _l("Tomorrow")), ("3", _l("In 3 days")), ("7", _l("In a week")))
SUGGESTED = "3"
_OFFERED = frozenset(code for code, _label in (*DAYS, *NEXT_DAYS))


def typed(name: str) -> str:
    """The text of a form's field, empty when it was not sent."""
    return request.form.get(name, "").replace("\0", "").strip()


def day_of(name: str) -> dt.date | None:
    """The day chosen in the select ``name``, or typed into the box ``<name>_date`` beside it.

    Raises:
        ValidationError: on ``<name>_date`` or ``name``.
    """
    own = typed(f"{name}_date")
    if own:
        try:
            return parse_date(own)
        except ValueError:
            raise ValidationError(**{f"{name}_date": _("Write a day as year/month/day.")}) from None
    code = typed(name)
    if code not in _OFFERED:
        raise ValidationError(**{name: _("Please choose from the list.")})
    return None if code == NO_DAY else reader_today() + dt.timedelta(days=int(code))


def time_of(name: str) -> str | None:
    """The time of day typed into the field ``name``, as it is stored.

    Raises:
        ValidationError: on ``due_time``.
    """
    text = typed(name)
    return clock_time(text) if text else None


def next_step_of(activity: Activity | None = None) -> NextStep | None:
    """What was chosen to come next, or None for nothing.

    Args:
        activity: what it follows on; gives the subject where none was typed.

    Raises:
        ValidationError: the day cannot be read, or the kind is none.
    """
    due = day_of("next")
    if due is None:
        return None
    kind = typed("next_kind") or (activity.kind if activity is not None else "")
    if kind and kind not in {option.code for option in KINDS}:
        raise ValidationError(next_kind=_("Please choose from the list."))
    return NextStep(due=due, subject=typed("next_subject")[:200], kind=kind)


def save(change: Callable[[], Any]) -> dict[str, object]:
    """Make ``change`` and commit it; what is wrong, by field, where it was refused."""
    try:
        change()
        session.commit()
    except ValidationError as error:
        session.rollback()
        return dict(error.errors)
    except Blocked as error:
        session.rollback()
        return {"": str(error)}
    except StaleDataError:
        session.rollback()
        return {"": _("Somebody else changed this activity in the meantime. Look again.")}
    return {}


def make(change: Callable[[], Activity]) -> tuple[Activity | None, Errors]:
    """The activity that ``change`` makes, committed, or what is wrong. The same form sent again makes no second one."""
    made: list[Activity] = []

    def once() -> None:
        made.append(change())
        note_submission(session, made[0])

    try:
        errors = save(once)
    except Repeated:
        session.rollback()
        return record_of_form(session, Activity), {}
    return (None, errors) if errors else (made[0], {})
