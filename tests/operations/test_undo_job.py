"""A large operation is undone by a job: whole, resumable, and without a trace in any other table."""

import hashlib
import uuid

import pytest
import sqlalchemy as sa

from core.database.base import METADATA
from core.jobs.models import JOBS, JobRecord
from core.jobs.queue import cancel
from core.records.audit import Audit
from core.records.operations.models import Operation
from core.records.operations.running import operation
from core.records.operations.undoing import undo
from core.records.transfer.inserting import BulkInsert, NewRecord
from core.testing.installation import TestInstallation
from plugins.contacts.models import Person, Tag
from tests.operations.conftest import killed_at, person

MANY = 450
OWN = ("core_audit", "core_event", "core_job", "core_operation", "core_operation_problem", "core_process")


def hashes(installation: TestInstallation) -> dict[str, str]:
    """What every table holds, those that tell of what was done left out."""
    found = {}
    with installation.runtime.database.autocommit() as connection:
        for table in METADATA.sorted_tables:
            if table.name in OWN or not sa.inspect(connection).has_table(table.name):
                continue
            rows = sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def imported(session, count: int = MANY) -> str:
    """People with a phone and a tag, inserted as an import does it; the operation's id."""
    with operation(session, kind="import", record_type="contacts.person", label="people.csv") as op:
        tag = Tag(name="fair")
        session.add(tag)
        session.flush()
        people = [
            NewRecord(
                {"first_name": f"P{n}", "name": f"P{n}", "city": "Yazd"},
                {"tags": [tag]},
                {"phones": [{"number": f"+98912{n:07}", "label": "work"}]},
            )
            for n in range(count)
        ]
        bulk = BulkInsert(session, Person)
        bulk.insert(bulk.admit(people))
    session.commit()
    return op.id


def begin_undo(installation: TestInstallation, op_id: str) -> tuple[str, str]:
    """The ids of the undo and of its job."""
    with installation.acting("user") as session:
        back = undo(session, session.get(Operation, op_id))
        session.commit()
        return back.id, back.job_id


def test_undoing_a_large_import_leaves_every_table_as_it_was(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        session.add(person())
        session.commit()
    before = hashes(crm)
    with crm.acting("user") as session:
        op_id = imported(session)
    assert hashes(crm) != before
    back_id, _job = begin_undo(crm, op_id)
    crm.run_jobs()
    assert hashes(crm) == before
    with crm.acting("user") as session:
        back = session.get(Operation, back_id)
        assert (back.state, back.size, back.skipped) == ("done", MANY + 1, 0)
        assert session.get(Operation, op_id).state == "undone"


def test_the_undo_of_a_large_import_can_be_undone(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        op_id = imported(session)
    back_id, _job = begin_undo(crm, op_id)
    crm.run_jobs()
    begin_undo(crm, back_id)
    crm.run_jobs()
    with crm.acting("user") as session:
        people = session.scalars(sa.select(Person).order_by(Person.id)).all()
        assert len(people) == MANY
        told = {(one.city, len(one.phones), one.phones[0].label, one.tags[0].name) for one in people}
        assert told == {("Yazd", 1, "work", "fair")}
        assert session.get(Operation, op_id).state == "done"


def test_a_cancelled_undo_keeps_what_is_done_and_can_be_finished(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        op_id = imported(session)
    _back, job_id = begin_undo(crm, op_id)
    with crm.acting("user") as session:
        cancel(job_id)
        session.commit()
    with crm.acting("user") as session:
        op = session.get(Operation, op_id)
        again = undo(session, op)
        session.commit()
        assert again.id == op.undone_by
    crm.run_jobs()
    with crm.acting("user") as session:
        assert session.scalar(sa.select(sa.func.count(Person.id))) == 0
        assert session.get(Operation, op_id).state == "undone"


@pytest.mark.timeout(300)
def test_a_bulk_job_killed_again_and_again_changes_each_record_once(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        op_id = imported(session)
    once = uuid.uuid4().hex
    asked = {"action": "edit", "field": "city", "new-city": "Shiraz", "all_matching": "1", "q": ""}
    crm.browser("user").post("/contacts/person/action", data={**asked, "confirmed": "1", "once": once})
    with crm.acting() as session:
        job_id = session.get(Operation, once).job_id
    for statement in (4, 15, 30, 9, 22):
        if not killed_at(crm, statement, job_id):
            break
        with crm.runtime.database.engine.begin() as connection:  # as the sweeper does with a lost run
            connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(status="queued", attempts=0))
    crm.run_jobs()
    with crm.acting() as session:
        op = session.get(Operation, once)
        assert (op.state, op.size, op.skipped) == ("done", MANY, 0)
        assert set(session.scalars(sa.select(Person.city))) == {"Shiraz"}
        changed = sa.select(sa.func.count()).select_from(Audit).where(Audit.operation == once)
        assert session.scalar(changed) == MANY
        assert session.get(Operation, op_id).state == "done"


@pytest.mark.timeout(300)
def test_an_undo_killed_again_and_again_ends_whole_and_does_nothing_twice(crm: TestInstallation) -> None:
    with crm.acting("user") as session:
        session.add(person())
        session.commit()
    before = hashes(crm)
    with crm.acting("user") as session:
        op_id = imported(session)
    back_id, job_id = begin_undo(crm, op_id)
    for statement in (3, 9, 20, 33, 47, 12, 25, 40):
        if not killed_at(crm, statement, job_id):
            break
        with crm.runtime.database.engine.begin() as connection:  # as the sweeper does with a lost run
            connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(status="queued", attempts=0))
    crm.run_jobs()
    assert hashes(crm) == before
    with crm.acting() as session:
        back = session.get(Operation, back_id)
        assert (back.state, back.size, back.skipped) == ("done", MANY + 1, 0)
        purged = sa.select(sa.func.count()).select_from(Audit).where(Audit.operation == back_id)
        assert session.scalar(purged) == MANY + 1
        assert session.get(JobRecord, job_id).status == "done"
