"""What was done as one operation is taken back as one."""

import datetime as dt

import pytest
import sqlalchemy as sa

from core.accounts.actor import acting
from core.errors import Blocked, ValidationError
from core.records.archive import archive
from core.records.audit import Audit
from core.records.note import add_note
from core.records.operations.models import Operation, OperationProblem
from core.records.operations.running import operation
from core.records.operations.undoing import undo
from core.testing.installation import TestInstallation
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber, Tag
from plugins.sales.models import Deal
from tests.operations.conftest import actions, person


def problems(session, op):
    return [row.reason for row in session.scalars(sa.select(OperationProblem).filter_by(operation_id=op.id))]


def undone(session, op, **options):
    session.commit()
    back = undo(session, session.get(Operation, op.id), **options)
    session.commit()
    session.expire_all()
    return back


def test_every_audit_row_inside_an_operation_carries_it(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada, bob = person(), person("Bob")
        session.add_all([ada, bob])
        session.commit()
        with operation(session, kind="edit", record_type="contacts.person", label="City") as op:
            assert acting().operation == op.id
            ada.city = bob.city = "Shiraz"
        session.commit()
        assert acting().operation is None
        assert (op.state, op.size, op.actor_name) == ("done", 2, "User")
        assert actions(session, op.id) == ["changed", "changed"]


def test_an_operation_that_fails_leaves_nothing(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        with pytest.raises(ValidationError), operation(session, kind="edit"):
            session.add(person(status="unheard_of"))
        session.rollback()
        assert session.scalars(sa.select(Operation)).all() == []


def test_values_of_every_kind_come_back(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        acme, other = Company(name="Acme"), Company(name="Other")
        red, blue = Tag(name="red"), Tag(name="blue")
        ada = person(company=acme, birthday=dt.date(1990, 5, 1), tags=[red])
        ada.phones = [PhoneNumber(number="+989121111111"), PhoneNumber(number="+989122222222", label="work")]
        session.add_all([ada, other, blue])
        session.commit()
        first, second = (phone.id for phone in ada.phones)
        with operation(session, kind="edit", record_type="contacts.person") as op:
            ada.company, ada.birthday, ada.city = other, None, "Shiraz"
            ada.tags = [blue]
            ada.phones[0].number = "+989123333333"
            del ada.phones[1]
            ada.emails.append(EmailAddress(address="ada@example.com"))
            session.flush()
            ada.city = "Tabriz"
        back = undone(session, op)
        assert problems(session, back) == []
        assert (ada.company, ada.birthday, ada.city) == (acme, dt.date(1990, 5, 1), None)
        assert [tag.name for tag in ada.tags] == ["red"]
        assert [(phone.id, phone.number, phone.label) for phone in ada.phones] == [
            (first, "+989121111111", "mobile"),
            (second, "+989122222222", "work"),
        ]
        assert ada.emails == []
        assert (op.state, op.undone_by, back.undo_of, back.size) == ("undone", back.id, op.id, 1)

        again = undone(session, back)
        assert problems(session, again) == []
        assert (ada.company, ada.birthday, ada.city) == (other, None, "Tabriz")
        assert [tag.name for tag in ada.tags] == ["blue"]
        assert [phone.number for phone in ada.phones] == ["+989123333333"]
        assert [email.address for email in ada.emails] == ["ada@example.com"]
        assert (op.state, op.undone_by, back.state) == ("done", None, "undone")


def test_a_link_set_by_its_key_comes_back_too(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        acme, other = Company(name="Acme"), Company(name="Other")
        session.add_all([acme, other])
        session.flush()
        ada = person(company_id=acme.id)
        session.add(ada)
        session.commit()
        with operation(session, kind="edit") as op:
            ada.company_id = other.id
        undone(session, op)
        assert ada.company is acme


def test_amounts_and_stages_of_deals_come_back(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        deal = Deal(name="Roof", amount=1200.5, expected_close=dt.date(2027, 1, 2))
        session.add(deal)
        session.commit()
        session.refresh(deal)
        stage, amount = deal.stage, deal.amount
        won = session.scalars(sa.select(type(stage)).where(type(stage).kind == "won")).first()
        with operation(session, kind="edit") as op:
            deal.stage, deal.amount = won, 7
        session.commit()
        assert deal.closed_at is not None
        back = undone(session, op)
        assert problems(session, back) == []
        assert (deal.stage, deal.amount, deal.closed_at, deal.probability) == (stage, amount, None, stage.probability)


def test_what_was_deleted_comes_out_of_the_bin(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        with operation(session, kind="delete") as op:
            archive(ada)
        back = undone(session, op)
        assert ada.archived_at is None
        undone(session, back)
        assert ada.archived_at is not None


def test_a_field_changed_since_is_left_and_told(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada = person(city="Yazd", job_title="Clerk")
        session.add(ada)
        session.commit()
        with operation(session, kind="edit") as op:
            ada.city, ada.job_title = "Shiraz", "Buyer"
        session.commit()
        with crm.acting("administrator") as admin:
            admin.get(Person, ada.id).city = "Kerman"
            admin.commit()
    with crm.acting("user") as session:
        ada = session.scalars(sa.select(Person)).one()
        back = undone(session, op)
        assert (ada.city, ada.job_title) == ("Kerman", "Clerk")
        assert problems(session, back) == ["City was changed since by Administrator and stays as it is."]
        assert session.get(Operation, op.id).state == "partly_undone"


def test_a_field_changed_since_is_put_back_when_the_person_says_so_but_not_a_later_change(
    crm: TestInstallation,
) -> None:
    with crm.acting("user") as session:
        ada, bob = person(city="Yazd"), person("Bob", city="Qom")
        session.add_all([ada, bob])
        session.commit()
        with operation(session, kind="edit") as op:
            ada.city = bob.city = "Shiraz"
        session.commit()
        ada.city = "Kerman"
        session.commit()
        seen = session.scalar(sa.select(sa.func.max(Audit.id)))
        bob.city = "Rasht"
        session.commit()
        undone(session, op, also=True, seen=seen)
        assert (ada.city, bob.city) == ("Yazd", "Rasht")


def test_what_was_changed_and_changed_back_is_no_conflict(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada = person(city="Yazd")
        session.add(ada)
        session.commit()
        with operation(session, kind="edit") as op:
            ada.city = "Shiraz"
        session.commit()
        for city in ("Kerman", "Shiraz"):
            ada.city = city
            session.commit()
        back = undone(session, op)
        assert (ada.city, problems(session, back)) == ("Yazd", [])


def test_what_was_made_is_removed_for_good_unless_something_refers_to_it(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        tag = Tag(name="fair")
        session.add(tag)
        session.commit()
        with operation(session, kind="import", record_type="contacts.person") as op:
            company = Company(name="Acme")
            session.add(company)
            session.flush()
            people = [person(name, company=company, tags=[tag]) for name in ("Ada", "Bob", "Cem", "Dora", "Eli")]
            people[0].phones = [PhoneNumber(number="+989121111111")]
            session.add_all(people)
            session.flush()
            add_note(people[0], "from the file")
        session.commit()
        ada, bob, cem, dora, _eli = people
        session.add(Deal(name="Roof", contact=bob))
        add_note(cem, "called")
        dora.city = "Yazd"
        session.commit()
        numbers = [entry.id for entry in people]
        back = undone(session, op)
        left = session.scalars(sa.select(Person).order_by(Person.id).execution_options(include_archived=True)).all()
        assert [entry.first_name for entry in left] == ["Bob", "Cem", "Dora"]
        assert [entry.archived_at is None for entry in left] == [False, False, True]
        assert session.scalars(sa.select(PhoneNumber)).all() == []
        assert company.archived_at is not None
        assert sorted(problems(session, back)) == [
            "It is in the recycle bin now. It is referred to by: Deals",
            "It is in the recycle bin now. It is referred to by: Notes",
            "It is in the recycle bin now. It is referred to by: People",
            "It was changed since (City) and stays.",
        ]
        again = undone(session, back)
        assert problems(session, again) == []
        ada = session.get(Person, numbers[0])
        assert (ada.name, ada.company.name, ada.phones[0].number) == ("Ada Byron", "Acme", "+989121111111")
        assert [entry.name for entry in ada.tags] == ["fair"]
        assert session.get(Person, numbers[4]).first_name == "Eli"


def test_a_tag_made_by_an_import_stays_while_others_carry_it(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        with operation(session, kind="import") as op:
            tag = Tag(name="fair")
            session.add(tag)
        session.commit()
        ada.tags = [tag]
        session.commit()
        undone(session, op)
        assert [entry.name for entry in ada.tags] == ["fair"]
        assert tag.archived_at is not None


def test_hidden_records_are_left_alone_and_not_told_of(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada, bob = person(city="Yazd"), person("Bob", city="Yazd")
        session.add_all([ada, bob])
        session.commit()
        with operation(session, kind="edit") as op:
            ada.city = bob.city = "Shiraz"
        session.commit()
    boss = crm.user("administrator").id
    with crm.acting("administrator") as session:
        hidden = session.scalars(sa.select(Person).where(Person.first_name == "Bob")).one()
        hidden.private, hidden.owner_id, hidden.created_by_id = True, boss, boss
        session.commit()
    with crm.acting("user") as session:
        session.expunge_all()
        back = undone(session, op)
        assert problems(session, back) == ["It is no longer there, or not yours to see."]
        assert session.scalars(sa.select(Person.city)).all() == ["Yazd"]
    with crm.acting() as session:
        assert sorted(session.scalars(sa.select(Person.city))) == ["Shiraz", "Yazd"]


def test_the_same_operation_is_undone_once(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        with operation(session, kind="edit") as op:
            ada.city = "Shiraz"
        undone(session, op)
        with pytest.raises(Blocked):
            undo(session, session.get(Operation, op.id))
        session.rollback()
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 2
