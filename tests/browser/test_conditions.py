"""A condition is built in the browser, with its script: each change shows at once what matches."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor
from tests.browser.test_pages import SIZES, problems

WHERE = quote(json.dumps(
    {"all": [
        {"field": "status", "op": "in", "value": ["customer", "prospect"]},
        {"any": [{"field": "city", "op": "contains", "value": "a"}, {"field": "owner", "op": "eq", "value": "me"}]},
        {"count": "sales.deal.company", "op": "ge", "value": 1,
         "where": {"field": "expected_close", "op": "within", "value": "last_3_months"}},
        {"not": {"any": [{"field": "created_at", "op": "gt", "value": "today+7"}]}},
    ]}
))  # fmt: skip


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("language", "size"), [("en", "wide"), ("fa", "narrow")])
def test_the_builder_is_accessible_and_not_cut_off(
    served: ServedInstallation, chromium: Browser, language: str, size: str
) -> None:
    context = chromium.new_context(viewport=SIZES[size], reduced_motion="reduce")
    context.add_cookies([{"name": "peyvand_language", "value": language, "url": served.url}])
    visitor, found = Visitor(context, served.url), []
    visitor.sign_in()
    for theme in ("light", "dark"):
        page = visitor.go("/contacts/company/filter?where=" + WHERE)
        page.evaluate(f"document.documentElement.dataset.bsTheme = '{theme}'")
        found += problems(page)
    context.close()
    assert found == []
    assert visitor.messages == []


@pytest.mark.timeout(180)
def test_a_condition_is_built_with_the_script(served: ServedInstallation, chromium: Browser) -> None:
    context = chromium.new_context(viewport=SIZES["wide"])
    context.add_cookies([{"name": "peyvand_language", "value": "en", "url": served.url}])
    visitor = Visitor(context, served.url)
    visitor.sign_in()
    page = visitor.go("/contacts/person/filter")
    page.get_by_label("Field", exact=True).select_option("company.city")
    page.get_by_label("Value of Company › City").fill("Tehran")
    page.get_by_label("Value of Company › City").press("Tab")
    expect(page.locator(".cond-s")).to_have_text("Company › City contains “Tehran”")
    page.get_by_role("button", name="Add a condition").click()
    page.get_by_label("Field", exact=True).nth(1).select_option("birthday")
    page.get_by_label("Comparison of Birthday").select_option("le")
    page.get_by_label("Which day").select_option("before")
    page.get_by_label("Value of Birthday").fill("7000")
    page.get_by_label("Value of Birthday").press("Enter")
    expect(page.locator(".cond-s")).to_contain_text("and Birthday is on or before 7,000 days ago")
    page.get_by_role("button", name="Show in list").click()
    page.wait_for_url("**/contacts/person/?where=**")
    chip = page.locator("[data-nv-where]")
    expect(chip).to_contain_text("Company › City contains “Tehran” and Birthday")
    chip.get_by_role("link").first.click()
    page.wait_for_url("**/contacts/person/filter?where=**")
    expect(page.get_by_label("Value of Birthday")).to_have_value("7000")
    assert visitor.messages == []
    context.close()
