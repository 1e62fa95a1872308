"""Fixtures for tests of the core and of plugins; a pytest plugin, named `core.testing.plugin`.

Servers are started when the first test asks for them, once per process: with pytest-xdist each worker has its own,
which costs half a second and spares the workers each other's locks and connections.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.testing.browser import require_browser
from core.testing.installation import Installations, TestInstallation
from core.testing.scratch import scratch_folder
from core.testing.servers import PostgresServer, RedisServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run; use `create_database` for a database of your own on it."""
    with scratch_folder("postgresql") as folder, PostgresServer(folder) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server for the whole run; a test that uses it empties it first."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def browser_executable() -> Path:
    """The Chromium for browser tests; without one they fail."""
    return require_browser()


@pytest.fixture(scope="session")
def installations(redis_server: RedisServer, request: pytest.FixtureRequest) -> Iterator[Installations]:
    """Makes installations, each set of plugins installed once and copied from then on."""
    with scratch_folder("installations") as folder:
        yield Installations(folder, lambda: request.getfixturevalue("postgres_server"), redis_server.url)


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Each database in turn; a test that takes it runs on both."""
    return str(request.param)


@pytest.fixture
def make_site(installations: Installations) -> Iterator[Callable[..., TestInstallation]]:
    """Call it with names of plugins for an installation with those on; ``dialect`` chooses the database."""
    made: list[TestInstallation] = []

    def make(*plugins: str, dialect: str = "sqlite", **options: Any) -> TestInstallation:
        made.append(installations.make(dialect, plugins, **options))
        return made[-1]

    yield make
    for installation in made:
        installations.remove(installation)
