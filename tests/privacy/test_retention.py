"""Rules of retention and erasures in the background: looked at first, done once, and by nobody who may not."""

import datetime as dt

import pytest
import sqlalchemy as sa

from core.accounts.models import User, now
from core.jobs.models import JOBS
from core.jobs.queue import cancel, enqueue
from core.records.archive import archive
from core.records.audit import Audit
from core.records.operations.models import Operation, OperationProblem
from core.records.operations.running import operation
from core.records.privacy.models import Hold, RetentionRule
from core.web.retention_runs import APPLY_RULES
from tests.operations.conftest import killed_at

RULES = "/admin/privacy/rules/"
DEALS = "#sales.deal.contact"
# Not changed for a thousand days, and no open deal.
DRAFT = {
    "c.j": "all",
    "c.0.f": "updated_at", "c.0.b": "updated_at", "c.0.o": "lt", "c.0.m": "before", "c.0.v": "1000",
    "c.1.f": DEALS, "c.1.b": DEALS, "c.1.o": "eq", "c.1.v": "0",
}  # fmt: skip


@pytest.fixture
def site(make_site, dialect):
    return make_site("contacts", "sales", dialect=dialect)


@pytest.fixture
def people(site):
    """The ids of people by what becomes of them: three go, the others have a reason to stay."""
    from plugins.contacts.models import Person
    from plugins.sales.models import Deal

    names = ("gone1", "gone2", "gone3", "fresh", "busy", "held", "binned")
    with site.acting("administrator") as session:
        made = {name: Person(first_name="Sara", last_name=name) for name in names}
        session.add_all(made.values())
        session.flush()
        session.add(Deal(name="Chairs", contact=made["busy"]))
        archive(made["binned"])
        session.commit()
        ids = {name: person.id for name, person in made.items()}
        old = now() - dt.timedelta(days=1500)
        aged = sa.update(Person.__table__).where(Person.__table__.c.id != ids["fresh"])
        session.connection().execute(aged.values(updated_at=old))
        session.add(Hold(record_type="contacts.person", record_id=ids["held"], reason="A case is open"))
        session.commit()
        return ids


def save(browser, way="anonymise", **more):
    """Make a rule in the browser; its page."""
    form = {"name": "Old ones", "way": way, "do": "save", **DRAFT, **more}
    answer = browser.post(f"{RULES}new/contacts.person", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def apply(site):
    """Let a day pass."""
    with site.acting() as session:
        session.execute(sa.update(RetentionRule).values(last_run_at=now() - dt.timedelta(days=1)))
        enqueue(APPLY_RULES)
        session.commit()
    site.run_jobs()


def names(site):
    from plugins.contacts.models import Person

    with site.acting() as session:
        asked = sa.select(Person).order_by(Person.id).execution_options(include_archived=True)
        return [str(person).replace("Sara ", "") for person in session.scalars(asked).unique()]


def text(browser, path):
    return browser.get(path).get_data(as_text=True)


def test_a_rule_shows_what_it_would_do_and_does_it_once_it_is_on(site, people):
    before = names(site)
    browser = site.browser("administrator")
    page = save(browser)
    html = text(browser, page)
    assert "<b>4</b> People" in html
    assert all(f"Sara {name}" in html for name in ("gone1", "gone2", "gone3", "held"))
    assert not any(f"Sara {name}" in html for name in ("fresh", "busy", "binned"))
    assert "It is held and must be kept: A case is open" in html
    apply(site)
    assert names(site) == before  # it is off

    assert browser.post(f"{page}/on").status_code == 303
    apply(site)

    gone = [f"Anonymised person {people[name]}" for name in ("gone1", "gone2", "gone3")]
    assert names(site) == [*gone, "fresh", "busy", "held", "binned"]
    with site.acting() as session:
        op = session.scalars(sa.select(Operation)).one()
        assert (op.kind, op.state, op.size, op.skipped, op.actor_name) == ("erasure", "done", 3, 1, "Administrator")
        problem = session.scalars(sa.select(OperationProblem)).one()
        assert (problem.record_id, "A case is open" in problem.reason) == (people["held"], True)
        acts = list(session.scalars(sa.select(Audit.action).where(Audit.operation == op.id).order_by(Audit.id)))
        assert acts.count("personal_data_erased") == 3
    report = text(browser, f"/operations/{op.id}")
    assert "A case is open" in report
    assert "/undo" not in report
    assert f"/operations/{op.id}" in text(browser, page)
    audited = text(browser, "/admin/audit/?kind=core.retention_rule")
    assert "switched a rule of retention on" in audited
    assert "Old ones" in audited
    apply(site)
    with site.acting() as session:
        later = session.scalars(sa.select(Operation).order_by(Operation.started_at.desc())).first()
        assert (later.size, later.skipped) == (0, 1)  # only the held one is looked at again


def test_a_rule_that_erases_takes_the_recycle_bin_too(site, people):
    browser = site.browser("administrator")
    browser.post(f"{save(browser, 'erase')}/on")
    apply(site)
    assert names(site) == ["fresh", "busy", "held"]


def test_who_was_erased_is_done_again_only_after_a_change(site, people):
    from plugins.contacts.models import Person

    browser = site.browser("administrator")
    anybody = {"c.0.f": "first_name", "c.0.b": "first_name", "c.0.o": "not_empty", "c.0.m": "", "c.0.v": ""}
    browser.post(f"{save(browser, **anybody)}/on")
    apply(site)
    with site.acting("administrator") as session:
        session.get(Person, people["gone1"]).first_name = "Sara"
        session.commit()
    apply(site)
    with site.acting() as session:
        assert [op.size for op in session.scalars(sa.select(Operation).order_by(Operation.started_at))] == [4, 1]


def test_a_changed_rule_is_off_and_a_whole_one_is_asked_for(site, people):
    browser = site.browser("administrator")
    page = save(browser)
    browser.post(f"{page}/on")
    form = {"name": "Others", "way": "erase", "do": "save", **DRAFT}
    assert browser.post(f"{page}/edit", data=form).status_code == 303
    with site.acting() as session:
        rule = session.scalars(sa.select(RetentionRule)).one()
        assert (rule.name, rule.way, rule.active) == ("Others", "erase", False)
    for wrong in ({"name": ""}, {"way": "burn"}, {"c.0.v": ""}):
        assert browser.post(f"{RULES}new/contacts.person", data={**form, **wrong}).status_code == 422
    everybody = {"name": "All", "way": "erase", "do": "save", "c.j": "all"}
    assert browser.post(f"{RULES}new/contacts.person", data=everybody).status_code == 422
    assert browser.post(f"{page}/delete").status_code == 303
    with site.acting() as session:
        assert session.scalars(sa.select(RetentionRule)).all() == []


def test_a_rule_runs_with_the_rights_of_who_switched_it_on(site, people):
    browser = site.browser("administrator")
    page = save(browser)
    browser.post(f"{page}/on")
    with site.acting() as session:
        session.execute(sa.update(User).values(active=False))
        session.commit()
    before = names(site)
    apply(site)
    assert names(site) == before
    with site.acting() as session:
        assert session.scalars(sa.select(RetentionRule.problem)).one() == "owner"
        session.execute(sa.update(User).values(active=True))
        session.commit()
    browser = site.browser("administrator")
    assert "Somebody else must switch it on again" in text(browser, page)
    browser.post(f"{page}/on")
    apply(site)
    assert names(site) != before


def test_only_who_may_manage_personal_data_reaches_the_rules(site, people):
    page = save(site.browser("administrator"))
    browser = site.browser("user")
    form = f"{RULES}new/contacts.person"
    for path in (RULES, page, f"{page}/edit", form, f"{RULES}lookup/contacts.person?name=tags"):
        assert browser.get(path).status_code == 404
    for path in (f"{page}/on", f"{page}/delete"):
        assert browser.post(path).status_code == 404
    with site.acting() as session:
        assert session.scalars(sa.select(RetentionRule.active)).all() == [False]


@pytest.mark.timeout(300)
def test_a_run_that_is_killed_again_and_again_erases_each_person_once(site, people):
    browser = site.browser("administrator")
    browser.post(f"{save(browser)}/on")
    begin_run(site)
    with site.acting() as session:
        job_id = session.scalars(sa.select(Operation.job_id)).one()
    for statement in (10, 45, 60, 30, 75):
        if not killed_at(site, statement, job_id):
            break
        with site.runtime.database.engine.begin() as connection:  # as the sweeper does with a lost run
            connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(status="queued", attempts=0))
    site.run_jobs()
    with site.acting() as session:
        op = session.scalars(sa.select(Operation)).one()
        assert (op.state, op.size, op.skipped) == ("done", 3, 1)
        erased = sa.select(Audit.record_id).where(Audit.action == "personal_data_erased").order_by(Audit.id)
        assert list(session.scalars(erased)) == [people[name] for name in ("gone1", "gone2", "gone3")]


def begin_run(site):
    """Let the rules begin their runs, and nothing more."""
    from core.web.retention_runs import apply_rules

    class Silent:
        def report(self, *_):
            pass

    with site.acting():
        apply_rules(Silent())


def test_a_hold_is_placed_with_a_reason_and_lifted(site, people):
    from core.records.operations.removing import remove_records
    from plugins.contacts.models import Person

    browser = site.browser("administrator")
    person = people["gone1"]
    page = f"/admin/privacy/contacts.person/{person}"
    assert browser.post(f"{page}/hold", data={"reason": " "}).status_code == 422
    assert browser.post(f"{page}/hold", data={"reason": "Tax until 2030"}).status_code == 303
    html = text(browser, f"{page}/erase/erase")
    assert "It is held and must be kept: Tax until 2030" in html
    form = {"name": "Sara gone1", "version": "1"}
    assert browser.post(f"{page}/erase/erase", data=form).status_code == 422
    with site.acting("administrator") as session:
        # The recycle bin does not lose it either.
        assert remove_records(session, [session.get(Person, person)], operation=None)[person].endswith("Hold")
        session.rollback()
    assert browser.post(f"{page}/hold/lift").status_code == 303
    assert browser.post(f"{page}/erase/erase", data=form).status_code == 303
    assert "held the record of" in text(browser, "/admin/audit/")


def test_a_hold_lasts_through_a_merge(site, people):
    from core.records.duplicates.merging import merge
    from plugins.contacts.models import Person

    with site.acting("administrator") as session:
        into, held = session.get(Person, people["gone1"]), session.get(Person, people["held"])
        with operation(session, kind="merge", record_type="contacts.person", label=""):
            merge(session, into, [held], {})
        session.commit()
    page = f"/admin/privacy/contacts.person/{people['gone1']}/erase/erase"
    assert "A case is open" in text(site.browser("administrator"), page)


@pytest.fixture
def talkative(site, people):
    """A person about whom more than 200 rows are held."""
    from core.records.note import Note

    about = {"record_type": "contacts.person", "record_id": people["gone1"]}
    with site.acting("administrator") as session:
        session.add_all(Note(body=f"note {number}", **about) for number in range(210))
        session.commit()
    return people["gone1"]


def erase(browser, number, version="1"):
    """Confirm the erasure; the page of its operation."""
    page = f"/admin/privacy/contacts.person/{number}/erase/erase"
    html = text(browser, page)
    assert "It is about 212 rows." in html
    assert "in the background" in html
    answer = browser.post(page, data={"name": "Sara gone1", "version": version})
    assert answer.status_code == 303
    return answer.location


def test_a_large_erasure_is_a_job_with_a_result_and_tells_no_name(site, talkative):
    from core.records.note import Note

    browser = site.browser("administrator")
    page = erase(browser, talkative)
    assert "gone1" in names(site)
    site.run_jobs()
    assert "gone1" not in names(site)
    html = text(browser, page)
    assert "Erasure of personal data" in html
    assert "gone1" not in html
    with site.acting() as session:
        assert session.scalar(sa.select(sa.func.count(Note.id))) == 0
        op = session.scalars(sa.select(Operation)).one()
        assert (op.state, op.size, op.skipped) == ("done", 1, 0)


def test_a_large_erasure_can_be_cancelled_and_looks_at_the_version(site, talkative):
    from plugins.contacts.models import Person

    browser = site.browser("administrator")
    erase(browser, talkative)
    with site.acting("administrator") as session:
        cancel(session.scalars(sa.select(Operation.job_id)).one())
        session.commit()
    site.run_jobs()
    assert "gone1" in names(site)
    erase(browser, talkative)
    with site.acting("administrator") as session:
        session.get(Person, talkative).city = "Yazd"
        session.commit()
    site.run_jobs()
    assert "gone1" in names(site)
    with site.acting() as session:
        reasons = list(session.scalars(sa.select(OperationProblem.reason)))
    assert reasons == ["Somebody changed this record meanwhile. Look once more at what would be erased."]
