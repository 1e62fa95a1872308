"""A record in the toy application, and somebody who attaches files to it."""

import shutil

import pytest

from tests.admin.conftest import browser, config, shared_toys, toys
from tests.admin.toy_site import Toys

__all__ = ["browser", "config", "shared_toys", "toys"]


@pytest.fixture(autouse=True)
def _no_files(request: pytest.FixtureRequest) -> None:
    """The shared application begins every test without a file, as it begins without a record."""
    if "toys" in request.fixturenames:
        shared: Toys = request.getfixturevalue("toys")
        shutil.rmtree(shared.site.runtime.config.attachments, ignore_errors=True)
