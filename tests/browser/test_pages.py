"""Every page, in both languages, light and dark, wide and narrow: accessible, unblocked and not cut off.

A page is loaded once and looked at four times. Width and theme are a matter of style sheets alone, which is looked at
too (`SCRIPTS`, `THEME_RULES`): so a page that is made narrow is the page that a narrow window loads, and in the dark
nothing but colours has to be looked at again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from core.admin.calendar import date_fields
from core.admin.lanes import lane_fields
from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

AXE = (Path(__file__).resolve().parents[2] / "frontend" / "checks" / "axe.min.js").read_text(encoding="utf-8")
SIZES = {"wide": {"width": 1366, "height": 768}, "narrow": {"width": 390, "height": 844}}
CLOSED = ("/sign-in", "/set-up/unknown", "/forgot", "/reset/unknown", "/invitation/unknown")
PARTS = 2  # so that two processes share the pages of a language
SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "themes" / "nova" / "static" / "js").glob("*.js"))
ASKS_WIDTH = re.compile(r"""matchMedia\([^)]*(?:width|height|orientation)|addEventListener\(\s*["']resize""")
# What a theme's rules set besides variables and colours; nothing of it moves or hides anything.
THEME_RULES = """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
  .filter(rule => rule.selectorText?.includes("data-bs-theme"))
  .flatMap(rule => [...rule.style].map(name => `${rule.selectorText} sets ${name}`))
  .filter(said => !/ sets (--.*|color|color-scheme|filter|background-color|border-.*color)$/.test(said))"""
# The rules of axe about colours, and the one of them that it leaves out unless asked for.
COLOURS, STRICTER = ["color-contrast", "link-in-text-block"], "color-contrast-enhanced"
STYLE_SHEETS = "[...document.styleSheets].map(sheet => sheet.href ?? 'inline').join()"
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
LATIN_DIGIT = re.compile(r"[0-9]")
NAME_OF_LATIN_DIGITS = "123"  # what the profile calls them


def pages(served: ServedInstallation) -> dict[str, int]:
    """Every page a person can reach from the menu, and one of each kind below it, with its status."""
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
        found += [f"{root}/columns", f"{root}/order", f"{root}/views/new"]
        if lane_fields(site.catalog.find(name)):
            found.append(f"{root}/board")
        if date_fields(site.catalog.find(name)):
            found += [f"{root}/calendar?mode={mode}" for mode in ("month", "week", "agenda")]
        if screen.in_menu:
            found.append(f"/import/{name}")
    found += ["/admin/modules/sales/disable", "/admin/modules/contacts/disable"]
    found += ["/admin/users/1", "/admin/users/invitations/", "/admin/mail/server"]
    found += ["/profile/two-step", "/profile/tokens/"]
    found += ["/admin/privacy/rules/", "/admin/privacy/rules/new/contacts.person"]
    kept = dict.fromkeys(path for path in found if not path.startswith("/static"))
    return {path: client.status for path in kept if client.get(path) and client.status in (200, 404)}


@pytest.fixture(scope="module")
def paths(served: ServedInstallation) -> dict[str, int]:
    return dict.fromkeys(CLOSED, 0) | pages(served)


def test_no_script_asks_for_the_size_of_the_window() -> None:
    assert len(SCRIPTS) > 10
    assert [path.name for path in SCRIPTS if ASKS_WIDTH.search(path.read_text(encoding="utf-8"))] == []
    assert ASKS_WIDTH.search('matchMedia("(max-width: 40rem)")')


@pytest.mark.timeout(420)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("language", ["en", "fa"])
def test_every_page_is_accessible_unblocked_and_written_as_its_language_is(
    served: ServedInstallation, chromium: Browser, paths: dict[str, int], language: str, part: int
) -> None:
    context = chromium.new_context(reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": language, "url": served.url}])
    look = Look(Visitor(context, served.url), language)
    asked = list(paths)[part::PARTS]
    assert len(asked) > 20
    for path in asked:
        if path in CLOSED:
            look.at(path)
    look.visitor.sign_in()
    for path in asked:
        if path not in CLOSED:
            look.at(path, paths[path])
    about_colours = look.visitor.page.evaluate("axe.getRules(['cat.color']).map(rule => rule.ruleId)")
    context.close()
    assert look.found == {}
    assert sorted(about_colours) == sorted([*COLOURS, STRICTER])


class Look:
    """A visitor who looks closely; ``found`` is what was wrong with each page."""

    def __init__(self, visitor: Visitor, language: str) -> None:
        self.visitor = visitor
        self.language = language
        self.found: dict[str, list[str]] = {}
        self._known_sheets: set[str] = set()

    def at(self, path: str, status: int = 0) -> None:
        """Open a page and look at it in both themes and sizes."""
        self.visitor.messages.clear()
        self.visitor.page.set_viewport_size(SIZES["wide"])
        page = self.visitor.go(path)
        seen = [f"answers {self.visitor.status}"] if status and self.visitor.status != status else []
        seen += page.evaluate(THEME_RULES)
        seen += misspelt(page) if self.language == "fa" else []
        for size in SIZES:
            page.set_viewport_size(SIZES[size])
            page.evaluate(SETTLED)
            seen += [f"{size} {problem}" for problem in self._problems(page)]
        # A page that answers with an error says so in the console too.
        seen += [said for said in self.visitor.messages if "the server responded with a status of 4" not in said]
        if seen:
            self.found[path] = sorted(set(seen))

    def _problems(self, page: Page) -> list[str]:
        page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
        sheets = page.evaluate(STYLE_SHEETS)
        # Reading the style sheets takes a third of the time, and what is in them is the same on the next page.
        found = problems(page, preload=sheets not in self._known_sheets)
        self._known_sheets.add(sheets)
        page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
        return found + [f"dark {problem}" for problem in problems(page, runOnly=COLOURS)]


def problems(page: Page, **options: Any) -> list[str]:
    """What axe finds, and what sticks out sideways."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **options})
    found = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in result["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
        found.append("the page is wider than the window")
    return found


def misspelt(page: Page) -> list[str]:
    """What keeps a page from being Persian: its direction, and texts with other digits."""
    direction = page.evaluate("document.documentElement.dir")
    texts = page.evaluate(
        """() => { const out = []; const walk = document.createTreeWalker(document.querySelector('main'), 4);
        while (walk.nextNode()) {
          const left = walk.currentNode.parentElement.closest('[dir=ltr],bdi,script,noscript,template,[dir=auto]');
          if (left === null) out.push(walk.currentNode.textContent); }
        return out.filter(t => t.trim()); }"""
    )
    latin = [text.strip() for text in texts if LATIN_DIGIT.search(text) and text.strip() != NAME_OF_LATIN_DIGITS]
    return [f"digits: {text}" for text in latin] + ([] if direction == "rtl" else [f"reads {direction}"])
