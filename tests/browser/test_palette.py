"""The palette by keyboard alone, in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

NOTHING = {"en": "Nothing was found for “zzqq”.", "fa": "برای «zzqq» چیزی پیدا نشد."}


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_record_is_found_and_opened_by_keyboard(
    served: ServedInstallation, chromium: Browser, language: str
) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": language, "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    page = visitor.page

    page.keyboard.press("Control+KeyK")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    page.keyboard.type("zzqq")
    expect(page.get_by_text(NOTHING[language])).to_be_visible()
    box.fill("heron")
    first = page.get_by_role("option").filter(has_text="Blue Heron Trading").first
    expect(first).to_be_visible()
    while first.get_attribute("aria-selected") != "true":
        page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == first.get_attribute("id")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/contacts/company/\d+$"))

    page.keyboard.press("Control+KeyK")
    expect(page.get_by_role("option").first).to_contain_text("Blue Heron Trading")  # what was opened lately
    page.keyboard.press("Escape")
    expect(page.locator("#nv-palette")).not_to_be_visible()

    page.keyboard.press("Shift+Slash")
    expect(page.locator("#nv-keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("KeyG")
    page.keyboard.press("KeyD")
    page.wait_for_url(f"{served.url}/sales/deal/")
    assert visitor.messages == []
    context.close()
