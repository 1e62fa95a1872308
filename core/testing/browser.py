"""Finding the browser that tests drive: the system's, else the one Playwright downloads."""

import os
import shutil
from pathlib import Path

from core.errors import StartError

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")


def find_browser() -> Path | None:
    """Path of a Chromium that is installed, or None. PEYVAND_TEST_BROWSER, when set, names it."""
    named = os.environ.get("PEYVAND_TEST_BROWSER")
    if named:
        return Path(named)
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    downloaded = _downloaded()
    return downloaded if downloaded is not None and downloaded.exists() else None


def require_browser() -> Path:
    """The same, for tests that need one: they fail without, because a test that skips tells nothing.

    Raises `StartError` saying how to get one.
    """
    found = find_browser()
    if found is None or not os.access(found, os.X_OK):
        raise StartError("No Chromium for browser tests; run python -m scripts.browser, or set PEYVAND_TEST_BROWSER.")
    return found


def _downloaded() -> Path | None:
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            return Path(playwright.chromium.executable_path)
    except Error:
        return None
