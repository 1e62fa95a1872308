"""A served installation with sample records, and a browser that notices every console message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_babel import force_locale
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from core.accounts.actor import as_system
from core.testing.installation import PASSWORD, Installations
from core.testing.serving import ServedInstallation

FLAGS = ("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="session")
def chromium(browser_executable: Path) -> Iterator[Browser]:
    """The browser; its contexts are the tests' own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_executable), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, installations: Installations) -> Iterator[ServedInstallation]:
    """Contacts, Activities and Sales with their sample records, served as a user would."""
    folder = tmp_path_factory.mktemp("browser") / "instance"
    installations.database("sqlite", ("contacts", "activities", "sales"), folder)
    with ServedInstallation(folder) as installation:
        site = installation.runtime.current_site()
        with site.app.test_request_context(), as_system("sample records"), force_locale("en"):
            session = installation.runtime.database.session()
            for _plugin, add in site.hooks.each("demo_data", session=session):
                add()
                session.commit()
        installation.client()  # makes the administrator
        yield installation


class Visitor:
    """A person at a browser; ``messages`` is everything the console complained about, ``status`` that of the page.

    Args:
        context: with its size and language set.
        url: of the installation.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.messages: list[str] = []
        self.status = 0
        self.page.on(
            "console", lambda said: self.messages.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))

    def go(self, path: str) -> Page:
        """Open a page and wait until it has settled."""
        answer = self.page.goto(self.url + path, wait_until="load")
        self.status = answer.status if answer else 0
        return self.page

    def sign_in(self, email: str = "administrator@example.com", password: str = PASSWORD) -> None:
        """Through the form."""
        self.go("/sign-in")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(self.url + "/")


@pytest.fixture(params=["en", "fa"])
def visitor(request: pytest.FixtureRequest, served: ServedInstallation, chromium: Browser) -> Iterator[Visitor]:
    """Somebody signed in, in each language."""
    context = chromium.new_context(viewport={"width": 1366, "height": 900}, reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": request.param, "url": served.url}])
    made = Visitor(context, served.url)
    made.sign_in()
    made.messages.clear()
    yield made
    context.close()
