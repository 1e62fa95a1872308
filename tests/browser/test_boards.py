"""A board and a calendar in a browser: by mouse, by key and by menu, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

WIDE = {"width": 1366, "height": 900}


def counts(page: Page) -> list[str]:
    """What stands at the head of each lane."""
    return [text.strip() for text in page.locator(".lane .count").all_inner_texts()]


@pytest.mark.timeout(120)
def test_a_deal_is_added_moved_by_key_and_taken_back(visitor: Visitor) -> None:
    page = visitor.go("/sales/deal/board")
    before = counts(page)
    lane = page.locator(".lane").first
    lane.locator("[data-nv-add]").click()
    page.fill(".quick-add [name=name]", "Quick deal")
    page.press(".quick-add [name=name]", "Enter")
    card = page.locator(".dcard", has_text="Quick deal").first
    expect(card).to_be_visible()
    expect(page.locator("#board-live")).to_contain_text("Quick deal")
    assert counts(page)[0] != before[0]
    added = counts(page)
    page.keyboard.press("Escape")
    card.locator("a").first.focus()
    page.keyboard.press("KeyM")
    with page.expect_response("**/move**"):
        page.locator("#board-move [data-nv-move-to]:visible").first.click()
    expect(page.locator(".lane").nth(1)).to_contain_text("Quick deal")
    # The card that was moved keeps the focus, and arrows go on from there.
    assert "Quick deal" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowDown")
    assert "Quick deal" not in page.evaluate("document.activeElement.textContent")
    with page.expect_response("**/move**"):
        page.locator("#toasts [data-nv-move-undo] button").click()
    expect(page.locator(".lane").first).to_contain_text("Quick deal")
    # The card is put back at once; the sums follow when the server has answered.
    expect(page.locator(".lane .count")).to_have_text(added)
    page.locator("[data-nv-fold]").nth(1).click()
    page.reload()
    assert "folded" in (page.locator(".lane").nth(1).get_attribute("class") or "")
    page.locator("[data-nv-fold]").nth(1).click()
    assert visitor.messages == []


@pytest.mark.timeout(120)
def test_an_entry_is_dragged_to_another_day_and_days_are_walked_by_arrows(visitor: Visitor) -> None:
    page = visitor.go("/sales/deal/calendar?at=2026-12-10")
    visitor.go("/sales/deal/new?expected_close=2026-12-10")
    page.fill("[name=name]", "Dated deal")
    page.click("main form .btn-primary")
    page.wait_for_load_state()
    visitor.go("/sales/deal/calendar?at=2026-12-10")
    entry = page.locator(".cal-e", has_text="Dated deal").first
    target = page.locator('[data-day="2026-12-15"]')
    with page.expect_response("**/calendar/move**"):
        entry.drag_to(target)
    expect(target).to_contain_text("Dated deal")
    expect(page.locator("#calendar-live")).to_contain_text("Dated deal")
    page.reload()
    expect(page.locator('[data-day="2026-12-15"]')).to_contain_text("Dated deal")
    page.locator('[data-nv-day="2026-12-15"]').focus()
    rtl = page.evaluate("document.dir") == "rtl"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.nvDay") == ("2026-12-16" if rtl else "2026-12-14")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.nvDay") == ("2026-12-09" if rtl else "2026-12-07")
    before = page.url
    page.keyboard.press("PageDown")
    page.wait_for_url(lambda url: url != before)
    assert visitor.messages == []
