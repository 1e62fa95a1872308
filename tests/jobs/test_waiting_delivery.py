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


def test_a_delivery_that_a_save_has_found_waits_for_it(make_site: MakeSite) -> None:
    site = make_site("contacts", dialect="postgresql")
    from plugins.contacts.models import Company

    with site.acting() as session:
        session.add(Company(name="Acme"))
        session.commit()
    with site.acting() as session:
        session.add(Company(name="Best"))
        session.flush()
        assert waiting(site) == 1
        assert waiting(site, claimed=True) == 0
        session.commit()
    assert waiting(site, claimed=True) == 1


def test_what_a_savepoint_found_is_asked_again_after_it_was_taken_back(make_site: MakeSite) -> None:
    site = make_site("contacts", dialect="postgresql")
    from plugins.contacts.models import Company

    with site.acting() as session:
        session.add(Company(name="Acme"))
        session.commit()
    with site.acting() as session:
        session.add(Company(name="Best"))
        session.flush()
        session.rollback()
        forget_deliveries(site)  # a worker took it, and nobody held it
        session.add(Company(name="Case"))
        session.commit()
    assert waiting(site) == 1
    with site.acting() as session:
        nested = session.begin_nested()
        session.add(Company(name="Dear"))
        session.flush()
        nested.rollback()
        forget_deliveries(site)
        session.add(Company(name="Each"))
        session.commit()
    assert waiting(site) == 1
