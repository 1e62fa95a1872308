"""A file of thousands of rows, brought in through the wizard and taken back by a job, leaves nothing behind."""

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa

from core.records.operations.models import Operation
from core.testing.installation import TestInstallation
from plugins.activities.models import Activity
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber
from tests.transfer.test_choices import bring, counts, hashes, last_run

KNOWN, ROWS = 40, 2_000


def file_of_people() -> str:
    """The known people with another city and number, and many new ones, in new companies."""
    head = "First name,Last name,Email,City,Company,Tags,Mobile\n"
    return head + "".join(
        f'P{n},L,p{n}@mail.example,Yazd,Company {n % 50},"VIP, T{n % 3}",0912{n:07d}\n' for n in range(ROWS)
    )


def test_an_import_of_thousands_undone_leaves_every_table_as_it_was(make_site: Callable[..., TestInstallation]) -> None:
    installation = make_site("contacts", "activities")
    with installation.acting() as session:
        emails = [[EmailAddress(address=f"p{n}@mail.example")] for n in range(KNOWN)]
        people = [Person(first_name=f"P{n}", last_name="L", city="Shiraz", emails=emails[n]) for n in range(KNOWN)]
        session.add_all(people)
        session.flush()
        for person in people:
            about = {"about_type": "contacts.person", "about_id": person.id}
            session.add(Activity(subject="Call back", due=dt.date(2026, 12, 1), **about))
        session.commit()
    browser = installation.browser("user")
    installation.run_jobs()
    before = hashes(installation)
    bring(installation, file_of_people(), mode="both")
    run = last_run(installation)
    assert counts(run) == (ROWS - KNOWN, KNOWN, 0, 0, 0)
    changed = {name for name, content in hashes(installation).items() if content != before[name]}
    assert {"contacts_contact", "contacts_phone", "contacts_email"} <= changed
    assert "activities_activity" not in changed
    with installation.acting() as session:
        assert session.scalar(sa.select(sa.func.count(PhoneNumber.id))) == ROWS
        assert session.scalar(sa.select(sa.func.count(Company.id))) == 50
    assert browser.get(f"/operations/{run.operation_id}/undo").status_code == 200
    assert browser.post(f"/operations/{run.operation_id}/undo").status_code == 303
    installation.run_jobs()
    after = hashes(installation)
    assert {name for name in before if after[name] != before[name]} == set()
    with installation.acting() as session:
        assert session.get_one(Operation, run.operation_id).state == "undone"
