"""People of one name: whom a row of an import is about, batch after batch."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.records.transfer.checking import CheckedRow
from core.records.transfer.choices import Choices
from core.records.transfer.planning import Planner
from core.records.transfer.targets import target_of
from core.records.transfer.writing import Writer
from core.site.site import current_site
from core.testing.installation import TestInstallation
from plugins.contacts.models import EmailAddress, Person, PhoneNumber

MakeSite = Callable[..., TestInstallation]
Row = dict[str, Any]


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    made = make_site("contacts", dialect=dialect)
    with made.acting() as session:
        session.add_all([
            Person(first_name="Sara", last_name="Karimi", phones=[PhoneNumber(number="09120001111")]),
            Person(first_name="Sara", last_name="Karimi", emails=[EmailAddress(address="sara@mail.example")]),
            Person(first_name="Ali", last_name="Nouri", phones=[PhoneNumber(number="09120002222")]),
        ])  # fmt: skip
        session.commit()
    return made


def named(first: str, last: str, phone: str = "", email: str = "") -> Row:
    row: Row = {"first_name": first, "last_name": last}
    if phone:
        row["phones.mobile.number"] = (phone,)
    if email:
        row["emails.1.address"] = (email,)
    return row


def writer_of(session: Session, **options: Any) -> Writer:
    target = target_of(current_site().screens["contacts.person"], current_site().catalog.find("contacts.person"))
    names = ["first_name", "last_name", "phones.mobile.number", "emails.1.address"]
    return Writer(Planner(session, target, Choices.of(options, target), names))


def fates(writer: Writer, *rows: Row) -> list[str]:
    checked = [CheckedRow(number, [], row) for number, row in enumerate(rows, start=2)]
    return [outcome.kind for outcome in writer.write(writer.draft(checked))]


def test_a_number_of_ones_own_tells_namesakes_apart(installation: TestInstallation) -> None:
    with installation.acting() as session:
        writer = writer_of(session)
        told = fates(
            writer,
            named("Sara", "Karimi", "+989120009999"),  # may be the one without a number
            named("Sara", "Karimi", "", "other@mail.example"),  # may be the one without an address
            named("Sara", "Karimi", "+989120009998", "third@mail.example"),  # has what each of them has
            named("Sara", "Karimi"),
            named("Ali", "Nouri", "+989120009997"),
        )
        assert told == ["skipped", "skipped", "created", "skipped", "created"]


def test_what_an_import_adds_is_known_to_its_next_batches(installation: TestInstallation) -> None:
    with installation.acting() as session:
        writer = writer_of(session)
        assert fates(writer, named("Leila", "Rahimi"), named("Reza", "Amini", "+989120003333")) == ["created"] * 2
        session.commit()
        told = fates(
            writer,
            named("Leila", "Rahimi", "+989120004444"),
            named("Reza", "Amini", "+989120005555"),
            named("Reza", "Amini", "", "reza@mail.example"),
            named("Reza", "Amini", "+989120003333"),
        )
        assert told == ["skipped", "created", "skipped", "skipped"]


def test_what_was_rolled_back_is_forgotten(installation: TestInstallation) -> None:
    with installation.acting() as session:
        writer = writer_of(session)
        assert fates(writer, named("Leila", "Rahimi")) == ["created"]
        session.rollback()
        writer.forget()
        assert fates(writer, named("Leila", "Rahimi", "+989120004444")) == ["created"]


def test_an_import_that_changes_records_looks_every_time(installation: TestInstallation) -> None:
    with installation.acting() as session:
        writer = writer_of(session, mode="both")
        assert fates(writer, named("Sara", "Karimi", "+989120009999")) == ["updated"]
        session.commit()
        assert fates(writer, named("Sara", "Karimi", "+989120009998")) == ["created"], "both have numbers now"


def test_from_the_second_batch_on_the_few_without_a_number_are_all_known(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.add(Person(first_name="Omid", last_name="Rad"))
        session.commit()
        writer = writer_of(session)
        assert fates(writer, named("Leila", "Rahimi", "+989120003333")) == ["created"]
        session.commit()
        assert fates(writer, named("Reza", "Amini", "+989120005555")) == ["created"]  # all are learnt
        session.commit()
        told = fates(
            writer,
            named("Omid", "Rad", "+989120006666"),
            named("Sara", "Karimi", "+989120007777"),
            named("Ali", "Nouri", "+989120008888"),
            named("Reza", "Amini", "+989120009999"),
            named("Mina", "Azar", "", "mina@mail.example"),
        )
        assert told == ["skipped", "skipped", "created", "created", "created"]
        session.commit()
        assert fates(writer, named("Mina", "Azar", "+989120001212")) == ["skipped"]
