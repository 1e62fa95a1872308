"""The toy application, new for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.config import Config
from tests.admin.toys import Browser, Toys


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An empty installation on SQLite."""
    return Config.load({"PEYVAND_INSTANCE": str(tmp_path)})


@pytest.fixture
def toys(config: Config) -> Iterator[Toys]:
    """The toy application."""
    application = Toys(config)
    yield application
    application.database.dispose()


@pytest.fixture
def browser(toys: Toys) -> Browser:
    """A browser in front of the toy application."""
    return toys.browser()
