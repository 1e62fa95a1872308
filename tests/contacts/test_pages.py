"""Contacts in the browser."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask_babel import force_locale

from core.testing.installation import TestInstallation
from plugins.contacts import demo
from plugins.contacts.models import Company, Person

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def installation(make_site: MakeSite) -> TestInstallation:
    return make_site("contacts")


def test_lists_forms_and_pages_open(installation: TestInstallation) -> None:
    with installation.acting() as session:
        demo.add(session)
        session.commit()
        company_id = session.scalar(sa.select(Person.company_id).where(Person.company_id.is_not(None)).limit(1))
        person = session.scalars(sa.select(Person).limit(1)).one()
    browser = installation.browser("user")
    for path in ("person", "company", "tag"):
        for page in ("", "new"):
            answer = browser.get(f"/contacts/{path}/{page}")
            assert answer.status_code == 200, (path, page)
    text = browser.get(f"/contacts/company/{company_id}").get_data(as_text=True)
    assert f"/contacts/person/{person.id}" in text or "/contacts/person/" in text
    assert str(person) in browser.get(f"/contacts/person/{person.id}").get_data(as_text=True)
    assert "Recently added people" in browser.get("/").get_data(as_text=True)


def test_a_list_of_people_asks_few_questions(installation: TestInstallation) -> None:
    with installation.acting() as session:
        demo.add(session)
        session.commit()
    browser = installation.browser("user")
    browser.get("/contacts/person/")
    queries: list[str] = []
    engine = installation.runtime.database.engine

    def count(*arguments: object) -> None:
        queries.append(str(arguments[2]))

    sa.event.listen(engine, "before_cursor_execute", count)
    assert browser.get("/contacts/person/").status_code == 200
    sa.event.remove(engine, "before_cursor_execute", count)
    assert len([query for query in queries if query.startswith("SELECT")]) <= 12


@pytest.mark.parametrize("locale", ["en", "fa_IR"])
def test_sample_records_speak_the_language(installation: TestInstallation, locale: str) -> None:
    with installation.acting() as session, force_locale(locale):
        demo.add(session)
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 40
        assert session.scalar(sa.select(sa.func.count()).select_from(Company)) == 8
        name = session.scalars(sa.select(Company.name).limit(1)).one()
        assert name.isascii() == (locale == "en")


def test_a_disabled_plugin_leaves_no_page(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    installation.change("disable", "contacts")
    assert browser.get("/contacts/person/").status_code == 404
    assert browser.get("/import/contacts.person").status_code == 404
