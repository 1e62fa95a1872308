"""Three users, and records to tell them of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.accounts import users
from core.accounts.models import User
from core.testing.installation import PASSWORD, Browser, TestInstallation
from plugins.contacts.models import Person


class Office:
    """An installation with contacts and activities, and people who work in it."""

    def __init__(self, installation: TestInstallation) -> None:
        self.installation = installation
        with installation.acting() as work:
            for name in ("sara", "omid"):
                users.create_user(work, f"{name}@example.com", name.title(), PASSWORD)
            work.commit()

    def id_of(self, name: str) -> int:
        """The id of a user."""
        if name == "administrator":
            return self.installation.user(name).id
        with self.installation.acting() as work:
            return work.query(User.id).filter_by(email=f"{name}@example.com").scalar()  # type: ignore[no-any-return]

    def browser(self, name: str) -> Browser:
        """A signed-in client."""
        browser = Browser(self.installation.application)
        browser.get("/sign-in")
        browser.post("/sign-in", data={"email": f"{name}@example.com", "password": PASSWORD})
        browser.get("/profile/")
        return browser

    def person(self, **values: object) -> int:
        """The id of a stored person."""
        with self.installation.acting("administrator") as work:
            made = Person(**{"first_name": "Leila", "last_name": "Sadeghi", **values})
            work.add(made)
            work.commit()
            return made.id


@pytest.fixture
def office(make_site: Callable[..., TestInstallation], dialect: str) -> Office:
    """The office on each database in turn."""
    return Office(make_site("contacts", "activities", dialect=dialect))


@pytest.fixture
def small_office(make_site: Callable[..., TestInstallation]) -> Office:
    """The office on SQLite, where the database makes no difference."""
    return Office(make_site("contacts", "activities"))
