"""Likely duplicates: found, dismissed, merged and taken apart again."""

import re
import uuid

import pytest
import sqlalchemy as sa

from core.records.audit import Audit
from core.records.duplicates.candidates import like_record
from core.records.duplicates.merging import merge
from core.records.duplicates.models import DuplicatePair
from core.records.note import add_note
from core.records.operations.models import Operation
from core.testing.installation import TestInstallation
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber, Tag
from plugins.contacts.screens import PERSON_SCREEN
from plugins.sales.models import Deal

HERE = "/contacts/person"


@pytest.fixture
def crm(make_site, dialect: str) -> TestInstallation:
    """Contacts and Sales are on."""
    return make_site("contacts", "sales", dialect=dialect)


@pytest.fixture
def twins(crm: TestInstallation) -> list[int]:
    """Two records of one person: with an e-mail address in common, and a deal, a tag and a note each."""
    with crm.acting("user") as session:
        ada = Person(first_name="Ada", last_name="Byron", city="Yazd")
        ada.phones = [PhoneNumber(number="+989121111111")]
        ada.emails = [EmailAddress(address="ada@example.com")]
        ada.tags = [Tag(name="red")]
        other = Person(first_name="A.", last_name="Byron", job_title="Analyst")
        other.phones = [PhoneNumber(number="+989122222222", label="work")]
        other.emails = [EmailAddress(address="ada@example.com")]
        other.tags = [Tag(name="blue")]
        session.add(ada)
        session.flush()
        session.add(other)
        session.flush()
        session.add(Deal(name="Roof", contact=ada))
        session.flush()
        session.add(Deal(name="Wall", contact=other))
        add_note(other, "met at the fair")
        session.commit()
        return [ada.id, other.id]


def merging(browser, *ids: int, keep: int | None = None, **choices: object):
    """Open the page and press its button, with some radio buttons chosen otherwise."""
    page = browser.get(f"{HERE}/merge?ids={','.join(map(str, ids))}")
    assert page.status_code == 200
    data = dict(re.findall(r'<input type="hidden" name="((?:ids|once|v-)[^"]*)" value="([^"]*)"', page.text))
    data |= dict(re.findall(r'name="((?:f-|keep)[^"]*)" value="([^"]*)" checked', page.text))
    if keep is not None:
        data["keep"] = str(keep)
    data |= {f"f-{name}": str(choice) for name, choice in choices.items()}
    return browser.post(f"{HERE}/merge", data=data)


def test_a_merge_keeps_every_row_and_tag_and_moves_what_points_to_it(crm, twins) -> None:
    ada, other = twins
    browser = crm.browser("user")
    answer = merging(browser, ada, other)
    assert answer.location == f"{HERE}/{ada}"
    with crm.acting() as session:
        one = session.scalars(sa.select(Person)).one()
        assert (one.id, one.name, one.city, one.job_title) == (ada, "Ada Byron", "Yazd", "Analyst")
        assert [phone.number for phone in one.phones] == ["+989121111111", "+989122222222"]
        assert [mail.address for mail in one.emails] == ["ada@example.com"]
        assert [tag.name for tag in one.tags] == ["blue", "red"]
        assert session.scalars(sa.select(Deal.contact_id)).all() == [ada, ada]
    page = browser.get(f"{HERE}/{ada}").text
    assert "met at the fair" in page
    assert "was merged into" in page
    assert browser.get(f"{HERE}/{other}").location == f"{HERE}/{ada}"


def test_undoing_a_merge_restores_both_records_and_doing_it_again_merges_them(crm, twins) -> None:
    ada, other = twins
    browser = crm.browser("user")
    merging(browser, ada, other)
    with crm.acting() as session:
        op = session.scalars(sa.select(Operation)).one()
        assert (op.kind, op.state) == ("merge", "done")
    browser.post(f"/operations/{op.id}/undo")
    with crm.acting() as session:
        people = session.scalars(sa.select(Person).order_by(Person.id)).all()
        assert [(one.id, one.job_title) for one in people] == [(ada, None), (other, "Analyst")]
        assert [[phone.number for phone in one.phones] for one in people] == [["+989121111111"], ["+989122222222"]]
        assert [[tag.name for tag in one.tags] for one in people] == [["red"], ["blue"]]
        assert session.scalars(sa.select(Deal.contact_id).order_by(Deal.id)).all() == [ada, other]
        assert session.get(Operation, op.id).state == "undone"
        back = session.get(Operation, op.id).undone_by
    assert browser.get(f"{HERE}/{other}").status_code == 200
    assert "met at the fair" not in browser.get(f"{HERE}/{ada}").text
    browser.post(f"/operations/{back}/undo")
    with crm.acting() as session:
        assert session.scalars(sa.select(Person.id)).all() == [ada]


def test_each_field_takes_the_value_that_was_chosen(crm, twins) -> None:
    ada, other = twins
    merging(crm.browser("user"), ada, other, keep=other, first_name=ada, city=other, tags=ada, phones=other)
    with crm.acting() as session:
        one = session.scalars(sa.select(Person)).one()
        assert (one.id, one.name, one.city, one.job_title) == (other, "Ada Byron", None, "Analyst")
        assert [tag.name for tag in one.tags] == ["red"]
        assert [phone.number for phone in one.phones] == ["+989122222222"]


def test_a_tag_is_merged_with_all_that_carry_it(crm, twins) -> None:
    with crm.acting("user") as session:
        red, blue = (session.scalars(sa.select(Tag).where(Tag.name == name)).one() for name in ("red", "blue"))
        merge(session, red, [blue], {})
        session.commit()
        session.expire_all()
        people = session.scalars(sa.select(Person).order_by(Person.id)).all()
        assert [[tag.name for tag in one.tags] for one in people] == [["red"], ["red"]]


def test_records_that_may_not_be_seen_or_changed_are_not_merged(crm, twins) -> None:
    ada, other = twins
    browser = crm.browser("user")
    for ids in (f"{ada},999", str(ada), f"{ada},{ada}", f"{ada},x"):
        assert browser.get(f"{HERE}/merge?ids={ids}").status_code == 404
    boss = crm.user("administrator").id
    with crm.acting() as session:
        hidden = session.get(Person, other)
        hidden.private, hidden.owner_id, hidden.created_by_id = True, boss, boss
        session.commit()
    assert browser.get(f"{HERE}/merge?ids={ada},{other}").status_code == 404
    data = {"ids": f"{ada},{other}", "keep": str(ada), "once": uuid.uuid4().hex}
    assert browser.post(f"{HERE}/merge", data=data).status_code == 404
    with crm.acting() as session:
        assert session.scalar(sa.select(sa.func.count(Person.id))) == 2


def test_a_record_that_changed_since_the_page_was_opened_is_not_merged(crm, twins) -> None:
    ada, other = twins
    browser = crm.browser("user")
    data = {"ids": f"{ada},{other}", "keep": str(ada), "once": uuid.uuid4().hex, f"v-{ada}": "1", f"v-{other}": "7"}
    answer = browser.post(f"{HERE}/merge", data=data)
    assert answer.status_code == 409
    assert "Somebody else changed one of these records" in answer.text


def test_merging_twice_with_one_button_merges_once(crm, twins) -> None:
    ada, other = twins
    browser = crm.browser("user")
    with crm.acting() as session:
        versions = {f"v-{one.id}": str(one.version) for one in session.scalars(sa.select(Person))}
    data = {"ids": f"{ada},{other}", "keep": str(ada), "once": uuid.uuid4().hex, **versions}
    browser.post(f"{HERE}/merge", data=data)
    assert browser.post(f"{HERE}/merge", data=data).status_code in (302, 404)
    with crm.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 1
        assert session.scalar(sa.select(sa.func.count(Audit.id)).where(Audit.action == "deleted")) == 1


def test_reasons_add_up(crm, twins) -> None:
    with crm.acting("user") as session:
        first, second = session.scalars(sa.select(Person).order_by(Person.id)).all()
        (found,) = like_record(session, PERSON_SCREEN, first)
        assert (found.record, found.score) == (second, 90)
        assert found.reasons == ("Has the e-mail address ada@example.com too.",)
        second.first_name = "Ada"
        session.commit()
        (found,) = like_record(session, PERSON_SCREEN, first)
        assert found.score == 96
        assert found.reasons[1] == "Has the same name."


def test_a_search_finds_pairs_of_one_type_and_dismissed_ones_stay_away(crm, twins) -> None:
    ada, other = twins
    with crm.acting("user") as session:
        session.add(Company(name="Ada Byron", emails=[EmailAddress(address="ada@example.com")]))
        for number in range(21):
            person = Person(first_name=f"Reception {number}", phones=[PhoneNumber(number="+982188888888")])
            session.add(person)
        session.commit()
    browser = crm.browser("user")
    assert "Nothing has been compared yet" in browser.get(f"{HERE}/duplicates").text
    browser.post(f"{HERE}/duplicates/search")
    assert "All records are being compared" in browser.get(f"{HERE}/duplicates").text
    crm.run_jobs()
    page = browser.get(f"{HERE}/duplicates").text
    assert f"merge?ids={ada},{other}" in page
    assert "Reception" not in page
    assert "Has the e-mail address ada@example.com too." in browser.get(f"{HERE}/duplicates?id={ada}").text
    browser.post(f"{HERE}/duplicates/dismiss", data={"first": str(ada), "second": str(other)})
    browser.post(f"{HERE}/duplicates/search")
    crm.run_jobs()
    assert "merge?ids" not in browser.get(f"{HERE}/duplicates").text
    assert "merge?ids" not in browser.get(f"{HERE}/duplicates?id={ada}").text
    with crm.acting() as session:
        assert session.scalars(sa.select(DuplicatePair)).one().dismissed_at is not None


def test_a_search_shows_how_far_it_is_and_is_stopped_by_who_began_it(crm, twins) -> None:
    browser, other = crm.browser("user"), crm.browser("administrator")
    browser.post(f"{HERE}/duplicates/search")
    page = browser.get(f"{HERE}/duplicates").text
    assert f'hx-get="{HERE}/duplicates/progress"' in page
    assert f'action="{HERE}/duplicates/stop"' in page
    assert "Search all records" not in page
    assert "Waiting for a worker" in browser.get(f"{HERE}/duplicates/progress").text
    assert "Waiting for a worker" in other.get(f"{HERE}/duplicates/progress").text
    browser.post(f"{HERE}/duplicates/stop")
    assert browser.get(f"{HERE}/duplicates/progress").headers["HX-Refresh"] == "true"
    assert "The last search was stopped" in browser.get(f"{HERE}/duplicates").text
    crm.run_jobs()
    assert f"merge?ids={twins[0]}" not in browser.get(f"{HERE}/duplicates").text
    other.post(f"{HERE}/duplicates/search")
    assert "/duplicates/stop" not in browser.get(f"{HERE}/duplicates").text
    assert browser.post(f"{HERE}/duplicates/stop").status_code == 404
    crm.run_jobs()
    assert f"merge?ids={twins[0]}" in browser.get(f"{HERE}/duplicates").text


def test_a_pair_with_a_hidden_record_is_not_shown(crm, twins) -> None:
    boss = crm.user("administrator").id
    with crm.acting() as session:
        hidden = session.get(Person, twins[1])
        hidden.private, hidden.owner_id, hidden.created_by_id = True, boss, boss
        session.commit()
    browser = crm.browser("user")
    browser.post(f"{HERE}/duplicates/search")
    crm.run_jobs()
    assert "merge?ids" not in browser.get(f"{HERE}/duplicates").text
    assert "merge?ids" in crm.browser("administrator").get(f"{HERE}/duplicates").text


def test_two_chosen_rows_of_a_list_lead_to_the_merge(crm, twins) -> None:
    browser = crm.browser("user")
    answer = browser.post(f"{HERE}/action", data={"action": "merge", "rowid": twins})
    assert answer.location.startswith(f"{HERE}/merge?ids={twins[0]}")
    one = browser.post(f"{HERE}/action", data={"action": "merge", "rowid": twins[:1]}, follow_redirects=True)
    assert "Choose two or three records" in one.text
