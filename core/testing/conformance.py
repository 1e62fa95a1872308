"""What every plugin must keep to, as a pytest plugin.

    python -m pytest -p core.testing.conformance --plugin-conformance fleet

runs the suite over a plugin that is installed, by its name, or over one in a folder, by the folder's path. The option
may be given several times; nothing but the suite runs then.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["core.testing.plugin"]
pytest.register_assert_rewrite("core.testing.conformance_checks")

CHECKS = Path(__file__).with_name("conformance_checks.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--plugin-conformance``."""
    parser.addoption(
        "--plugin-conformance",
        action="append",
        default=[],
        metavar="NAME",
        help="run the conformance suite over this plugin: its name, or the folder it lies in",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Run the suite and nothing else when the option is given."""
    if config.getoption("plugin_conformance"):
        config.args = [f"{CHECKS}::TestPlugin"]
