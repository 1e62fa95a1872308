"""A save asks for the delivery of its events, unless one waits already, which then waits for the save as well."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.jobs.models import JOBS, QUEUED
from core.records.events import DELIVER
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
WAITING = sa.select(JOBS.c.id).where(JOBS.c.name == DELIVER, JOBS.c.status == QUEUED)


@pytest.fixture
def site(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


def waiting(site: TestInstallation, *, claimed: bool = False) -> int:
    """How many deliveries wait, as another connection sees them; ``claimed`` are those that a worker could take now."""
    statement = WAITING.with_for_update(skip_locked=True) if claimed else WAITING
    with site.runtime.database.engine.connect() as other:
        return len(other.execute(statement).all())


def forget_deliveries(site: TestInstallation) -> None:
    with site.runtime.database.engine.begin() as other:
        other.execute(sa.delete(JOBS).where(JOBS.c.name == DELIVER))


def test_saves_after_each_other_ask_for_one_delivery(site: TestInstallation) -> None:
    from plugins.contacts.models import Company

    for name in ("Acme", "Best", "Case"):
        with site.acting() as session:
            session.add(Company(name=name))
            session.commit()
        assert waiting(site) == 1
    forget_deliveries(site)
    with site.acting() as session:
        session.scalars(sa.select(Company).where(Company.name == "Acme")).one().city = "Tabriz"
        session.commit()
    assert waiting(site) == 1


@pytest.fixture
def waited_for(make_site: MakeSite) -> TestInstallation:
    """PostgreSQL, where a delivery waits for the company that was saved."""
    from plugins.contacts.models import Company

    made = make_site("contacts", dialect="postgresql")
    with made.acting() as session:
        session.add(Company(name="Acme"))
        session.commit()
    return made


def test_a_delivery_waits_for_a_save_from_its_commit_on_and_no_sooner(waited_for: TestInstallation) -> None:
    from plugins.contacts.models import Company

    free: list[int] = []
    with waited_for.acting() as session:
        sa.event.listen(session, "before_commit", lambda _session: free.append(waiting(waited_for, claimed=True)))
        session.add(Company(name="Best"))
        session.flush()
        free.append(waiting(waited_for, claimed=True))
        session.add(Company(name="Case"))
        session.commit()
    assert free == [1, 0]
    assert waiting(waited_for, claimed=True) == 1


def test_what_was_found_before_a_rollback_is_asked_again(waited_for: TestInstallation) -> None:
    from plugins.contacts.models import Company

    with waited_for.acting() as session:
        with session.begin_nested():
            session.add(Company(name="Best"))
        session.rollback()
        forget_deliveries(waited_for)  # a worker took it, and nobody held it
        session.add_all([Company(name="Case"), Company(name="Dear")])
        session.commit()
    assert waiting(waited_for) == 1
