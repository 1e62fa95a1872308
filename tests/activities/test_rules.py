"""What is true of every stored activity."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import ValidationError
from core.testing.installation import TestInstallation
from plugins.activities.models import CALL, CANCELLED, DONE, TASK, Activity
from plugins.contacts.models import Person


def refused(work: Session, **values: object) -> set[str]:
    """The fields to blame for refusing an activity of ``values``."""
    work.add(Activity(**{"subject": "Something", "kind": TASK, **values}))
    with pytest.raises(ValidationError) as caught:
        work.commit()
    work.rollback()
    return set(caught.value.errors)


def test_who_writes_an_activity_for_nobody_gets_it(installation: TestInstallation, call: Activity) -> None:
    assert call.assignee_id == installation.user("user").id


def test_an_outcome_makes_it_done_and_taking_it_away_reopens_it(work: Session, call: Activity) -> None:
    call.outcome = "no_answer"
    work.commit()
    assert call.done_at is not None
    call.outcome = None
    work.commit()
    assert call.done_at is None


def test_what_is_imported_as_done_has_an_outcome(work: Session) -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
    made = Activity(subject="Old call", kind=CALL, done_at=moment)
    work.add(made)
    work.commit()
    assert (made.outcome, made.done_at) == ("answered", moment)


@pytest.mark.parametrize(
    ("typed", "stored"), [("9:05", "09:05"), ("1430", "14:30"), ("۱۴:۳۰", "14:30"), ("23.59", "23:59")]
)
def test_a_time_is_stored_in_one_form(work: Session, typed: str, stored: str) -> None:
    made = Activity(subject="Something", due=dt.date(2026, 11, 26), due_time=typed)
    work.add(made)
    work.commit()
    assert made.due_time == stored


def test_what_makes_no_sense_is_refused(work: Session) -> None:
    assert refused(work, due_time="25:00", due=dt.date(2026, 11, 26)) == {"due_time"}
    assert refused(work, due_time="10:00") == {"due"}
    assert refused(work, duration=0) == {"duration"}
    assert refused(work, duration=11_000) == {"duration"}
    assert refused(work, outcome="wrong_number") == {"outcome"}
    assert refused(work, about_type="contacts.person") == {"about_type"}
    assert refused(work, about_type="contacts.person", about_id=10**9) == {"about_type"}
    assert refused(work, about_type="activities.activity", about_id=1) == {"about_type"}
    assert refused(work, about_type="nothing.atall", about_id=1) == {"about_type"}


def test_every_kind_has_its_own_outcomes(work: Session) -> None:
    for kind, outcome in ((TASK, DONE), (CALL, "left_message"), ("meeting", "no_show"), ("meeting", CANCELLED)):
        work.add(Activity(subject="Something", kind=kind, outcome=outcome))
    work.commit()


def test_an_activity_is_hidden_with_the_record_it_is_about(
    make_site: object, dialect: str
) -> None:
    installation = make_site("contacts", "activities", dialect=dialect)  # type: ignore[operator]
    with installation.acting("administrator") as work:
        secret = Person(first_name="Secret", private=True)
        known = Person(first_name="Known")
        work.add_all([secret, known])
        work.flush()
        for subject, record in (("About the secret", secret), ("About the known", known), ("About nothing", None)):
            about = {"about_type": "contacts.person", "about_id": record.id} if record else {}
            work.add(Activity(subject=subject, **about))
        work.commit()
        hidden = work.scalars(sa.select(Activity.id).where(Activity.subject == "About the secret")).one()
        secret_id = secret.id
    with installation.acting("user") as work:
        seen = work.scalars(sa.select(Activity.subject).order_by(Activity.id)).all()
        assert seen == ["About the known", "About nothing"]
        assert work.scalar(sa.select(sa.func.count(Activity.id))) == 2
        other = sa.orm.aliased(Activity)
        assert work.scalar(sa.select(sa.func.count(other.id))) == 2
        assert refused(work, about_type="contacts.person", about_id=secret_id) == {"about_type"}
    assert installation.browser("user").get(f"/activities/activity/{hidden}").status_code == 404
    assert installation.browser("administrator").get(f"/activities/activity/{hidden}").status_code == 200
