"""What all tests share: the fixtures of the test kit, the same that authors of plugins use."""

import gc
import os
import sys
from pathlib import Path

import pytest

pytest_plugins = ["core.testing.plugin"]

if sys.dont_write_bytecode:
    # Whoever asked for this wants no files beside the sources. But tests start hundreds of processes, and without
    # bytecode each compiles fifty thousand lines again; so it is kept where pytest keeps its own.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# Each test leaves a Site, which is one large circle. Looking for circles every few hundred objects took a quarter of
# the suite; memory for some dozens of Sites is cheap.
gc.set_threshold(20_000, 20, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests ask for more time, so that no process waits for one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """From here on what is imported stays, and need not be looked through again."""
    gc.freeze()
