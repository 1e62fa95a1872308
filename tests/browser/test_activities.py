"""A salesperson's minute: a call is written down, and what is due is ticked off."""

from __future__ import annotations

from playwright.sync_api import Browser

from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor


def test_a_call_is_logged_with_one_button_and_a_task_is_ticked_off_in_place(
    served: ServedInstallation, chromium: Browser
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": "peyvand_language", "value": "en", "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    page = visitor.go("/contacts/person/9?tab=activities-call")
    page.fill("#call-note", "Wants the quote by Monday")
    page.click("button[name=outcome][value=no_answer]")
    page.wait_for_load_state("load")
    entry = page.locator(".tl", has_text="Wants the quote by Monday")
    entry.wait_for()
    assert "No answer" in entry.inner_text()

    page = visitor.go("/")
    first = page.locator(".act:has(.act-tick:not(.ticked))").first
    name = first.locator(".act-h a").inner_text()
    first.locator(".act-tick").click()
    asking = page.locator(".act.asking")
    asking.wait_for()
    assert name in asking.inner_text()
    asking.locator("[name=next_subject]").fill("Send the contract")
    asking.get_by_role("button", name="Plan it").click()
    page.locator(".act", has_text="Send the contract").wait_for()
    assert page.locator(".act.asking").count() == 0
    assert visitor.messages == []
    context.close()
