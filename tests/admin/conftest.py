"""The toy application: one per database for all tests, emptied before each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config
from core.testing.servers import PostgresServer, create_database
from tests.admin.toy_site import Browser, Toys


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An empty installation on SQLite, for a test that builds an application of its own."""
    return Config.load({"PEYVAND_INSTANCE": str(tmp_path)})


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_toys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toys]:
    """The application that ``toys`` empties, on each database."""
    settings = {"PEYVAND_INSTANCE": str(tmp_path_factory.mktemp("toys"))}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        settings["PEYVAND_DATABASE_URL"] = create_database(server)
    application = Toys(Config.load(settings))
    yield application
    application.database.dispose()


@pytest.fixture
def toys(shared_toys: Toys) -> Toys:
    """The toy application without a record in it."""
    shared_toys.empty()
    return shared_toys


@pytest.fixture
def browser(toys: Toys) -> Browser:
    """A browser in front of the toy application."""
    return toys.browser()
