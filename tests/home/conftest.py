"""Deals to count: an installation with contacts and sales switched on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from core.testing.installation import Browser, TestInstallation
from plugins.contacts.models import Company, Person
from plugins.sales.models import Deal


@pytest.fixture
def installation(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    """Three open deals in two months of both calendars, one of them in another currency."""
    made = make_site("contacts", "sales", dialect=dialect)
    today = dt.datetime.now(dt.UTC).date()
    with made.acting() as session:
        company = Company(name="Red Kite Machines")
        session.add_all([
            company,
            Person(first_name="Ada", last_name="Secret", private=True),
            Deal(name="Roof", amount=1000, probability=50, currency="USD", expected_close=today, company=company),
            Deal(name="Wall", amount=500, probability=10, currency="USD", expected_close=today),
            Deal(
                name="Door", amount=200, probability=100, currency="EUR",
                expected_close=today + dt.timedelta(days=70),
            ),
        ])  # fmt: skip
        session.commit()
    return made


@pytest.fixture
def browser(installation: TestInstallation) -> Browser:
    """An administrator."""
    return installation.browser("administrator")
