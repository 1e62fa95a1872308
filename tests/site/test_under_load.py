"""A plugin is switched 20 times while people read and write: nobody notices, and every process follows."""

from pathlib import Path

import pytest

from core.testing.flipping import EXPECTED, flip
from core.testing.installation import Installations
from core.testing.serving import ServedInstallation

FLIPS = 20
FOLLOW_WITHIN = 3.0  # seconds, promised in the issue that this test came from


@pytest.mark.timeout(300)
def test_no_request_fails_while_a_plugin_is_switched(tmp_path: Path, installations: Installations) -> None:
    url = installations.database("postgresql", ("contacts", "sales"), tmp_path)
    with ServedInstallation(tmp_path / "instance", database_url=url) as served:
        flips = flip(served, "sales", FLIPS)
        kinds = sorted(name.split()[0] for name in served.generations())
    assert kinds == ["scheduler", "web", "web", "worker"]
    assert flips.failed(EXPECTED) == {}
    assert flips.answers["write", 302] > 0
    assert len(flips.converged) == FLIPS
    assert flips.slowest < FOLLOW_WITHIN
