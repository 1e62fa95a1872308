"""The page of a record in a browser, and the same without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

COMPANY = "/contacts/company/1"


@pytest.fixture
def page(served: ServedInstallation, chromium: Browser) -> Iterator[Page]:
    """The page of a company, in English."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": "en", "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    yield visitor.go(COMPANY)
    assert [said for said in visitor.messages if "status of 4" not in said] == []
    context.close()


def test_a_note_is_drafted_mentions_and_is_saved_by_keyboard(page: Page) -> None:
    page.fill("#note-body", "Half a thought")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#note-body")).to_have_value("Half a thought")
    page.fill("#note-body", "")
    page.locator("#note-body").press_sequentially("Ask @adm")
    expect(page.locator("[data-nv-mentions] button")).to_have_text("Administrator")
    page.keyboard.press("Enter")
    expect(page.locator("#note-body")).to_have_value("Ask @Administrator ")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.locator(".tl-text", has_text="Ask @Administrator")).to_be_visible()
    expect(page.locator("#note-body")).to_have_value("")


def test_a_value_is_changed_where_it_stands_and_taken_back(page: Page) -> None:
    city = page.locator(".rec-fields .dl > div", has=page.locator("dt", has_text="City"))
    before = city.locator(".cell-v").inner_text()
    city.locator(".cell-v").click()
    city.locator("input[name=city]").fill("Nowhere")
    page.keyboard.press("Escape")
    expect(city.locator(".cell-v")).to_have_text(before)
    city.locator(".cell-e").focus()
    page.keyboard.press("F2")
    city.locator("input[name=city]").fill("Shiraz")
    page.keyboard.press("Enter")
    expect(city.locator(".cell-v")).to_have_text("Shiraz")
    page.reload()
    with page.expect_navigation():
        page.locator(".tl", has_text="Shiraz").get_by_role("button", name="Revert").first.click()
    expect(city.locator(".cell-v")).to_have_text(before)


def test_files_are_sent_one_by_one_and_what_fails_says_why(page: Page) -> None:
    page.get_by_role("tab", name="File").click()
    bad = {"name": "page.png", "mimeType": "image/png", "buffer": b"<html><script>alert(1)</script>"}
    page.set_input_files("#file-input", [bad])
    page.get_by_role("button", name="Add files").click()
    expect(page.locator(".uploads .err")).to_contain_text("cannot be attached")
    good = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"the plan"}
    page.set_input_files("#file-input", [good])
    with page.expect_navigation():
        page.get_by_role("button", name="Add files").click()
    with page.expect_download() as download:
        page.locator(".tl-file .file-t a", has_text="plan.txt").first.click()
    assert download.value.suggested_filename == "plan.txt"


def test_the_form_of_a_tab_comes_when_it_is_turned_to_and_again_if_it_did_not(page: Page) -> None:
    page.route("**/composer/**", lambda route: route.fulfill(status=404))
    page.get_by_role("tab", name="Call").click()
    expect(page.get_by_role("alert")).to_have_text("That did not work. Please try again.")
    expect(page.locator("#call-note")).to_have_count(0)
    page.unroute("**/composer/**")
    page.get_by_role("tab", name="Call").click()
    expect(page.locator("#call-note")).to_be_focused()
    page.keyboard.type("Wants the quote")
    page.get_by_role("tab", name="Note").click()
    expect(page.locator("#note-body")).to_be_focused()
    page.get_by_role("tab", name="Call").press("ArrowRight")
    expect(page.locator("#meeting-subject")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#call-note")).to_have_value("Wants the quote")
    with page.expect_navigation():
        page.get_by_role("button", name="Answered").click()
    expect(page.locator(".tl-text", has_text="Wants the quote")).to_be_visible()


def test_without_scripts_tabs_are_links_and_forms_post(served: ServedInstallation, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "peyvand_language", "value": "en", "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    page = visitor.go(COMPANY)
    page.get_by_role("tab", name="File").click()
    assert re.search(r"tab=core-file", page.url)
    page.set_input_files("#file-input", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}])
    page.get_by_role("button", name="Add files").click()
    expect(page.get_by_text("1 file was added.")).to_be_visible()
    page.fill("#note-body", "Written plainly")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".tl-text", has_text="Written plainly").first).to_be_visible()
    page.get_by_role("link", name="Notes", exact=True).click()
    expect(page.locator(".tl-file")).to_have_count(0)
    context.close()


def test_links_and_tags_are_searched_for_in_place_and_the_owner_is_changed_in_the_head(page: Page) -> None:
    tags = page.locator(".rec-fields .dl > div", has=page.locator("dt", has_text="Tags"))
    tags.locator(".cell-e").focus()
    page.keyboard.press("Enter")
    expect(tags.locator(".ts-wrapper")).to_be_visible()
    tags.get_by_role("button", name="Cancel").click()
    expect(tags.locator(".ts-wrapper")).to_have_count(0)
    owner = page.locator(".rec-chips li").first
    owner.locator(".cell-e").focus()
    page.keyboard.press("Enter")
    owner.locator(".ts-control").click()
    owner.locator(".ts-dropdown .option", has_text="Administrator").click()
    owner.get_by_role("button", name="Save").click()
    expect(owner.locator(".cell-v")).to_have_text("Administrator")
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == page.locator(
        "[id]"
    ).count()
