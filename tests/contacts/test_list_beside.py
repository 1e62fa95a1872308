"""What a list shows beside the columns of its records comes by one query, and is what each column says by itself."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.accounts.models import Role, now
from core.accounts.roles import set_grants
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
LIST = "/contacts/person/"


@pytest.fixture
def site(make_site: MakeSite, dialect: str) -> TestInstallation:
    made = make_site("contacts", "sales", dialect=dialect)
    from plugins.contacts.models import FAX, EmailAddress, Person, PhoneNumber, Tag

    with made.acting() as session:
        tags = [Tag(name="Zebra", color="rose"), Tag(name="Ant & <b>", color="blue"), Tag(name="Moth", color="green")]
        numbers = [(FAX, "+982144440001"), ("work", "+982144440002"), ("mobile", "+989121110003")]
        ada = Person(
            first_name="Ada",
            tags=tags,
            phones=[PhoneNumber(label=label, number=number) for label, number in numbers],
            emails=[EmailAddress(address=address) for address in ("first@mail.example", "second@mail.example")],
        )
        session.add_all([ada, Person(first_name="Ben", phones=[PhoneNumber(label=FAX, number="+982144440009")])])
        session.commit()
    return made


def asked(site: TestInstallation, path: str, role: str = "user") -> tuple[str, list[str]]:
    """The page, and what the database was asked for it."""
    browser = site.browser(role)
    browser.get(path)
    statements: list[str] = []

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    sa.event.listen(site.runtime.database.engine, "before_cursor_execute", note)
    page = browser.get(path)
    sa.event.remove(site.runtime.database.engine, "before_cursor_execute", note)
    assert page.status_code == 200
    return page.text, [statement for statement in statements if not statement.startswith("BEGIN")]


def test_numbers_addresses_and_tags_come_together_in_their_orders(site: TestInstallation) -> None:
    page, statements = asked(site, LIST)
    assert "tel:+982144440002" in page  # the first that is no fax
    assert "tel:+989121110003" not in page
    assert "tel:+982144440009" in page  # a fax where there is nothing else
    assert "first@mail.example" in page
    assert "second@mail.example" not in page
    shown = [page.index(f">{name}</span>") for name in ("Ant &amp; &lt;b&gt;", "Moth", "Zebra")]
    assert shown == sorted(shown)
    assert 'class="tag tag-rose">Zebra' in page
    # The count, the records, and everything beside them.
    assert len([statement for statement in statements if "contacts_" in statement or "sales_" in statement]) == 3


def test_a_tag_in_the_recycle_bin_is_still_on_the_list_as_on_the_page_of_the_record(site: TestInstallation) -> None:
    from plugins.contacts.models import Person, Tag

    with site.acting() as session:
        session.scalars(sa.select(Tag).where(Tag.name == "Moth")).one().archived_at = now()
        session.commit()
        number = session.scalar(sa.select(Person.id).where(Person.first_name == "Ada"))
    browser = site.browser("user")
    on_page = "Moth" in browser.get(f"{LIST}{number}").text
    assert ("Moth" in browser.get(f"{LIST}?columns=name,tags").text) is on_page


def test_what_the_reader_may_not_see_is_not_counted(site: TestInstallation) -> None:
    from plugins.contacts.models import Company, Person

    owner = site.user("administrator").id
    with site.acting() as session:
        acme = Company(name="Acme")
        hers = Person(first_name="Sly", company=acme, private=True, owner_id=owner)
        session.add_all([acme, Person(first_name="Eve", company=acme), hers])
        session.commit()
    for role, count in (("user", 1), ("administrator", 2)):
        page, _statements = asked(site, "/contacts/company/?columns=name,people", role)
        assert f"<bdi>{count}</bdi>" in page


def test_tags_that_the_reader_may_not_see_are_not_on_the_list(site: TestInstallation) -> None:
    assert "Zebra" in site.browser("user").get(LIST).text
    with site.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "user")).one()
        set_grants(session, role, {"contacts.tag.see": "none"})
        session.commit()
    page = site.browser("user").get(LIST).text
    assert "Ada" in page
    assert "Zebra" not in page


def test_a_list_reads_the_columns_it_shows_and_no_others(site: TestInstallation) -> None:
    _page, statements = asked(site, f"{LIST}?columns=name,city,phone")
    (people,) = [statement for statement in statements if "contacts_contact.city" in statement]
    assert "contacts_contact.job_title" not in people
    assert "contacts_contact.latitude" not in people


@pytest.mark.parametrize("columns", ["name,city,job_title", "name,city,phone", "city,name"])
def test_a_column_is_shown_to_one_reader_and_not_to_the_next_from_whom_it_is_hidden(
    site: TestInstallation, columns: str
) -> None:
    from plugins.contacts.models import Person

    with site.acting() as session:
        session.add(Person(first_name="Eve", city="Ghazvin"))
        session.commit()
    site.grant("short", {"contacts.person.see": "all"}, fields={"contacts.person": {"city": "hidden"}})
    address = f"{LIST}?columns={columns}"
    assert "Ghazvin" in site.browser("user").get(address).text
    for path in (address, LIST):
        page = site.browser("short").get(path).text
        assert "Ghazvin" not in page
    assert "Eve" in site.browser("short").get(f"{LIST}?columns=name").text
    assert "Ghazvin" in site.browser("user").get(address).text


def test_private_people_and_those_in_the_bin_are_on_no_list(site: TestInstallation) -> None:
    from plugins.contacts.models import Person

    owner = site.user("administrator").id
    with site.acting() as session:
        gone = Person(first_name="Gone", archived_at=now())
        session.add_all([Person(first_name="Sly", private=True, owner_id=owner), gone])
        session.commit()
    address = f"{LIST}?columns=name,city"
    assert "Sly" in site.browser("administrator").get(address).text
    page = site.browser("user").get(address).text
    assert "Ada" in page
    assert "Sly" not in page
    assert "Gone" not in page
