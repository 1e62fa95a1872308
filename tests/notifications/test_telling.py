"""Who is told what, and that nobody is told twice or of what is not for him."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from core import User, enqueue, notify, now, write_event
from core.jobs.models import FAILED, JobRecord
from core.notifications import choices
from core.notifications.models import Notification
from core.records.followers import Follower
from core.web.old_news import REMOVE_OLD_NEWS
from core.web.telling import tell_of_jobs
from plugins.activities.models import Activity
from plugins.activities.reminders import remind
from plugins.contacts.models import Person


def inbox(office: Any, name: str) -> list[tuple[str, str]]:
    """Type and text of everything somebody was told."""
    reader = office.id_of(name)
    with office.installation.acting() as work:
        query = sa.select(Notification.type, Notification.text).where(Notification.user_id == reader)
        return [tuple(row) for row in work.execute(query.order_by(Notification.id))]


def mention(office: Any, person: int, *names: str, note: int = 1) -> None:
    """Write the event of a note that mentions people, and deliver it."""
    ids = [office.id_of(name) for name in names]
    with office.installation.acting("administrator") as work:
        write_event(work, "core.note.added", "contacts.person", person, {"mentions": ids, "note_id": note})
        work.commit()
    office.installation.run_jobs()


def test_who_is_mentioned_is_told_once(office: Any) -> None:
    person = office.person()
    mention(office, person, "sara")
    mention(office, person, "sara")
    assert inbox(office, "sara") == [("core.mentioned", "")]
    assert inbox(office, "omid") == []
    text = office.browser("sara").get("/notifications/").get_data(as_text=True)
    assert "Administrator mentioned you in a note on “Leila Sadeghi”." in text


def test_nobody_is_told_of_a_record_that_he_may_not_see(small_office: Any) -> None:
    person = small_office.person(private=True)
    mention(small_office, person, "sara", "administrator")
    assert inbox(small_office, "sara") == []


def test_a_record_that_was_hidden_since_is_not_named(small_office: Any) -> None:
    person = small_office.person()
    mention(small_office, person, "sara")
    with small_office.installation.acting("administrator") as work:
        work.get_one(Person, person).private = True
        work.commit()
    text = small_office.browser("sara").get("/notifications/").get_data(as_text=True)
    assert "a record that is not there any more" in text
    assert "Leila" not in text


def test_who_becomes_responsible_is_told_unless_by_himself(office: Any) -> None:
    person, sara, omid = office.person(), office.id_of("sara"), office.id_of("omid")
    with office.installation.acting("administrator") as work:
        work.get_one(Person, person).owner_id = sara
        work.add(Activity(subject="Call her", assignee_id=omid))
        work.add(Activity(subject="My own"))
        work.commit()
    office.installation.run_jobs()
    assert inbox(office, "sara") == [("core.assigned", "")]
    assert inbox(office, "omid") == [("core.assigned", "")]
    assert inbox(office, "administrator") == []


def test_followers_are_told_of_changes_until_they_have_looked(office: Any) -> None:
    person, sara = office.person(), office.id_of("sara")
    with office.installation.acting() as work:
        work.add(Follower(record_type="contacts.person", record_id=person, user_id=sara))
        work.commit()
    for city in ("Shiraz", "Tabriz"):
        with office.installation.acting("administrator") as work:
            work.get_one(Person, person).city = city
            work.commit()
        office.installation.run_jobs()
    assert inbox(office, "sara") == [("core.followed", "updated")]


def test_a_mention_in_a_note_reaches_who_is_meant(small_office: Any) -> None:
    person, browser = small_office.person(), small_office.installation.browser("administrator")
    browser.get(f"/contacts/person/{person}")
    browser.post(f"/contacts/person/{person}/note", data={"body": "Please call her, @Sara"})
    small_office.installation.run_jobs()
    assert inbox(small_office, "sara") == [("core.mentioned", "")]


def test_many_records_at_once_are_told_in_a_few_lines(small_office: Any) -> None:
    omid = small_office.id_of("omid")
    with small_office.installation.acting("administrator") as work:
        work.add_all([Activity(subject=f"Number {number}", assignee_id=omid) for number in range(60)])
        work.commit()
    small_office.installation.run_jobs()
    assert inbox(small_office, "omid") == [("core.assigned", "")] * 20 + [("core.assigned", "many")]


def test_what_is_off_or_muted_is_not_told(small_office: Any) -> None:
    person, sara, omid = small_office.person(), small_office.id_of("sara"), small_office.id_of("omid")
    with small_office.installation.acting() as work:
        choices.choose(work, sara, {"core.mentioned": "off"})
        choices.mute(work, omid, "contacts.person", person)
        work.commit()
    mention(small_office, person, "sara", "omid")
    assert inbox(small_office, "sara") == inbox(small_office, "omid") == []


def test_a_key_is_told_once_to_each_person(office: Any) -> None:
    people = [office.id_of("sara"), office.id_of("omid")]
    with office.installation.acting() as work:
        assert notify(work, people[:1], "core.job_ended", key="same", text="done", data={"job": "core.undo"}) == 1
        assert notify(work, people, "core.job_ended", key="same", text="done", data={"job": "core.undo"}) == 1
        with pytest.raises(KeyError):
            notify(work, people, "core.job_ended", key="other", text="nonsense")
        with pytest.raises(KeyError):
            notify(work, people, "core.nonsense", key="other")
        work.rollback()
    assert inbox(office, "sara") == []


def test_the_end_of_long_or_failed_work_is_told_once(office: Any) -> None:
    sara = office.id_of("sara")
    with office.installation.acting() as work:
        for number, (status, seconds) in enumerate((("done", 1), ("done", 60), (FAILED, 1))):
            ended = now() - dt.timedelta(minutes=number + 1)
            work.add(
                JobRecord(
                    id=f"job{number}", name="core.run_import", plugin="core", queue="bulk", actor_id=sara,
                    status=status,
                    started_at=ended - dt.timedelta(seconds=seconds), finished_at=ended, attempts=1,
                )
            )  # fmt: skip
        work.commit()
        assert tell_of_jobs(None) == 2
        assert tell_of_jobs(None) == 0
        work.commit()
    assert sorted(inbox(office, "sara")) == [("core.job_ended", "done"), ("core.job_ended", "failed")]


def test_reminders_and_overdue_activities_are_told_once(office: Any) -> None:
    sara, today = office.id_of("sara"), now().date()
    with office.installation.acting() as work:
        late = Activity(subject="Late", assignee_id=sara, due=today - dt.timedelta(days=2))
        work.add_all(
            [
                late,
                Activity(subject="Remember", assignee_id=sara, reminder_at=now() - dt.timedelta(minutes=1)),
                Activity(subject="Much too late", assignee_id=sara, due=today - dt.timedelta(days=60)),
                Activity(subject="Not yet", assignee_id=sara, due=today + dt.timedelta(days=2),
                         reminder_at=now() + dt.timedelta(days=1)),
                Activity(subject="Was done", assignee_id=sara, due=today - dt.timedelta(days=2), kind="task",
                         outcome="done"),
                Activity(subject="Nobody's", due=today - dt.timedelta(days=2)),
            ]
        )  # fmt: skip
        work.commit()
        version = late.version
        assert remind(None) == 2
        work.commit()
        assert remind(None) == 0
        work.commit()
        work.refresh(late)
        assert late.version == version
        assert late.overdue_told_at is not None
        late.due = today - dt.timedelta(days=1)
        work.commit()
        assert remind(None) == 1
        work.commit()
    told = ["activities.reminder", "activities.overdue", "activities.overdue"]
    assert [name for name, _text in inbox(office, "sara")] == told


def test_a_day_ends_where_its_assignee_is(small_office: Any) -> None:
    sara, moment = small_office.id_of("sara"), now()
    # In Kiritimati a day ends fourteen hours before it does in Greenwich, on Niue eleven hours after.
    ended = moment.hour >= 10
    due = moment.date() if ended else moment.date() - dt.timedelta(days=1)
    with small_office.installation.acting() as work:
        work.get_one(User, sara).timezone = "Pacific/Kiritimati" if ended else "Pacific/Niue"
        work.add(Activity(subject="On the edge", assignee_id=sara, due=due))
        work.commit()
        assert remind(None) == (1 if ended else 0)
        work.rollback()


def test_old_news_is_removed(office: Any) -> None:
    reader, old = office.id_of("sara"), now() - dt.timedelta(days=100)
    with office.installation.acting() as work:
        for key in ("new", "read long ago", "waiting"):
            notify(work, [reader], "core.job_ended", key=key, text="done", data={"job": "core.run_import"})
        work.execute(sa.update(Notification).where(Notification.key != "new").values(created_at=old))
        work.execute(sa.update(Notification).where(Notification.key == "read long ago").values(read_at=old))
        work.commit()
        enqueue(REMOVE_OLD_NEWS)
        work.commit()
    office.installation.run_jobs()
    with office.installation.acting() as work:
        assert sorted(work.scalars(sa.select(Notification.key))) == ["new", "waiting"]
