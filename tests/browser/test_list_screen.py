"""The list in a browser: walking with keys, looking, folding, choosing columns and widths, changing a cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

PEOPLE = "/contacts/person/?view=all&columns=name,city,job_title,status"


@pytest.fixture
def visit(chromium: Browser, served: ServedInstallation) -> Iterator[Callable[..., Visitor]]:
    """Call it for a visitor in a language, with a wide screen."""
    made = []

    def open_browser(language: str = "en") -> Visitor:
        context = chromium.new_context(locale=language, viewport={"width": 1366, "height": 900})
        made.append(context)
        return Visitor(context, served.url)

    yield open_browser
    for context in made:
        context.close()


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_list_is_used_with_the_keyboard(visit: Callable[..., Visitor], language: str) -> None:
    visitor = visit(language=language)
    visitor.sign_in()
    page = visitor.go(PEOPLE)
    page.keyboard.press("KeyJ")
    page.keyboard.press("KeyJ")
    expect(page.locator("tr.at")).to_have_count(1)
    page.keyboard.press("KeyX")
    expect(page.locator("tr.at [name=rowid]")).to_be_checked()
    page.keyboard.press("Space")
    expect(page.locator("#peek-panel dl")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#peek-panel")).to_be_hidden()
    grip = page.locator("[data-nv-width=city]")
    before = grip.locator("xpath=..").bounding_box()
    assert before is not None
    with page.expect_response("**/widths"):
        grip.press("ArrowRight" if language == "en" else "ArrowLeft")
    page.reload()
    expect(page.locator("th.col-city")).to_have_attribute("data-width", str(round(before["width"]) + 16))
    assert visitor.messages == []


def test_cells_are_saved_by_enter_left_by_escape_and_walked_by_tab(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.go(PEOPLE)
    row = page.locator("tr[data-nv-row]").first
    row.locator("td.col-city .cell-e").click()
    row.locator("td.col-city [name=city]").fill("Nowhere")
    row.locator("td.col-city [name=city]").press("Escape")
    expect(row.locator("td.col-city [name=city]")).to_have_count(0)
    expect(row.locator("td.col-city")).not_to_contain_text("Nowhere")
    row.locator("td.col-city .cell-e").click()
    row.locator("td.col-city [name=city]").fill("Karaj")
    row.locator("td.col-city [name=city]").press("Tab")
    expect(row.locator("td.col-city")).to_contain_text("Karaj")
    row.locator("td.col-job_title [name=job_title]").fill("Pilot")
    row.locator("td.col-job_title [name=job_title]").press("Enter")
    expect(row.locator("td.col-job_title .cell-v")).to_have_text("Pilot")
    assert visitor.messages == []


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_text_longer_than_its_cell_is_cut_at_its_own_end(visit: Callable[..., Visitor], language: str) -> None:
    visitor = visit(language=language)
    visitor.sign_in()
    page = visitor.go(PEOPLE)
    cell = page.locator("td.col-city").first
    for text, direction in (("A city with a long name, " * 3, "ltr"), ("شهری با نامی بسیار بلند، " * 3, "rtl")):
        cell.locator(".cell-e").click()
        cell.locator("[name=city]").fill(text)
        cell.locator("[name=city]").press("Enter")
        expect(cell.locator("bdi")).to_have_text(text.strip())
        cut = cell.evaluate(
            "td => { const text = td.querySelector('bdi'); "
            "const [inside, around] = [text, td].map(part => part.getBoundingClientRect()); "
            "return [getComputedStyle(text).direction, text.scrollWidth > text.clientWidth, "
            "inside.left >= around.left && inside.right <= around.right]; }"
        )
        assert cut == [direction, True, True]
    assert visitor.messages == []


def test_groups_unfold_and_columns_are_chosen_and_kept_as_a_view(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.go("/sales/deal/?group=stage")
    page.locator(".fold").first.click()
    expect(page.locator(".fold-body table").first).to_be_visible()
    visitor.go("/sales/deal/?view=all")
    page.locator("#list-shape [data-nv-modal*=columns]").click()
    form = page.locator("dialog [data-nv-columns]")
    form.locator("[value=next_step][type=checkbox]").uncheck()
    form.locator("[data-nv-move='-1'][value=amount]").click()
    form.locator(".btn-primary").click()
    page.wait_for_url(re.compile("column=name"))
    page.locator("text=Save as a view").click()
    page.fill("[name=name]", "Amounts first")
    page.locator(".form-acts .btn-primary").click()
    expect(page.locator(".view-tabs [aria-current]")).to_have_text("Amounts first")
    expect(page.locator("th.col-next_step")).to_have_count(0)
    expect(page.locator("tfoot .totals")).to_be_visible()
    assert visitor.messages == []


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_list_is_found_again_as_it_was_left(visit: Callable[..., Visitor], language: str) -> None:
    visitor = visit(language=language)
    visitor.sign_in()
    page = visitor.go(f"{PEOPLE}&page_size=50")
    page.locator("#sort-status").click()
    expect(page.locator("th.col-status")).to_have_attribute("aria-sort", "ascending")
    page.locator("#sort-name").click(modifiers=["Shift"])
    expect(page.locator(".sort-n")).to_have_count(2)
    page.locator("#sort-name").press("Shift+Enter")
    page.wait_for_url(re.compile("sort=status%2C-name"))
    expect(page.locator("#sort-name")).to_be_focused()
    rows = page.locator("tr[data-nv-row]")
    for number in (30, 32):
        rows.nth(number).locator("[name=rowid]").check()
    link = rows.nth(34).locator(".rec-link")
    link.scroll_into_view_if_needed()
    place, address, first = page.evaluate("scrollY"), page.url, rows.first.inner_text()
    assert place > 300
    with page.expect_navigation():
        link.click()
    page.go_back()
    expect(page.locator("#action_form [data-nv-selected]")).to_contain_text("2" if language == "en" else "۲")
    expect(rows.nth(32).locator("[name=rowid]")).to_be_checked()
    assert (page.url, rows.first.inner_text()) == (address, first)
    page.wait_for_function("place => Math.abs(scrollY - place) < 3", arg=place)
    assert visitor.messages == []


def test_what_leads_on_from_a_list_follows_its_search(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.sign_in()
    page = visitor.go("/contacts/person/?view=all&page_size=25")
    expect(page.locator("#action_form .bulk-all")).to_contain_text("All 4")
    page.locator("[data-nv-search]").press_sequentially("leo")
    expect(page.locator("#list-count")).not_to_contain_text("4")
    for place in (".head-acts a[href*=export]", ".seg a[href*=board]", "#filter-build", "#list-shape a[href*=columns]"):
        assert "search=leo" in (page.locator(place).get_attribute("href") or ""), place
    # Everything that the list shows is no longer everything there is.
    expect(page.locator("#action_form .bulk-all")).to_have_count(0)
    for screen in ("board", "calendar"):
        visitor.go(f"/sales/deal/{screen}")
        page.locator("[data-nv-search]").press_sequentially("renewal")
        page.wait_for_url(re.compile("search=renewal"))
        assert "search=renewal" in (page.locator("#list-head .seg a").first.get_attribute("href") or "")
    assert visitor.messages == []
