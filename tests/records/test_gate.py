"""Nothing is read or written past the session: rights, cleaning, validation, history, events."""

import datetime as dt
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.actor import NOBODY, acting_as
from core.accounts.models import now
from core.errors import Forbidden, ValidationError
from core.jobs.models import JobRecord
from core.jobs.queue import enqueue
from core.records.archive import archive, restore
from core.records.audit import Audit
from core.records.events import KEPT, OutboxEvent
from core.records.note import add_note
from core.records.timeline import StoryQuery, tell
from core.testing.installation import TestInstallation
from core.web.old_news import REMOVE_OLD_NEWS

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def contacts(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


def person(**values: object) -> object:
    from plugins.contacts.models import Person

    return Person(**{"first_name": "Ada", "last_name": "Byron", **values})


def test_nobody_sees_and_writes_nothing(contacts: TestInstallation) -> None:
    from plugins.contacts.models import Person

    with contacts.acting("user") as session:
        session.add(person())
        session.commit()
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 1
    with contacts.acting() as session, acting_as(NOBODY):
        assert session.scalars(sa.select(Person)).all() == []
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0
        session.add(person(first_name="Eve"))
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
    with contacts.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


def test_a_save_leaves_history_authorship_and_an_event(contacts: TestInstallation) -> None:
    with contacts.acting("user") as session:
        ada = person(job_title="Analyst")
        session.add(ada)
        session.commit()
        ada.job_title = "Engineer"
        session.commit()
        assert ada.created_by_id == ada.updated_by_id == contacts.user("user").id
        assert ada.version == 2
        record = ada.id
    with contacts.acting() as session:
        rows = session.scalars(sa.select(Audit).where(Audit.record_id == record).order_by(Audit.id)).all()
        assert [row.action for row in rows] == ["created", "changed"]
        assert rows[1].changes == {"job_title": ["Analyst", "Engineer"]}
        assert rows[1].actor_name == "User"
        events = session.scalars(sa.select(OutboxEvent.name).order_by(OutboxEvent.id)).all()
        assert events == ["contacts.person.created", "contacts.person.updated"]
        waiting = session.scalars(sa.select(JobRecord.name)).all()
        assert waiting == ["core.deliver_events"]


def test_a_rolled_back_save_leaves_nothing(contacts: TestInstallation) -> None:
    with contacts.acting("user") as session:
        session.add(person())
        session.flush()
        session.rollback()
    with contacts.acting() as session:
        for model in (Audit, OutboxEvent, JobRecord):
            # That the module was installed is no work of the user.
            own = Audit.record_id.is_not(None) if model is Audit else sa.true()
            assert session.scalar(sa.select(sa.func.count()).select_from(model).where(own)) == 0


def test_what_was_typed_is_cleaned_and_what_cannot_be_is_refused_by_field(contacts: TestInstallation) -> None:
    from plugins.contacts.models import EmailAddress, PhoneNumber

    with contacts.acting("user") as session:
        good = person(first_name="  علي  ", last_name="كريمي")
        good.phones = [PhoneNumber(number="۰۹۱۲ ۳۴۵ ۶۷۸۹")]
        session.add(good)
        session.commit()
        assert good.first_name == "علی"
        assert good.phones[0].number == "+989123456789"
        bad = person(first_name="x" * 500, status="unheard_of")
        bad.emails = [EmailAddress(address="not an address")]
        session.add(bad)
        with pytest.raises(ValidationError) as refused:
            session.commit()
        assert {"first_name", "status", "emails"} <= set(refused.value.errors)
        session.rollback()


def test_changing_a_part_is_changing_the_whole(contacts: TestInstallation) -> None:
    from plugins.contacts.models import Person, PhoneNumber

    with contacts.acting("user") as session:
        ada = person()
        ada.phones = [PhoneNumber(number="+989121111111")]
        session.add(ada)
        session.commit()
        ada.phones[0].number = "+989122222222"
        session.commit()
        assert ada.version == 2
        ada_id = ada.id
        last = session.scalars(sa.select(Audit).where(Audit.record_id == ada_id).order_by(Audit.id.desc())).first()
        assert last is not None
        assert "phones" in last.changes
    with contacts.acting() as session, acting_as(NOBODY):
        phone = session.scalars(sa.select(PhoneNumber)).one()
        phone.number = "+989123333333"
        with pytest.raises(Forbidden):
            session.commit()
        session.rollback()
        assert session.get(Person, ada_id) is None


def test_delete_goes_to_the_recycle_bin_and_comes_back(contacts: TestInstallation) -> None:
    from plugins.contacts.models import Person

    with contacts.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        archive(ada)
        session.commit()
        assert session.scalars(sa.select(Person)).all() == []
        found = session.scalars(sa.select(Person).execution_options(include_archived=True)).one()
        restore(found)
        session.commit()
        assert session.scalars(sa.select(Person)).one() is ada
        actions = session.scalars(sa.select(Audit.action).where(Audit.record_id == found.id).order_by(Audit.id)).all()
        assert actions == ["created", "deleted", "restored"]


def test_mass_statements_past_the_unit_of_work_are_refused(contacts: TestInstallation) -> None:
    from plugins.contacts.models import Person

    with contacts.acting("administrator") as session:
        session.add(person())
        session.commit()
        for statement in (sa.delete(Person), sa.update(Person).values(job_title="x")):
            with pytest.raises(Forbidden):
                session.execute(statement)
            session.rollback()


def test_a_write_from_an_older_version_is_refused(contacts: TestInstallation) -> None:
    from plugins.contacts.models import Person

    with contacts.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        table = Person.__table__
        with contacts.runtime.database.engine.begin() as other:
            other.execute(sa.update(table).where(table.c.id == ada.id).values(version=table.c.version + 1))
        ada.job_title = "Late"
        with pytest.raises(StaleDataError):
            session.commit()
        session.rollback()


def test_the_story_of_a_record_holds_notes_and_changes_newest_first(contacts: TestInstallation) -> None:
    with contacts.acting("user") as session:
        ada = person()
        session.add(ada)
        session.commit()
        ada.job_title = "Engineer"
        session.commit()
        add_note(ada, "  Prefers morning calls.  ")
        session.commit()
        story = tell(StoryQuery(records={"contacts.person": [ada.id]}, limit=10), nullcontext).entries
        assert [entry.kind for entry in story] == ["note", "change", "event"]
        assert story[0].body == "Prefers morning calls."
        (change,) = story[1].context["changes"]
        assert (change["name"], change["new"]) == ("job_title", "Engineer")
        with pytest.raises(ValidationError):
            add_note(ada, "   ")


def test_search_columns_follow_the_record(contacts: TestInstallation) -> None:
    from core.text import fold
    from plugins.contacts.models import Person

    with contacts.acting("user") as session:
        session.add(person(first_name="علی‌رضا", last_name="كريمي"))
        session.commit()
        found = session.scalars(sa.select(Person).where(Person.search_text.contains(fold("کریمی")))).all()
        assert len(found) == 1


def test_events_reach_plugins_once_after_the_commit(contacts: TestInstallation) -> None:
    with contacts.acting("user") as session:
        session.add(person())
        session.commit()
    assert contacts.run_jobs() == 1
    with contacts.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).where(OutboxEvent.delivered_at.is_(None))) == 0
    assert contacts.run_jobs() == 0


def test_a_type_one_may_not_see_is_hidden_behind_its_base_class_too(contacts: TestInstallation) -> None:
    from dataclasses import replace

    from plugins.contacts.models import Company, Contact

    with contacts.acting("user") as session:
        session.add_all([person(), Company(name="Initech")])
        session.commit()
    actor = contacts.actor("user")
    blind = replace(actor, permissions=actor.permissions - {"contacts.person.see"})
    with contacts.acting() as session, acting_as(blind):
        assert [str(found) for found in session.scalars(sa.select(Contact))] == ["Initech"]


@pytest.mark.parametrize("way", ["the record", "its key"])
def test_nobody_points_a_record_at_one_that_is_hidden_from_him(contacts: TestInstallation, way: str) -> None:
    from core.accounts import users
    from core.accounts.actor import Actor
    from plugins.contacts.models import Company

    with contacts.acting("user") as session:
        hidden, known = Company(name="Hidden", private=True), Company(name="Known")
        session.add_all([hidden, known])
        session.commit()
        hidden_id, known_id = hidden.id, known.id
    with contacts.acting() as session:
        other = users.create_user(session, "other@example.com", "Other", None)
        session.commit()
        stranger = Actor(other.id, "Other", frozenset({"user"}), contacts.site.grants["user"])
        secret = session.get(Company, hidden_id)
        with acting_as(stranger):
            ada = person(company_id=known_id)
            session.add(ada)
            session.commit()
            if way == "its key":
                ada.company_id = hidden_id
            else:
                ada.company = secret
            with pytest.raises(Forbidden):
                session.commit()
            session.rollback()
    with contacts.acting() as session:
        from plugins.contacts.models import Person

        assert session.scalars(sa.select(Person.company_id)).all() == [known_id]


def test_events_that_everybody_heard_long_ago_are_removed_but_for_the_newest(contacts: TestInstallation) -> None:
    long_ago, lately = now() - KEPT - dt.timedelta(days=1), now() - dt.timedelta(days=1)
    with contacts.acting() as session:
        session.execute(sa.delete(OutboxEvent))
        for number, moment in enumerate([long_ago, None, long_ago, lately, long_ago]):
            session.add(OutboxEvent(name="toy.made", record_id=number, data={}, delivered_at=moment))
            session.flush()
        enqueue(REMOVE_OLD_NEWS)
        session.commit()
    contacts.run_jobs()
    with contacts.acting() as session:
        assert session.scalars(sa.select(OutboxEvent.record_id).order_by(OutboxEvent.id)).all() == [1, 3, 4]
