"""The pages of the plugin, through the whole Site."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from core.testing.installation import Browser, TestInstallation
from plugins.activities.models import CALL, TASK, Activity
from plugins.contacts.models import Company, Person

TODAY = dt.datetime.now(dt.UTC).date()
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def browser(installation: TestInstallation) -> Browser:
    """A signed-in user."""
    return installation.browser("user")


def make(installation: TestInstallation, **values: object) -> int:
    with installation.acting("user") as work:
        activity = Activity(**{"subject": "Ask about the quote", "kind": CALL, **values})
        work.add(activity)
        work.commit()
        return activity.id


def make_person(installation: TestInstallation, **values: object) -> int:
    with installation.acting("administrator") as work:
        person = Person(**{"first_name": "Leila", "last_name": "Sadeghi", **values})
        work.add(person)
        work.commit()
        return person.id


def stored(installation: TestInstallation, activity_id: int) -> Activity:
    with installation.acting() as work:
        return work.get_one(Activity, activity_id)


def following(installation: TestInstallation, activity_id: int) -> list[Activity]:
    with installation.acting() as work:
        return list(work.scalars(sa.select(Activity).where(Activity.previous_id == activity_id)))


def test_home_shows_my_day_overdue_first(installation: TestInstallation, browser: Browser) -> None:
    person = make_person(installation)
    about = {"about_type": "contacts.person", "about_id": person}
    make(installation, subject="Due today", due=TODAY, due_time="10:00", **about)
    make(installation, subject="Long due", due=TODAY - dt.timedelta(days=2), **about)
    make(installation, subject="Soon due", due=TODAY + dt.timedelta(days=2))
    make(installation, subject="Far away", due=TODAY + dt.timedelta(days=30))
    make(installation, subject="Was done", kind=TASK, outcome="done")
    text = browser.get("/").get_data(as_text=True)
    places = [text.index(subject) for subject in ("Long due", "Due today", "Soon due", "Was done")]
    assert places == sorted(places)
    assert "Far away" not in text
    assert "Leila Sadeghi" in text
    assert "could not be shown" not in text


def test_ticking_off_asks_what_is_next_in_place(installation: TestInstallation, browser: Browser) -> None:
    activity = make(installation, due=TODAY)
    asked = browser.post(f"/activities/{activity}/tick", data={"back": "home"}, headers=SCRIPT)
    assert asked.status_code == 200
    assert "What is next?" in asked.get_data(as_text=True)
    assert stored(installation, activity).outcome == "answered"
    answer = browser.post(
        f"/activities/{activity}/next",
        data={"next": "3", "next_subject": "Send the quote", "next_kind": "task"},
        headers=SCRIPT,
    )
    assert "Send the quote" in answer.get_data(as_text=True)
    (made,) = following(installation, activity)
    assert (made.kind, made.due) == (TASK, TODAY + dt.timedelta(days=3))


def test_ticking_off_works_without_a_script(installation: TestInstallation, browser: Browser) -> None:
    activity = make(installation, due=TODAY)
    answer = browser.post(f"/activities/{activity}/tick", data={"back": "mine"})
    assert answer.status_code == 302
    assert "What is next?" in browser.get(answer.location).get_data(as_text=True)
    answer = browser.post(f"/activities/{activity}/next", data={"nothing": "1", "back": "mine"})
    assert (answer.status_code, answer.location) == (303, "/activities/mine")
    assert following(installation, activity) == []


def test_a_day_that_cannot_be_read_is_told_beside_its_field(installation: TestInstallation, browser: Browser) -> None:
    activity = make(installation, due=TODAY)
    data = {"outcome": "no_answer", "note": "Engaged", "next": "1", "next_date": "soon"}
    answer = browser.post(f"/activities/{activity}/complete", data=data)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Write a day as year/month/day." in text
    assert "Engaged" in text
    assert stored(installation, activity).is_open


def test_outcome_note_and_next_step_go_in_one_form(installation: TestInstallation, browser: Browser) -> None:
    activity = make(installation, due=TODAY)
    assert browser.get(f"/activities/{activity}/complete").status_code == 200
    data = {"outcome": "no_answer", "note": "Engaged", "next": "", "next_date": "1500/01/01", "next_kind": "call"}
    answer = browser.post(f"/activities/{activity}/complete", data=data)
    assert answer.status_code == 303
    (made,) = following(installation, activity)
    assert made.due == dt.date(2121, 3, 21)
    assert stored(installation, activity).note == "Engaged"
    assert browser.post(f"/activities/{activity}/complete", data={"outcome": "held"}).status_code == 400


def test_an_activity_is_moved_and_reopened(installation: TestInstallation, browser: Browser) -> None:
    activity = make(installation, due=TODAY)
    assert browser.post(f"/activities/{activity}/reschedule", data={"due": "7", "back": "home"}).status_code == 303
    assert stored(installation, activity).due == TODAY + dt.timedelta(days=7)
    browser.post(f"/activities/{activity}/tick")
    assert browser.post(f"/activities/{activity}/reschedule", data={"due": "1"}, headers=SCRIPT).status_code == 409
    assert browser.post(f"/activities/{activity}/reopen").status_code == 303
    assert stored(installation, activity).is_open


def test_my_activities_are_grouped_and_mine_alone(installation: TestInstallation, browser: Browser) -> None:
    make(installation, subject="Long due", due=TODAY - dt.timedelta(days=2))
    with installation.acting("administrator") as work:
        work.add(Activity(subject="Of somebody else", due=TODAY))
        work.commit()
    text = browser.get("/activities/mine").get_data(as_text=True)
    assert "Long due" in text
    assert "Of somebody else" not in text
    assert "Long due" not in browser.get("/activities/mine?group=today").get_data(as_text=True)
    assert browser.get("/activities/mine?group=yesterday").status_code == 400
    assert browser.get("/activities/mine?group=done&page=-1").status_code == 400


def test_a_call_is_logged_on_the_page_of_a_person(installation: TestInstallation, browser: Browser) -> None:
    person = make_person(installation)
    tab = browser.get(f"/contacts/person/{person}/composer/activities-call").get_data(as_text=True)
    assert f'action="/activities/about/contacts.person/{person}/call"' in tab
    data = {"note": "Wants the quote", "outcome": "answered", "next": "3"}
    answer = browser.post(f"/activities/about/contacts.person/{person}/call", data=data)
    assert (answer.status_code, answer.location) == (303, f"/contacts/person/{person}")
    page = browser.get(answer.location).get_data(as_text=True)
    assert "Wants the quote" in page
    assert "called: Call" in page
    assert "Upcoming" in page
    assert "could not be shown" not in page


def test_the_form_of_a_tab_comes_when_somebody_turns_to_it(installation: TestInstallation, browser: Browser) -> None:
    here = f"/contacts/person/{make_person(installation)}"
    page = browser.get(here).get_data(as_text=True)
    assert f'data-nv-part="{here}/composer/activities-task"' in page
    assert 'id="task-subject"' not in page
    # A file may be dropped anywhere on the page, so its form is there.
    assert 'id="file-input"' in page
    part = browser.get(f"{here}/composer/activities-task", headers=SCRIPT).get_data(as_text=True)
    assert 'id="task-subject"' in part
    assert "<html" not in part
    # Without a script the tab is a link to the page with this form on it.
    page = browser.get(f"{here}?tab=activities-task").get_data(as_text=True)
    assert 'id="task-subject"' in page
    assert f'data-nv-part="{here}/composer/core-note"' in page
    assert browser.get(f"{here}/composer/activities-letter").status_code == 404
    assert browser.get("/contacts/person/999/composer/core-note").status_code == 404


def test_the_page_of_an_activity_leads_to_its_record_and_to_what_follows(
    installation: TestInstallation, browser: Browser
) -> None:
    person = make_person(installation)
    activity = make(installation, due=TODAY, about_type="contacts.person", about_id=person)
    page = browser.get(f"/activities/activity/{activity}").get_data(as_text=True)
    assert f'href="/contacts/person/{person}"' in page
    assert f'data-nv-modal="/activities/{activity}/complete"' in page
    form = browser.get(f"/activities/{activity}/complete", headers=SCRIPT).get_data(as_text=True)
    assert "modal-head" in form
    assert "<html" not in form
    browser.post(f"/activities/{activity}/complete", data={"next": "1", "next_subject": "Send the quote"})
    page = browser.get(f"/activities/activity/{activity}").get_data(as_text=True)
    assert "Send the quote" in page
    assert "Reopen" in page
    assert "could not be shown" not in page


def test_a_task_and_a_meeting_are_planned_on_the_page_of_a_person(
    installation: TestInstallation, browser: Browser
) -> None:
    person = make_person(installation)
    url = f"/activities/about/contacts.person/{person}"
    assert browser.post(f"{url}/task", data={"subject": "Send the list", "due": "1"}).status_code == 303
    data = {"subject": "Demonstration", "due": "3", "due_time": "۱۴:۳۰", "duration": "45"}
    assert browser.post(f"{url}/meeting", data=data).status_code == 303
    refused = browser.post(f"{url}/meeting", data={**data, "due_time": "noon", "subject": "Kept"}, headers=SCRIPT)
    assert refused.status_code == 422
    assert "Write hours and minutes" in refused.get_data(as_text=True)
    assert "<html" not in refused.get_data(as_text=True)
    assert 'value="Kept"' in refused.get_data(as_text=True)
    page = browser.get(f"/contacts/person/{person}").get_data(as_text=True)
    assert page.index("Send the list") < page.index("Demonstration")
    assert browser.get(f"{url}/dance").status_code == 404
    for kind in ("task", "call", "meeting"):
        assert browser.get(f"{url}/{kind}").status_code == 200


def key_of(page: str) -> str:
    return str(re.search(r'name="form_key" value="([0-9a-f]{32})"', page)[1])  # type: ignore[index]


def test_what_is_sent_twice_is_planned_once(installation: TestInstallation, browser: Browser) -> None:
    person = make_person(installation)
    url = f"/activities/about/contacts.person/{person}"
    for kind, form in (("task", {"subject": "Send the list", "due": "1"}),
                       ("call", {"outcome": "answered", "note": "Wants it", "next": "3"})):  # fmt: skip
        key = key_of(browser.get(f"{url}/{kind}").get_data(as_text=True))
        answers = [browser.post(f"{url}/{kind}", data={**form, "form_key": key}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [303, 303]
    activity = make(installation, due=TODAY)
    key = key_of(browser.post(f"/activities/{activity}/tick", headers=SCRIPT).get_data(as_text=True))
    form = {"next": "3", "next_subject": "Send the quote", "form_key": key}
    answers = [browser.post(f"/activities/{activity}/next", data=form, headers=SCRIPT) for _ in range(2)]
    assert all("Send the quote" in answer.get_data(as_text=True) for answer in answers)
    other = make(installation, due=TODAY)
    key = key_of(browser.get(f"/activities/{other}/complete").get_data(as_text=True))
    for _ in range(2):
        browser.post(f"/activities/{other}/complete", data={"note": "Went well", "next": "1", "form_key": key})

    assert stored(installation, other).note == "Went well"
    with installation.acting() as work:
        subjects = list(work.scalars(sa.select(Activity.subject).order_by(Activity.id)))
    assert subjects == ["Send the list", "Call", "Call", "Ask about the quote", "Send the quote",
                        "Ask about the quote", "Ask about the quote"]  # fmt: skip


def test_nothing_is_done_about_records_that_one_may_not_see(installation: TestInstallation, browser: Browser) -> None:
    secret = make_person(installation, private=True)
    with installation.acting("administrator") as work:
        hidden = Activity(subject="Secret call", about_type="contacts.person", about_id=secret, due=TODAY)
        work.add(hidden)
        work.commit()
        number = hidden.id
    url = f"/activities/about/contacts.person/{secret}/task"
    assert browser.get(url).status_code == 404
    assert browser.post(url, data={"subject": "Spy", "due": "1"}).status_code == 404
    for act in ("tick", "next", "complete", "reschedule", "reopen"):
        assert browser.post(f"/activities/{number}/{act}", data={"due": "1"}).status_code == 404
    assert stored(installation, number).is_open
    assert stored(installation, number).due == TODAY
    assert "Secret call" not in browser.get("/activities/activity/").get_data(as_text=True)


def test_chosen_activities_are_ticked_off_and_moved_in_the_list(
    installation: TestInstallation, browser: Browser
) -> None:
    first, second = make(installation, due=TODAY), make(installation, due=TODAY, kind=TASK)
    browser.get("/activities/activity/")
    chosen = {"rowid": [first, second], "confirmed": "1"}
    browser.post("/activities/activity/action", data={"action": "next_week", "once": "1" * 32, **chosen})
    assert stored(installation, second).due == TODAY + dt.timedelta(days=7)
    browser.post("/activities/activity/action", data={"action": "complete", "once": "2" * 32, **chosen})
    assert [stored(installation, number).outcome for number in (first, second)] == ["answered", "done"]


def test_the_list_names_what_activities_are_about_without_asking_for_each(
    installation: TestInstallation, browser: Browser
) -> None:
    for number in range(5):
        person = make_person(installation, last_name=f"Number {number}")
        make(installation, about_type="contacts.person", about_id=person)
    asked: list[str] = []
    engine = installation.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    text = browser.get("/activities/activity/").get_data(as_text=True)
    assert all(f"Number {number}" in text for number in range(5))
    assert sum(statement.startswith("SELECT contacts_contact.") for statement in asked) == 1


def test_the_form_chooses_what_an_activity_is_about_among_records_of_every_type(
    installation: TestInstallation, browser: Browser
) -> None:
    person = make_person(installation)
    hidden = make_person(installation, first_name="Hidden", last_name="Sadeghi", private=True)
    with installation.acting("administrator") as work:
        company = Company(name="Sadeghi Brothers")
        work.add(company)
        work.commit()
        company_id = company.id
    offered = browser.get("/activities/activity/ajax/lookup?name=about_type&query=sadeghi").json
    assert offered == [
        [f"contacts.person:{person}", "Leila Sadeghi · Person"],
        [f"contacts.company:{company_id}", "Sadeghi Brothers · Company"],
    ]
    form = {"subject": "Visit them", "kind": "task", "priority": "normal"}
    for refused in (f"contacts.person:{hidden}", "contacts.person:x", "activities.activity:1", "core.user:1", ":"):
        answer = browser.post("/activities/activity/new", data={**form, "about_type": refused})
        assert "Not a valid choice." in answer.get_data(as_text=True), refused
    chosen = {**form, "about_type": f"contacts.company:{company_id}"}
    chosen |= {"due": TODAY.isoformat(), "assignee": ""}
    assert browser.post("/activities/activity/new", data=chosen).status_code == 302
    with installation.acting() as work:
        made = work.scalars(sa.select(Activity)).one()
        assert (made.about_type, made.about_id) == ("contacts.company", company_id)
    # Nobody was chosen, so it is to be done by whoever wrote it down.
    assert "Visit them" in browser.get("/").get_data(as_text=True)
    page = browser.get(f"/activities/activity/{made.id}").get_data(as_text=True)
    assert 'Sadeghi Brothers</bdi></a> <span class="muted">Company</span>' in page
    html = browser.get(f"/activities/activity/{made.id}/edit").get_data(as_text=True)
    assert f'<option selected value="contacts.company:{company_id}">' in html
    cell = f"/activities/activity/cell?id={made.id}&column=about_type&whole=1"
    assert "Leila" in browser.post(cell, data={"about_type": f"contacts.person:{person}"}, headers=SCRIPT).text
    assert stored(installation, made.id).about_id == person
    browser.post(cell, data={"about_type": ""}, headers=SCRIPT)
    assert (stored(installation, made.id).about_type, stored(installation, made.id).about_id) == (None, None)
