"""A person's file: found across plugins, handed over, erased, and not brought back by any door."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from core.accounts.models import Role
from core.accounts.roles import set_field_rights, set_grants, touch
from core.notifications.models import Notification
from core.records.archive import archive
from core.records.attachments.models import Attachment
from core.records.audit import Audit
from core.records.note import Note, add_note
from core.records.operations.running import operation
from core.records.privacy.models import Consent, Erased

SECRETS = ("Rostami", "0912 111 2233", "+989121112233", "Buyer", "ring in the evening", "mind her allergy")


@pytest.fixture
def site(make_site, dialect):
    return make_site("contacts", "activities", "sales", dialect=dialect)


@pytest.fixture
def sara(site):
    """A person with a trace in every plugin."""
    from plugins.activities.models import Activity
    from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber
    from plugins.sales.models import Deal

    with site.acting("administrator") as session:
        company = Company(name="Acme")
        person = Person(first_name="Sara", last_name="Rostami", job_title="Buyer", company=company)
        person.birthday = dt.date(1990, 5, 17)
        person.phones.append(PhoneNumber(number="+989121112233"))
        person.emails.append(EmailAddress(address="sara@example.com"))
        session.add(person)
        session.flush()
        about = {"about_type": "contacts.person", "about_id": person.id}
        session.add(Activity(subject="Call Rostami", note="ring in the evening", **about))
        session.add(Deal(name="Chairs for Sara Rostami", contact=person, company=company, next_step="mind her allergy"))
        gone = Deal(name="Table for Sara Rostami", contact=person)
        session.add(gone)
        add_note(person, "Prefers Rostami & Co. for delivery")
        session.commit()
        archive(gone)
        person.job_title = "Head of Buyers"
        session.commit()
        return person.id


def url(number, rest=""):
    return f"/admin/privacy/contacts.person/{number}{rest}"


def erase(browser, number, way, name="Sara Rostami"):
    html = browser.get(url(number, f"/erase/{way}")).get_data(as_text=True)
    version = html.split('name="version" value="')[1].split('"')[0]
    return browser.post(url(number, f"/erase/{way}"), data={"name": name, "version": version})


def told(browser, *paths):
    return "".join(browser.get(path).get_data(as_text=True) for path in paths)


def test_the_file_gathers_every_plugin_and_is_handed_over_as_json(site, sara):
    browser = site.browser("administrator")

    html = told(browser, url(sara))
    answer = browser.post(url(sara, "/download"))
    parts = {part["name"]: part["rows"] for part in json.loads(answer.get_data(as_text=True))["parts"]}

    assert all(text in html for text in ("Sara Rostami", "ring in the evening", "mind her allergy", "Prefers"))
    assert "attachment" in answer.headers["Content-Disposition"]
    assert parts["contacts.person"][0]["last_name"] == "Rostami"
    assert parts["activities.activity"][0]["note"] == "ring in the evening"
    assert parts["sales.deal"][0]["next_step"] == "mind her allergy"
    assert len(parts["core.note"]) == 1
    assert "downloaded the personal data of" in told(browser, "/admin/audit/?kind=contacts.person")


def test_an_anonymised_person_is_told_of_nowhere(site, sara):
    from plugins.activities.models import Activity
    from plugins.contacts.models import Person
    from plugins.sales.models import Deal

    browser = site.browser("administrator")
    page = f"/contacts/person/{sara}"
    assert "Rostami" in told(browser, page)

    assert erase(browser, sara, "anonymise").status_code == 303

    pages = told(browser, page, "/admin/audit/?kind=contacts.person", "/admin/audit/?kind=activities.activity",
                 "/contacts/person/", "/admin/privacy/")  # fmt: skip
    pages += browser.post("/admin/audit/export", data={"kind": "contacts.person"}).get_data(as_text=True)
    found = [pages[max(pages.find(text) - 150, 0) :][:300] for text in SECRETS if text in pages]
    assert found == []
    with site.acting("administrator") as session:
        person = session.get(Person, sara)
        deal = session.scalars(sa.select(Deal).execution_options(include_archived=True)).one()
        assert (person.name, person.phones, person.birthday, person.company) == (
            f"Anonymised person {sara}", [], None, None,
        )  # fmt: skip
        assert (deal.contact_id, deal.next_step, "Rostami" in deal.name) == (sara, None, False)
        assert session.scalars(sa.select(Activity)).all() == []
        for model in (Note, Attachment, Notification, Consent):
            assert session.scalars(sa.select(model).where(model.record_type == "contacts.person")).all() == []
        last = session.scalar(sa.select(Erased.through).where(Erased.record_type == "contacts.person"))
        first = session.scalar(sa.select(sa.func.max(Audit.id)).where(Audit.action == "changed"))
        written = session.scalars(sa.select(Audit.changes).where(Audit.id > first)).all()
    assert last > first
    assert [text for text in SECRETS if text in json.dumps(written)] == []


def test_an_erased_person_is_gone_with_the_link_to_it(site, sara):
    from plugins.contacts.models import Person
    from plugins.sales.models import Deal

    assert erase(site.browser("administrator"), sara, "erase").status_code == 303

    with site.acting("administrator") as session:
        assert session.get(Person, sara) is None
        assert session.scalars(sa.select(Deal.contact_id)).all() == [None]


def test_no_revert_and_no_undo_brings_erased_values_back(site, sara):
    from plugins.contacts.models import Person

    browser = site.browser("administrator")
    with site.acting("administrator") as session:
        with operation(session, kind="edit", record_type="contacts.person", label="") as op:
            session.get(Person, sara).city = "Rostamabad"
            session.flush()
            op.size = 1
        session.commit()
        op_id = op.id
        change = session.scalar(sa.select(sa.func.max(Audit.id)).where(Audit.action == "changed"))
    assert browser.post(f"/contacts/person/{sara}/revert/{change}").status_code == 302

    erase(browser, sara, "anonymise")

    with site.acting("administrator") as session:
        first = session.scalar(
            sa.select(sa.func.min(Audit.id)).where(Audit.action == "changed", Audit.record_type == "contacts.person")
        )
    assert browser.post(f"/contacts/person/{sara}/revert/{first}").status_code == 404
    assert "Rostamabad" not in told(browser, f"/operations/{op_id}", f"/operations/{op_id}/undo")
    browser.post(f"/operations/{op_id}/undo")
    with site.acting("administrator") as session:
        person = session.get(Person, sara)
        assert (person.city, person.job_title) == (None, None)


def test_who_was_merged_into_the_person_goes_too(site, sara):
    from core.records.duplicates.merging import merge
    from plugins.contacts.models import Contact, Person

    browser = site.browser("administrator")
    with site.acting("administrator") as session:
        twin = Person(first_name="S.", last_name="Rostami", city="Rostamabad")
        session.add(twin)
        session.commit()
        with operation(session, kind="merge", record_type="contacts.person", label=""):
            merge(session, session.get(Person, sara), [twin], {})
        session.commit()
    assert "Rostamabad" in told(browser, url(sara))

    assert erase(browser, sara, "anonymise").status_code == 303

    assert "Rostam" not in told(browser, "/admin/audit/?kind=contacts.person", "/contacts/person/deleted")
    with site.acting("administrator") as session:
        asked = sa.select(Contact.name).where(Contact.kind == "person").execution_options(include_archived=True)
        assert session.scalars(asked).all() == [f"Anonymised person {sara}"]


def test_who_does_not_see_everything_erases_nothing(site, sara):
    from plugins.contacts.models import Person
    from plugins.sales.models import Deal

    other = site.user("administrator").id
    with site.acting("administrator") as session:
        session.scalars(sa.select(Deal)).one().owner_id = other
        session.commit()
    browser = _officer(site, {"sales.deal.see": "own"})

    html = told(browser, url(sara), url(sara, "/erase/anonymise"))
    answer = browser.post(url(sara, "/erase/anonymise"), data={"name": "Sara Rostami", "version": "2"})

    assert "mind her allergy" not in html
    assert "Some of it is not yours to see and would be left." in html
    assert answer.status_code == 422
    with site.acting("administrator") as session:
        assert session.get(Person, sara).last_name == "Rostami"


def test_hidden_fields_stay_hidden_in_the_file_and_keep_it_from_being_erased(site, sara):
    browser = _officer(site, hidden={"job_title": "hidden"})

    html = told(browser, url(sara), url(sara, "/erase/anonymise"))
    answer = browser.post(url(sara, "/download")).get_data(as_text=True)

    assert "Head of Buyers" not in html + answer
    assert "Fields of “People” are hidden from you" in html


def test_nothing_is_erased_without_the_name_or_when_the_record_changed(site, sara):
    from plugins.contacts.models import Person

    browser = site.browser("administrator")

    assert erase(browser, sara, "anonymise", name="Somebody else").status_code == 422
    answer = browser.post(url(sara, "/erase/anonymise"), data={"name": "Sara Rostami", "version": "0"})

    assert answer.status_code == 422
    assert "Somebody changed this record meanwhile" in answer.get_data(as_text=True)
    with site.acting("administrator") as session:
        assert session.get(Person, sara).last_name == "Rostami"


def _officer(site, scopes=None, hidden=None):
    """The browser of a user who may manage personal data, and reaches no further than ``scopes`` say."""
    site.user("user")
    with site.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
        set_grants(session, role, {"core.privacy.manage": "all"} | (scopes or {}))
        set_field_rights(session, role, "contacts.person", hidden or {})
        touch(role)
        session.commit()
    return site.browser("user")


def test_only_who_may_manage_personal_data_opens_the_pages(site, sara):
    browser = site.browser("user")

    for path in ("/admin/privacy/", url(sara), url(sara, "/erase/erase")):
        assert browser.get(path).status_code == 404
    assert browser.post(url(sara, "/download")).status_code == 404
    assert "/admin/privacy/" not in told(browser, f"/contacts/person/{sara}")
    assert "/admin/privacy/contacts.person" in told(site.browser("administrator"), f"/contacts/person/{sara}")


def test_consents_are_recorded_with_their_words_and_withdrawn(site, sara):
    browser = site.browser("administrator")
    wrong = browser.post(url(sara, "/consents"), data={"purpose": "News", "source": "", "text": "I agree <b>"})
    assert wrong.status_code == 422
    assert "I agree &lt;b&gt;" in wrong.get_data(as_text=True)

    browser.post(url(sara, "/consents"), data={
        "purpose": "News", "source": "Form on the site", "text": "I agree <b>", "given_at": "2026-01-05"})  # fmt: skip
    html = told(browser, url(sara))
    with site.acting() as session:
        consent = session.scalars(sa.select(Consent)).one()
        assert (consent.source, consent.recorded_by) == ("Form on the site", "Administrator")
    browser.post(url(sara, f"/consents/{consent.id}/withdraw"))

    assert "Form on the site" in html
    assert "withdrawn on" in told(browser, url(sara))
    assert browser.post(url(sara + 1, f"/consents/{consent.id}/withdraw")).status_code == 404
    with site.acting() as session:
        assert session.scalars(sa.select(Consent.withdrawn_by)).one() == "Administrator"
