"""People, companies and tags in the database, through the real Site."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core import ValidationError
from core.database.migrations import differences
from core.records.duplicates.candidates import like_typed
from core.testing.installation import TestInstallation
from plugins.contacts.models import Address, Company, Contact, EmailAddress, Person, PhoneNumber, Tag, name_key
from plugins.contacts.screens import PERSON_SCREEN
from plugins.contacts.services import main_emails, main_phones, people_counts, tagged_counts

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


def test_the_migration_makes_what_the_models_map(installation: TestInstallation) -> None:
    with installation.runtime.database.engine.connect() as connection:
        assert differences(connection, "contacts") == []


def test_postgresql_gets_a_trigram_index(make_site: MakeSite) -> None:
    with make_site("contacts", dialect="postgresql").runtime.database.engine.connect() as connection:
        names = {index["name"] for index in sa.inspect(connection).get_indexes("contacts_contact")}
    assert "ix_contacts_contact_search_text_trgm" in names


def test_a_persons_name_follows_first_and_last(installation: TestInstallation) -> None:
    with installation.acting() as session:
        person = Person(first_name=" علي رضا", last_name="كريمي")
        session.add(person)
        session.flush()
        assert (person.name, str(person)) == ("علی رضا کریمی", "علی رضا کریمی")
        person.last_name = "مهرگانی"
        session.flush()
        assert person.name == "علی رضا مهرگانی"
        assert person.name_key == name_key("عليرضا مهرگاني")
        assert "مهرگانی" in person.search_text


def test_a_contact_needs_a_name(installation: TestInstallation) -> None:
    with installation.acting() as session:
        for record, field in ((Person(job_title="Buyer"), "first_name"), (Company(name="  "), "name")):
            session.add(record)
            with pytest.raises(ValidationError) as refused:
                session.flush()
            assert field in refused.value.errors
            session.rollback()


def test_people_and_companies_share_a_table_and_stay_apart(installation: TestInstallation) -> None:
    with installation.acting() as session:
        company = Company(name="Blue Heron")
        session.add(Person(first_name="Ada", company=company))
        session.flush()
        session.expire_all()
        assert [str(row) for row in session.scalars(sa.select(Person))] == ["Ada"]
        assert [str(row) for row in session.scalars(sa.select(Company))] == ["Blue Heron"]
        assert session.scalars(sa.select(Person)).one().company is company
        assert session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 2


def test_parts_go_with_their_contact_and_numbers_are_stored_in_one_form(installation: TestInstallation) -> None:
    with installation.acting() as session:
        person = Person(first_name="Ada", phones=[PhoneNumber(number="۰۹۱۲ ۰۰۰ ۱۱۱۱")])
        person.emails = [EmailAddress(address="Ada@Mail.example")]
        person.addresses = [Address(street="4 Mill Lane", city="Ashford")]
        session.add(person)
        session.commit()
        assert [row.number for row in person.phones] == ["+989120001111"]
        assert "09120001111" in person.search_text
        session.delete(person)
        session.commit()
        for part in (PhoneNumber, EmailAddress, Address):
            assert session.scalar(sa.select(sa.func.count()).select_from(part)) == 0


def test_a_company_that_goes_leaves_its_people(installation: TestInstallation) -> None:
    with installation.acting() as session:
        person = Person(first_name="Ada", company=Company(name="Blue Heron"))
        session.add(person)
        session.commit()
        session.delete(person.company)
        session.commit()
        session.expire_all()
        assert session.scalars(sa.select(Person)).one().company is None


def test_there_is_one_tag_of_a_name(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.add(Tag(name="مشتري ويژه"))
        session.commit()
        session.add(Tag(name="مشتری‌ ویژه"))
        with pytest.raises(ValidationError) as refused:
            session.commit()
        assert "name" in refused.value.errors


def test_computed_columns_cost_one_query_each(installation: TestInstallation) -> None:
    with installation.acting() as session:
        company = Company(name="Blue Heron")
        tag = Tag(name="VIP")
        people = [
            Person(
                first_name=f"Ada {n}", company=company, tags=[tag],
                phones=[PhoneNumber(label="fax", number="0215550100"), PhoneNumber(number=f"091200011{n:02d}"),
                        PhoneNumber(number="02155501234")],
                emails=[EmailAddress(address=f"a{n}@mail.example"), EmailAddress(address="z@mail.example")],
            )
            for n in range(5)
        ]  # fmt: skip
        session.add_all(people)
        session.commit()
        queries = []

        def count(*arguments: object) -> None:
            queries.append(arguments[2])

        sa.event.listen(session.get_bind(), "before_cursor_execute", count)
        phones, emails = main_phones(people), main_emails(people)
        counts, tagged = people_counts([company]), tagged_counts([tag])
        sa.event.remove(session.get_bind(), "before_cursor_execute", count)
        assert len([query for query in queries if query.startswith("SELECT")]) == 4
        assert phones[people[3].id] == "+989120001103"
        assert emails[people[3].id] == "a3@mail.example"
        assert (counts, tagged) == ({company.id: 5}, {tag.id: 5})
        assert main_phones([]) == {}


def test_duplicates_are_found_by_address_number_and_name_in_any_spelling(installation: TestInstallation) -> None:
    with installation.acting() as session:
        ali = Person(first_name="علی‌رضا", last_name="کریمی", phones=[PhoneNumber(number="09120001111")])
        sara = Person(first_name="Sara", emails=[EmailAddress(address="sara@mail.example")])
        session.add_all([ali, sara, Company(name="Sara")])
        session.commit()

        def found(**typed: str) -> list[tuple[int, str]]:
            values = {key.replace("__", "-"): value for key, value in typed.items()}
            return [(hit.record.id, hit.reasons[0]) for hit in like_typed(session, PERSON_SCREEN, values)]

        assert found(first_name="عليرضا", last_name="كريمي") == [(ali.id, "Has the same name.")]
        assert found(phones__0__number="۰۹۱۲ ۰۰۰ ۱۱۱۱", first_name="A")[0][0] == ali.id
        assert "sara@mail.example" in found(emails__2__address=" Sara@Mail.example ")[0][1]
        assert found(first_name="S", phones__0__number="0912") == []
        assert like_typed(session, PERSON_SCREEN, {"first_name": "sara"}, record_id=sara.id) == []
