"""An installation with contacts and deals, on each database."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.records.audit import Audit
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def crm(make_site: MakeSite, dialect: str) -> TestInstallation:
    """Contacts and Sales are on."""
    return make_site("contacts", "sales", dialect=dialect)


def person(first: str = "Ada", **values: object) -> object:
    """A person who is not stored yet."""
    from plugins.contacts.models import Person

    return Person(**{"first_name": first, "last_name": "Byron", **values})


def actions(session: object, operation: str) -> list[str]:
    """What the audit rows of an operation say, oldest first."""
    return list(session.scalars(sa.select(Audit.action).where(Audit.operation == operation).order_by(Audit.id)))
