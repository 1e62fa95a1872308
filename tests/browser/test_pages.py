"""Every page, in both languages, light and dark, wide and narrow: accessible, unblocked and not cut off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from core.admin.calendar import date_fields
from core.admin.lanes import lane_fields
from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

AXE = (Path(__file__).resolve().parents[2] / "frontend" / "checks" / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"wide": {"width": 1366, "height": 768}, "narrow": {"width": 390, "height": 844}}
LATIN_DIGIT = re.compile(r"[0-9]")
NAME_OF_LATIN_DIGITS = "123"  # what the profile calls them


def pages(served: ServedInstallation) -> list[str]:
    """Every page a person can reach from the menu, and one of each kind below it."""
    site = served.runtime.current_site()
    client = served.client()
    home = client.get("/")
    found = ["/", *dict.fromkeys(re.findall(r'<a[^>]+href="(/[^"?#]*)"', home)), "/profile/", "/jobs", "/nothing-here"]
    for name, screen in site.screens.items():
        root = f"/{name.replace('.', '/')}"
        found += [f"{root}/", f"{root}/new", f"{root}/deleted"]
        listed = client.get(f"{root}/")
        first = re.search(rf'href="({re.escape(root)}/\d+)"', listed)
        if first:
            found += [first[1], f"{first[1]}/edit"]
            found.append(f"{first[1]}/peek")
        found += [f"{root}/columns", f"{root}/views/new"]
        if lane_fields(site.catalog.find(name)):
            found.append(f"{root}/board")
        if date_fields(site.catalog.find(name)):
            found += [f"{root}/calendar?mode={mode}" for mode in ("month", "week", "agenda")]
        if screen.in_menu:
            found.append(f"/import/{name}")
    found += ["/admin/modules/sales/disable", "/admin/modules/contacts/disable"]
    found += ["/admin/users/1", "/admin/users/invitations/", "/admin/mail/server", "/profile/two-step"]
    kept = dict.fromkeys(path for path in found if not path.startswith("/static"))
    return [path for path in kept if client.get(path) and client.status in (200, 404)]


def problems(page: Page) -> list[str]:
    """What axe finds, and what sticks out sideways."""
    page.evaluate(AXE)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
        found.append("the page is wider than the window")
    return found


@pytest.mark.timeout(420)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "fa"])
def test_every_page_is_accessible_and_nothing_is_blocked(
    served: ServedInstallation, chromium: Browser, language: str, size: str
) -> None:
    context = chromium.new_context(viewport=SIZES[size], reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": language, "url": served.url}])
    visitor, found = Visitor(context, served.url), {}
    for path in ("/sign-in", "/set-up/unknown", "/forgot", "/reset/unknown", "/invitation/unknown"):
        look(visitor, path, found)
    visitor.sign_in()
    paths = pages(served)
    assert len(paths) > 20
    for path in paths:
        look(visitor, path, found)
    context.close()
    assert found == {}


def look(visitor: Visitor, path: str, found: dict[str, list[str]]) -> None:
    """Open a page and look at it in both themes."""
    visitor.messages.clear()
    page = visitor.go(path)
    seen = []
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.bsTheme = '{theme}'")
        seen += [f"{theme} {problem}" for problem in problems(page)]
    # A page that answers with an error says so in the console too.
    seen += [message for message in visitor.messages if "the server responded with a status of 4" not in message]
    if seen:
        found[path] = sorted(set(seen))


def test_persian_pages_read_from_right_to_left_with_persian_digits(
    served: ServedInstallation, chromium: Browser
) -> None:
    context = chromium.new_context(viewport=SIZES["wide"])
    context.add_cookies([{"name": "peyvand_language", "value": "fa", "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    found = {}
    for path in pages(served):
        page = visitor.go(path)
        assert page.evaluate("document.documentElement.dir") == "rtl"
        texts = page.evaluate(
            """() => { const out = []; const walk = document.createTreeWalker(document.querySelector('main'), 4);
            while (walk.nextNode()) {
              const left = walk.currentNode.parentElement.closest('[dir=ltr],bdi,script,noscript,template,[dir=auto]');
              if (left === null) out.push(walk.currentNode.textContent); }
            return out.filter(t => t.trim()); }"""
        )
        latin = [text.strip() for text in texts if LATIN_DIGIT.search(text) and text.strip() != NAME_OF_LATIN_DIGITS]
        if latin:
            found[path] = latin
    context.close()
    assert found == {}
