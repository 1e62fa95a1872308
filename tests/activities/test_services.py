"""Verbs on activities."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import ValidationError
from plugins.activities import services
from plugins.activities.models import CALL, TASK, Activity
from plugins.activities.services import NextStep
from plugins.contacts.models import Person

TODAY = dt.date(2026, 11, 26)


def test_completing_plans_what_comes_next_about_the_same_record(work: Session, call: Activity) -> None:
    step = services.suggest_next(call, TODAY)
    made = services.complete(call, "no_answer", "Engaged all morning", step)
    work.commit()
    assert (call.outcome, call.note) == ("no_answer", "Engaged all morning")
    assert call.done_at is not None
    assert made is not None
    assert (made.due, made.kind, made.subject, made.previous_id) == (TODAY + dt.timedelta(days=3), CALL, call.subject,
                                                                     call.id)  # fmt: skip
    assert (made.about_type, made.about_id) == (call.about_type, call.about_id)
    assert made.assignee_id == call.assignee_id
    assert made.is_open


def test_a_note_on_completing_is_added_to_the_note_that_is_there(work: Session, call: Activity) -> None:
    call.note = "Ask for Sara"
    services.complete(call, note="She was there")
    work.commit()
    assert call.note == "Ask for Sara\nShe was there"
    assert call.outcome == "answered"


def test_logging_a_call_writes_it_down_as_done(work: Session, person: Person) -> None:
    made = services.log(person, CALL, "answered", "Wants the quote", next_step=NextStep(due=TODAY, kind=TASK))
    work.commit()
    follow_up = work.scalars(sa.select(Activity).where(Activity.previous_id == made.id)).one()
    assert made.done_at is not None
    assert made.subject == "Call"
    assert (follow_up.kind, follow_up.about_id) == (TASK, person.id)
    with pytest.raises(ValidationError):
        services.log(person, CALL, "cancelled")


def test_moving_an_activity_moves_its_reminder(work: Session, call: Activity) -> None:
    call.due, call.reminder_at = TODAY, dt.datetime(2026, 11, 26, 8, tzinfo=dt.UTC)
    work.commit()
    services.reschedule(call, TODAY + dt.timedelta(days=2), "15:00")
    work.commit()
    assert call.due_time == "15:00"
    assert call.reminder_at == dt.datetime(2026, 11, 28, 8, tzinfo=dt.UTC)


def test_only_open_activities_move(work: Session, call: Activity) -> None:
    services.complete(call)
    other = services.plan(None, TASK, "Prepare the quote", TODAY)
    work.commit()
    assert services.postpone([call, other], TODAY + dt.timedelta(days=1)) == 1
    with pytest.raises(ValidationError):
        services.reschedule(call, TODAY)
    services.reopen(call)
    work.commit()
    assert call.is_open
    assert call.outcome is None
