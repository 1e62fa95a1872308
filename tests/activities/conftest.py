"""Activities for tests: an installation with contacts and activities switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from core.testing.installation import TestInstallation
from plugins.activities.models import CALL, Activity
from plugins.contacts.models import Person


@pytest.fixture
def installation(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    """An installation with contacts and activities on."""
    return make_site("contacts", "activities")


@pytest.fixture
def work(installation: TestInstallation) -> Iterator[Session]:
    """A unit of work of a user."""
    with installation.acting("user") as session:
        yield session


@pytest.fixture
def person(work: Session) -> Person:
    """A stored person."""
    made = Person(first_name="Leila", last_name="Sadeghi")
    work.add(made)
    work.commit()
    return made


@pytest.fixture
def call(work: Session, person: Person) -> Activity:
    """An open call about the person."""
    made = Activity(kind=CALL, subject="Ask about the quote", about_type="contacts.person", about_id=person.id)
    work.add(made)
    work.commit()
    return made
