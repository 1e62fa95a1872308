"""What holds of a save through a form holds of a set-based import: rights, validation, hooks, audit, outbox."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.actor import acting, acting_as
from core.errors import Forbidden, ValidationError
from core.jobs.models import QUEUED, JobRecord
from core.records.audit import Audit
from core.records.events import DELIVER, OutboxEvent
from core.records.transfer.checking import CheckedRow, RowOutcome
from core.records.transfer.choices import Choices
from core.records.transfer.inserting import bears_bulk
from core.records.transfer.planning import Planner
from core.records.transfer.targets import target_of
from core.records.transfer.writing import Writer
from core.site.site import current_site
from core.testing.installation import TestInstallation
from plugins.contacts import rules
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber, Tag
from plugins.sales.models import Deal

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", "sales", dialect=dialect)


def write(
    session: Session, rows: list[dict[str, Any]], name: str = "contacts.person", **options: Any
) -> list[RowOutcome]:
    site = current_site()
    target = target_of(site.screens[name], site.catalog.find(name))
    names = list(dict.fromkeys(name for row in rows for name in row))
    checked = [CheckedRow(number, [], row) for number, row in enumerate(rows, start=2)]
    writer = Writer(Planner(session, target, Choices.of(options, target), names))
    return writer.write(writer.draft(checked))


ROW = {
    "first_name": "سارا", "last_name": "کریمی", "city": "شیراز", "job_title": "خریدار", "company": "درنای آبی",
    "tags": ("VIP",), "phones.mobile.number": ("+989120001111",), "emails.1.address": ("s@mail.example",),
}  # fmt: skip


def test_people_are_inserted_together_and_deals_one_by_one(installation: TestInstallation) -> None:
    with installation.acting():
        assert bears_bulk(Person)
        assert not bears_bulk(Deal)


def test_history_event_and_columns_are_those_of_a_save(installation: TestInstallation) -> None:
    user = installation.user("user")
    with installation.acting("user") as session:
        write(session, [ROW])
        company, tag = session.scalars(sa.select(Company)).one(), session.scalars(sa.select(Tag)).one()
        typed = Person(
            first_name="سارا", last_name="کریمی", city="شیراز", job_title="خریدار", company=company, tags=[tag],
            phones=[PhoneNumber(number="09120001111")], emails=[EmailAddress(address="s@mail.example")],
            owner=session.get(type(user), user.id),
        )  # fmt: skip
        session.add(typed)
        session.commit()
        imported, saved = session.scalars(sa.select(Person).order_by(Person.id)).all()
        for column in sa.inspect(Person).column_attrs:
            if column.key not in ("id", "created_at", "updated_at"):
                assert getattr(imported, column.key) == getattr(saved, column.key), column.key

        def told(record: Person) -> dict[str, Any]:
            row = session.scalars(sa.select(Audit).where(Audit.record_type == "contacts.person",
                                                         Audit.record_id == record.id)).one()  # fmt: skip
            changes = {name: pair for name, pair in row.changes.items() if name not in ("phones", "emails")}
            parts = {name: [part["values"] for part in row.changes[name][1]] for name in ("phones", "emails")}
            return {"action": row.action, "actor": row.actor_id, **changes, **parts}

        assert told(imported) == told(saved)
        events = session.scalars(sa.select(OutboxEvent).where(OutboxEvent.record_type == "contacts.person")).all()
        assert [event.name for event in events] == ["contacts.person.created"] * 2
        assert set(events[1].data["fields"]) - set(events[0].data["fields"]) == {"owner"}


def test_only_an_event_that_somebody_wants_to_hear_waits_to_be_delivered(installation: TestInstallation) -> None:
    installation.run_jobs()
    other = installation.user().email
    people = sa.select(sa.func.count()).where(OutboxEvent.record_type == "contacts.person")
    waiting = sa.select(OutboxEvent.record_id).where(OutboxEvent.delivered_at.is_(None))
    queued = sa.select(JobRecord.name).where(JobRecord.status == QUEUED)
    with installation.acting("user") as session:
        write(session, [{"first_name": "Sara"}])  # one's own, and nobody can follow what is new
        session.commit()
        assert session.scalars(waiting).all() == session.scalars(queued).all() == []
        write(session, [{"first_name": "Ali", "owner": other}])
        session.commit()
        ali = session.scalars(sa.select(Person.id).where(Person.first_name == "Ali")).one()
        assert session.scalars(waiting).all() == [ali]
        assert session.scalars(queued).all() == [DELIVER]
        assert session.scalar(people) == 2


def test_whoever_may_not_create_imports_nothing(installation: TestInstallation) -> None:
    with installation.acting("user") as session:
        allowed = [name for name in current_site().grants["user"] if name != "contacts.person.create"]
        with acting_as(replace(acting(), permissions=frozenset(allowed))), pytest.raises(Forbidden):
            write(session, [{"first_name": "Sara"}])
        session.rollback()
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0
        write(session, [{"first_name": "Sara"}])
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


def test_a_hook_that_refuses_one_row_refuses_the_batch_it_is_in(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_ali(record: Any) -> None:
        if isinstance(record, Person) and record.first_name == "Ali":
            raise ValidationError(first_name="No Ali.")

    monkeypatch.setattr(rules, "check", no_ali)
    with installation.acting() as session:
        with pytest.raises(ValidationError), session.begin_nested():
            write(session, [{"first_name": "Sara"}, {"first_name": "Ali"}])
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0


def test_what_a_hook_changes_is_stored_and_told(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settle(record: Any) -> None:
        record.status = "customer"

    monkeypatch.setattr(rules, "check", settle)
    with installation.acting() as session:
        write(session, [{"first_name": "Sara"}])
        session.commit()
        assert session.scalars(sa.select(Person.status)).one() == "customer"
        (told,) = session.scalars(sa.select(Audit).where(Audit.record_type == "contacts.person"))
        assert told.changes["status"] == [None, "customer"]


def test_a_value_that_is_too_long_is_refused(installation: TestInstallation) -> None:
    with installation.acting() as session, pytest.raises(ValidationError):
        write(session, [{"first_name": "x" * 101, "job_title": "y" * 121}])


def test_nobody_links_to_what_he_may_not_see(installation: TestInstallation) -> None:
    owner = installation.user("administrator")
    with installation.acting() as session:
        hidden = Company(name="Hidden", private=True, owner_id=owner.id)
        session.add(hidden)
        session.commit()
        number = hidden.id
    with installation.acting("user") as session:
        rows = [{"first_name": "Sara", "company": "Hidden"}, {"first_name": "Ali", "company": str(number)}]
        outcomes = write(session, rows, create=[])
        assert [outcome.kind for outcome in outcomes] == ["failed", "failed"]
        assert "Hidden" in outcomes[0].reason


def test_nobody_changes_what_he_may_not_see(installation: TestInstallation) -> None:
    owner = installation.user("administrator")
    with installation.acting() as session:
        emails = [EmailAddress(address="s@mail.example")]
        session.add(Person(first_name="Sara", private=True, owner_id=owner.id, emails=emails))
        session.commit()
        number = session.scalars(sa.select(Person.id)).one()
    with installation.acting("user") as session:
        outcomes = write(session, [{"id": number, "city": "Tehran"}], mode="update")
        assert [outcome.kind for outcome in outcomes] == ["failed"]
        rows = [{"emails.1.address": ("s@mail.example",), "city": "Tehran"}]
        assert [outcome.kind for outcome in write(session, rows, mode="update")] == ["skipped"]
        session.commit()
    with installation.acting() as session:
        assert session.scalars(sa.select(Person.city)).one() is None
