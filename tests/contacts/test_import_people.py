"""Files of other programs become people: what is created, filled, skipped and refused."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.audit import Audit
from core.records.events import OutboxEvent
from core.records.note import Note
from core.records.transfer.cells import Conventions
from core.records.transfer.checking import RowOutcome, check_rows
from core.records.transfer.choices import Choices
from core.records.transfer.mapping import likely_date_order, map_columns
from core.records.transfer.planning import Planner
from core.records.transfer.readers import open_table
from core.records.transfer.targets import target_of
from core.records.transfer.writing import Writer
from core.site.site import current_site
from core.testing.installation import TestInstallation
from plugins.contacts.importing import alike, split_name
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber

MakeSite = Callable[..., TestInstallation]
SAMPLES = Path(__file__).parents[1] / "transfer" / "samples"


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


FILL = {"mode": "both", "existing": "fill"}
COMPANIES = "contacts.company"


def bring(session: Session, path: Path, name: str = "contacts.person", **options: str) -> list[RowOutcome]:
    """Import a file the way the wizard maps it by itself."""
    site = current_site()
    target = target_of(site.screens[name], site.catalog.find(name))
    table = open_table(path)
    mapping = map_columns(table.header, target)
    rows = [cells for _number, cells in table.rows()]
    conventions = Conventions.of({"date_order": likely_date_order(rows, mapping, target), **options})
    checked = list(check_rows(table.rows(), table.header, target, mapping, conventions))
    good = [row for row in checked if not row.problems]
    writer = Writer(Planner(session, target, Choices.of(options, target), [*mapping.values()]))
    outcomes = writer.write(writer.draft(good))
    session.commit()
    return outcomes


def person(session: Session, last_name: str) -> Person:
    return session.scalars(sa.select(Person).where(Person.last_name == last_name)).one()


def phones(contact: Any) -> Mapping[str, str]:
    return {row.number: row.label for row in contact.phones}


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_row_has_its_own_numbers_and_history_whatever_the_order_of_names(
    installation: TestInstallation, tmp_path: Path
) -> None:
    names = ["Zoe", "Ann", "Mia", "Bea"]
    lines = [f"{name},Row,+98912111000{place}" for place, name in enumerate(names)]
    path = table(tmp_path, "\n".join(["First name,Last name,Phone", *lines, ""]))
    with installation.acting() as session:
        outcomes = bring(session, path)
        for place, (name, outcome) in enumerate(zip(names, outcomes, strict=True)):
            found = session.get_one(Person, outcome.record_id)
            assert (found.first_name, [*phones(found)]) == (name, [f"+98912111000{place}"])
            told = session.scalars(sa.select(Audit).where(Audit.record_id == found.id)).one()
            assert told.changes["first_name"] == [None, name]


def test_google_contacts_of_today(installation: TestInstallation) -> None:
    with installation.acting() as session:
        outcomes = bring(session, SAMPLES / "google_contacts_new.csv", region="GB")
        assert [outcome.kind for outcome in outcomes] == ["created"] * 3
        maya = person(session, "Northwind")
        assert (maya.name, maya.job_title, str(maya.company)) == ("Maya Rose Northwind", "Buyer", "Blue Heron Trading")
        assert phones(maya) == {"+447700900123": "mobile", "+442079460018": "work", "+442079460019": "work"}
        assert {row.address: row.label for row in maya.emails} == {
            "maya@blueheron.example": "work", "maya@mail.example": "home",
        }  # fmt: skip
        assert str(maya.addresses[0]) == "4 Mill Lane, Ashford, Kent, AB1 2CD, United Kingdom"
        assert (maya.city, str(maya.birthday)) == ("Ashford", "1988-02-29")
        assert [tag.name for tag in maya.tags] == ["Suppliers"]
        note = session.scalars(sa.select(Note).where(Note.record_id == maya.id)).one()
        assert note.body == "Met at the fair.\nLikes tea."
        assert person(session, "رودباری‌فر").birthday is None
        assert session.scalars(sa.select(Person.name).where(Person.last_name.is_(None))).one() == "nobody@mail.example"


def test_google_contacts_of_old_and_outlook(installation: TestInstallation) -> None:
    with installation.acting() as session:
        bring(session, SAMPLES / "google_contacts_old.csv")
        henry = person(session, "Oakhurst")
        assert phones(henry) == {"+4915123456789": "mobile", "+4930123456": "work"}
        assert (str(henry.company), [tag.name for tag in henry.tags]) == ("Copper Kettle Foods", ["Trade fair"])
        bring(session, SAMPLES / "outlook.csv", region="US")
        clara = person(session, "Fairmoor")
        assert str(clara.birthday) == "1990-05-21"
        assert phones(clara) == {
            "+19375550199": "mobile", "+19375550100": "work", "+19375550170": "home", "+19375550150": "fax",
        }  # fmt: skip
        places = [(row.label, row.street) for row in clara.addresses]
        assert places == [("work", "7 Station Road"), ("home", "12 Garden Street")]
        assert sorted(tag.name for tag in clara.tags) == ["Newsletter", "VIP"]
        assert person(session, "Thornbury").birthday is None


def test_persian_files_of_excel(installation: TestInstallation) -> None:
    with installation.acting() as session:
        outcomes = bring(session, SAMPLES / "persian_windows_1256.csv")
        assert len(outcomes) == 2  # the third row has a short number, half an address and a day that is not
        ali = person(session, "کوهستانی")
        assert (ali.first_name, ali.status, str(ali.birthday)) == ("علی رضا", "prospect", "1990-05-21")
        assert phones(ali) == {"+989120001111": "mobile", "+982155501234": "work"}
        bring(session, SAMPLES / "excel_unicode.txt")
        baran = person(session, "آسمانی‌پور")
        assert (baran.first_name, str(baran.birthday)) == ("باران", "1991-03-21")
        assert str(baran.company) == "ترابری جادهٔ کهربا"
        assert person(session, "سپهر").first_name == "مهرگانی"
        bring(session, SAMPLES / "people.xlsx")
        assert phones(person(session, "Larkspur")) == {"+989120005555": "mobile"}


def test_the_same_file_twice_adds_nothing(installation: TestInstallation) -> None:
    with installation.acting() as session:
        for name in ("outlook.csv", "google_contacts_new.csv", "excel_unicode.txt", "people.xlsx"):
            bring(session, SAMPLES / name)
            again = bring(session, SAMPLES / name)
            assert {outcome.kind for outcome in again} == {"skipped"}, name
            assert all(outcome.reason for outcome in again)
            filled = bring(session, SAMPLES / name, **FILL)
            assert {outcome.kind for outcome in filled} == {"skipped"}, name


def test_rows_of_one_file_about_one_person_become_one(installation: TestInstallation, tmp_path: Path) -> None:
    text = "name,mobile,email,city\nSara Karimi,09120001111,,Shiraz\nSara Karimi,09120001111,s@mail.example,\n"
    with installation.acting() as session:
        outcomes = bring(session, table(tmp_path, text), **FILL)
        assert [outcome.kind for outcome in outcomes] == ["created", "doubled"]
        sara = person(session, "Karimi")
        assert ([row.address for row in sara.emails], sara.city) == (["s@mail.example"], "Shiraz")


def test_blank_fields_are_filled_and_others_kept(installation: TestInstallation, tmp_path: Path) -> None:
    with installation.acting() as session:
        known = Person(first_name="Sara", last_name="Karimi", city="Shiraz", phones=[PhoneNumber(number="09120001111")])
        session.add(known)
        session.commit()
        text = "first name,last name,mobile,phone,city,job title,company,tags,notes\n"
        text += "S.,Karimi,09120001111,02155501234,Tehran,Buyer,Blue Heron,VIP,Called\n"
        (outcome,) = bring(session, table(tmp_path, text), **FILL)
        assert (outcome.kind, outcome.record_id) == ("updated", known.id)
        session.refresh(known)
        assert (known.name, known.city, known.job_title) == ("Sara Karimi", "Shiraz", "Buyer")
        assert str(known.company) == "Blue Heron"
        assert phones(known) == {"+989120001111": "mobile", "+982155501234": "work"}
        changed = session.scalars(sa.select(Audit).where(Audit.record_id == known.id, Audit.action == "changed")).one()
        assert changed.changes["job_title"] == [None, "Buyer"]


def test_people_who_share_an_office_or_a_name_stay_apart(installation: TestInstallation, tmp_path: Path) -> None:
    text = "name,phone,mobile\n"
    text += "Sara Karimi,02155501234,09120001111\nAli Moradi,02155501234,09120002222\n"  # one office
    text += "Sara Karimi,,09120003333\n"  # another Sara, with a number of her own
    text += "Sara Karimi,,\n"  # nothing tells this one apart
    with installation.acting() as session:
        outcomes = bring(session, table(tmp_path, text))
        assert [outcome.kind for outcome in outcomes] == ["created", "created", "created", "doubled"]


def test_a_company_is_created_once_in_any_spelling(installation: TestInstallation, tmp_path: Path) -> None:
    names = ("نرم‌افزار فانوس", "نرم افزار فانوس", "نرم‌افزار فانوس")
    text = "نام,شرکت,موبایل\n" + "".join(f"الف,{name},0912000000{n}\n" for n, name in enumerate(names))
    with installation.acting() as session:
        session.add(Company(name="نرم افزار فانوس"))
        session.commit()
        bring(session, table(tmp_path, text))
        company = session.scalars(sa.select(Company)).one()
        people = session.scalars(sa.select(Person)).all()
        assert [row.company_id for row in people] == [company.id] * 3


def test_companies_are_known_by_name(installation: TestInstallation, tmp_path: Path) -> None:
    text = "نام شرکت,وب‌سایت,تلفن,شهر\nدرنای آبی,heron.example,02155501234,تهران\nدرناي آبي,,02155509999,\n"
    with installation.acting() as session:
        outcomes = bring(session, table(tmp_path, text), COMPANIES, **FILL)
        assert [outcome.kind for outcome in outcomes] == ["created", "doubled"]
        company = session.scalars(sa.select(Company)).one()
        assert (company.website, company.city) == ("https://heron.example", "تهران")
        assert len(company.phones) == 2


def test_every_record_stands_in_the_history_and_the_outbox(installation: TestInstallation, tmp_path: Path) -> None:
    text = "name,email,company\nSara Karimi,sara@mail.example,Blue Heron\nAli Moradi,ali@mail.example,Blue Heron\n"
    user_id = installation.user("user").id
    with installation.acting("user") as session:
        bring(session, table(tmp_path, text))
        created = session.scalars(sa.select(Audit).where(Audit.action == "created")).all()
        people = [row for row in created if row.record_type == "contacts.person"]
        assert len(people) == 2
        assert people[0].actor_id == user_id
        (told,) = people[0].changes["emails"][1]
        values = {"label": "work", "address": "sara@mail.example"}
        assert told == {"id": None, "name": "sara@mail.example", "values": values}
        assert not {"name_key", "name_sort", "search_text", "kind"} & set(people[0].changes)
        events = session.scalars(sa.select(OutboxEvent.name).order_by(OutboxEvent.id)).all()
        assert sorted(events) == ["contacts.company.created", *["contacts.person.created"] * 2]
        sara = person(session, "Karimi")
        assert (sara.owner_id, sara.created_by_id, sara.version) == (user_id, user_id, 1)
        assert "sara@mail example" in sara.search_text


def test_imported_and_typed_records_are_kept_alike(installation: TestInstallation, tmp_path: Path) -> None:
    """What the gate fills in on a save is what the import fills in."""
    text = "first name,last name,mobile,email,city,job title\nسارا,کریمی,09120001111,s@mail.example,شیراز,خریدار\n"
    with installation.acting() as session:
        bring(session, table(tmp_path, text))
        imported = person(session, "کریمی")
        typed = Person(
            first_name="سارا", last_name="کریمی", city="شیراز", job_title="خریدار",
            phones=[PhoneNumber(number="09120001111")], emails=[EmailAddress(address="s@mail.example")],
        )  # fmt: skip
        session.add(typed)
        session.commit()
        for column in ("name", "name_key", "name_sort", "search_text", "status", "kind"):
            assert getattr(imported, column) == getattr(typed, column), column


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("Karimi, Sara", ("Sara", "Karimi")),
        ("Mary Ann Applewood", ("Mary Ann", "Applewood")),
        ("سارا صادقی نژاد", ("سارا", "صادقی نژاد")),
        ("Cher", ("Cher", None)),
    ],
)
def test_whole_names_are_cut_where_their_language_cuts_them(whole: str, parts: tuple[str, str | None]) -> None:
    assert split_name(whole) == parts


def test_names_agree_when_one_has_no_word_the_other_lacks() -> None:
    assert alike("علي كريمي", "علی‌ کریمی")
    assert alike("Karimi", "Sara Karimi")
    assert not alike("Ali Karimi", "Sara Karimi")
