"""Fixtures for tests of the core and of plugins; a pytest plugin, named `core.testing.plugin`.

Servers are started when the first test asks for them, once per process: with pytest-xdist each worker has its own,
which costs half a second and spares the workers each other's locks and connections.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.testing.browser import require_browser
from core.testing.servers import PostgresServer, RedisServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole run; use `create_database` for a database of your own on it."""
    with PostgresServer() as server:
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
