"""Batches that are planned while the one before them is written: what they may not know yet, and what they must."""

import io
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.records.transfer import running
from core.records.transfer.models import ImportRun
from core.testing.installation import TestInstallation
from plugins.contacts.models import Company, Person

MakeSite = Callable[..., TestInstallation]
START = "/import/contacts.person"


@pytest.fixture
def installation(make_site: MakeSite, dialect: str, monkeypatch: pytest.MonkeyPatch) -> TestInstallation:
    monkeypatch.setattr(running, "BATCH", 4)
    return make_site("contacts", dialect=dialect)


def bring_in(installation: TestInstallation, *lines: str) -> ImportRun:
    """Import the lines of a file whose columns are named in the first one; its counts."""
    browser = installation.browser("user")
    browser.get(START)
    content = "\n".join(lines).encode()
    sent = {"file": (io.BytesIO(content), "people.csv")}
    answer = browser.post(START, data=sent, content_type="multipart/form-data")
    assert browser.post(f"{answer.location.removesuffix('/columns')}/run").status_code == 303
    installation.run_jobs()
    with installation.acting() as session:
        run = session.scalars(sa.select(ImportRun).order_by(ImportRun.id.desc())).first()
        assert run is not None
        assert run.status == "done"
        return run


def names(installation: TestInstallation) -> list[str]:
    with installation.acting() as session:
        return sorted(session.scalars(sa.select(Person.name)))


def test_a_row_is_told_from_the_batch_that_is_not_committed_yet(installation: TestInstallation) -> None:
    first = [f"Ada {n},+98912000000{n},ada{n}@mail.example" for n in range(4)]
    same = ["Ada One,+989120000001,", "Ada 2,,ADA2@mail.example", "Ada 3,,", "Ben,+989120000009,"]
    later = ["Ben Two,+989120000009,", "Ada 0,,", "Ben,,", "Cem,,"]
    run = bring_in(installation, "Name,Phone,E-mail", *first, *same, *later)
    assert names(installation) == ["Ada 0", "Ada 1", "Ada 2", "Ada 3", "Ben", "Cem"]
    assert (run.created_count, run.skipped_count + run.doubled_count) == (6, 6)


def test_what_a_refused_batch_would_have_brought_keeps_nobody_away(installation: TestInstallation) -> None:
    with installation.acting() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(sa.text("CREATE TRIGGER no_ben BEFORE INSERT ON contacts_contact WHEN NEW.name = 'Ben' "
                                    "BEGIN SELECT RAISE(ABORT, 'no Ben'); END"))  # fmt: skip
        else:
            session.execute(sa.text("ALTER TABLE contacts_contact ADD CONSTRAINT no_ben CHECK (name <> 'Ben')"))
        session.commit()
    lines = ["Ada,+989120000001", "Ben,+989120000002", "Cem,+989120000003", "Dan,+989120000004",
             "Ben Two,+989120000002", "Ada Two,+989120000001", "Eve,+989120000005", "Fay,+989120000006",
             "Ben Three,+989120000002", "Eve Two,+989120000005", "Gil,", "Hal,",
             "Gil,", "Ivy,"]  # fmt: skip
    run = bring_in(installation, "Name,Phone", *lines)
    assert names(installation) == ["Ada", "Ben Two", "Cem", "Dan", "Eve", "Fay", "Gil", "Hal", "Ivy"]
    assert (run.created_count, run.failed_count, run.skipped_count + run.doubled_count) == (9, 1, 4)


def test_a_missing_company_is_made_once_for_all_batches(installation: TestInstallation) -> None:
    lines = [f"Ada {n},{'Acme' if n < 9 else 'Bolt'}" for n in range(18)]
    run = bring_in(installation, "Name,Company", *lines)
    assert run.created_count == 18
    with installation.acting() as session:
        made = {company.id: company.name for company in session.scalars(sa.select(Company))}
        assert sorted(made.values()) == ["Acme", "Bolt"]
        counted = sa.select(Person.company_id, sa.func.count()).group_by(Person.company_id)
        assert {made[number or 0]: count for number, count in session.execute(counted)} == {"Acme": 9, "Bolt": 9}


def test_the_thread_that_plans_leaves_no_connection_open(installation: TestInstallation) -> None:
    pool = installation.runtime.database.engine.pool
    before = pool.checkedout()  # type: ignore[attr-defined]
    bring_in(installation, "Name", *(f"Ada {n}" for n in range(9)))
    assert pool.checkedout() == before  # type: ignore[attr-defined]
