"""One morning with Peyvand, screen after screen: what is done to many records, kept, counted, taken back, taken out.

Single screens have tests of their own beside this one; here each leads to the next, in both languages.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

PEOPLE = "/contacts/person/"
WORK_WITHIN = 60_000  # milliseconds that a worker may take on a busy machine


def save(page: Page) -> None:
    """Press the main button of the page's form, and wait for the page after it."""
    with page.expect_navigation():
        page.locator("main form .btn-primary").first.click()


def add_person(visitor: Visitor, first: str, last: str) -> str:
    """Through the form; returns the address of the new record."""
    page = visitor.go(f"{PEOPLE}new")
    page.fill("[name=first_name]", first)
    page.fill("[name=last_name]", last)
    save(page)
    if "/new" in page.url:  # it may be a duplicate, says the page; it is one on purpose
        save(page)
    return page.url


def choose_rows(visitor: Visitor, words: str, rows: int) -> Page:
    page = visitor.go(f"{PEOPLE}?search={words}")
    boxes = page.locator("[name=rowid]")
    expect(boxes).to_have_count(rows)
    for number in range(rows):
        boxes.nth(number).check()
    expect(page.locator("#action_form [data-nv-selected]")).to_be_visible()
    return page


@pytest.mark.timeout(180)
def test_many_records_are_changed_at_once_and_taken_back(visitor: Visitor) -> None:
    for first in ("Ada", "Ben"):
        add_person(visitor, first, "Walkerton")
    page = choose_rows(visitor, "walkerton", 2)
    with page.expect_navigation():
        page.click("#action_form [value=edit]")
    page.select_option("[name=field]", "job_title")
    save(page)
    page.fill("[name=new-job_title]", "Pathfinder")
    save(page)
    page = visitor.go(f"{PEOPLE}?search=walkerton&columns=name,job_title")
    expect(page.locator("td.col-job_title", has_text="Pathfinder")).to_have_count(2)
    page = visitor.go("/operations")
    row = page.locator(".op-row").first
    expect(row).to_contain_text("Administrator")
    with page.expect_navigation():
        row.locator(".op-n").click()
    expect(page.locator(".diff ins", has_text="Pathfinder")).to_have_count(2)
    with page.expect_navigation():
        page.locator(".head-acts .btn-primary").click()
    save(page)
    expect(page.locator("main dl a[href*='/operations/']")).to_be_visible(timeout=WORK_WITHIN)  # by what it was undone
    page = choose_rows(visitor, "walkerton&columns=name,job_title", 2)
    expect(page.locator("td.col-job_title", has_text="Pathfinder")).to_have_count(0)
    with page.expect_navigation():
        page.click("#action_form [value=delete]")
    with page.expect_navigation():
        page.click("main form .btn-danger")
    visitor.go(f"{PEOPLE}?search=walkerton")
    expect(page.locator("tr[data-nv-row]")).to_have_count(0)
    expect(visitor.go(f"{PEOPLE}deleted").locator("main")).to_contain_text("Ada Walkerton")
    assert visitor.messages == []


@pytest.mark.timeout(180)
def test_two_records_of_one_person_are_found_compared_and_merged(visitor: Visitor) -> None:
    for _ in range(2):
        add_person(visitor, "Twin", "Doublet")
    page = choose_rows(visitor, "doublet", 2)
    with page.expect_navigation():
        page.click("#action_form [value=merge]")
    expect(page.locator("[name=keep]")).to_have_count(2)
    save(page)
    visitor.go(f"{PEOPLE}?search=doublet")
    expect(page.locator("tr[data-nv-row]")).to_have_count(1)
    page = visitor.go("/operations?kind=merge")
    with page.expect_navigation():
        page.locator(".op-row .btn-light").first.click()
    save(page)
    expect(page.locator("main dl a[href*='/operations/']")).to_be_visible(timeout=WORK_WITHIN)  # by what it was undone
    visitor.go(f"{PEOPLE}?search=doublet")
    expect(page.locator("tr[data-nv-row]")).to_have_count(2)
    page = visitor.go(f"{PEOPLE}duplicates")
    with page.expect_navigation():
        page.locator(".head-acts .btn-primary").click()
    for _ in range(WORK_WITHIN // 1000):
        if page.locator(".dup-row", has_text="Twin Doublet").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator(".dup-row", has_text="Twin Doublet").first).to_be_visible()
    page = choose_rows(visitor, "doublet", 2)
    with page.expect_navigation():
        page.click("#action_form [value=delete]")
    with page.expect_navigation():
        page.click("main form .btn-danger")
    assert visitor.messages == []


@pytest.mark.timeout(180)
def test_a_view_is_kept_pinned_and_taken_as_a_file(visitor: Visitor) -> None:
    page = visitor.go("/sales/deal/?sort=-amount")
    with page.expect_navigation():
        page.locator("#view-tools .btn-light").last.click()
    page.fill("[name=name]", "Largest first")
    page.check("[name=pinned]")
    save(page)
    expect(page.locator(".view-tabs [aria-current]")).to_have_text("Largest first")
    expect(page.locator("#side")).to_contain_text("Largest first")
    with page.expect_navigation():
        page.locator('.head-acts a[href*="/export"]').click()
    page.check("[name=format][value=json]")
    with page.expect_download() as taken:
        page.locator("main form .btn-primary").click()
    assert taken.value.suggested_filename.endswith(".json")
    page = visitor.go("/sales/deal/?sort=-amount")
    visitor.go(page.locator(".view-tabs a", has_text="Largest first").get_attribute("href") or "")
    with page.expect_navigation():
        page.locator(".view-tabs .of-view").click()
    page.locator(".btn-outline-danger").click()
    with page.expect_navigation():
        page.locator("#nv-confirm .btn-danger").click()
    expect(page.locator("#side")).not_to_contain_text("Largest first")
    assert visitor.messages == []


@pytest.mark.timeout(180)
def test_a_dashboard_is_made_arranged_and_looked_at(visitor: Visitor) -> None:
    page = visitor.go("/dashboards")
    page.fill("[name=title]", "Our month")
    save(page)
    with page.expect_navigation():
        page.locator(".dash-o button").first.click()
    with page.expect_navigation():
        page.locator(".dash-o button").first.click()
    cards = page.locator(".dash-edit > li")
    expect(cards).to_have_count(2)
    second = cards.nth(1).get_attribute("data-card")
    with page.expect_navigation():
        cards.nth(1).locator("[value=earlier]").click()
    expect(page.locator(".dash-edit > li").first).to_have_attribute("data-card", second or "")
    with page.expect_navigation():
        page.locator(".head-acts .btn-primary").click()
    expect(page.locator(".dash > section")).to_have_count(2)
    expect(page.locator("h1")).to_have_text("Our month")
    assert visitor.messages == []


@pytest.mark.timeout(180)
def test_what_is_looked_for_is_found_among_records_commands_and_help(visitor: Visitor) -> None:
    page = visitor.go("/")
    page.keyboard.press("Control+KeyK")
    expect(page.locator("#nv-palette")).to_be_visible()
    page.keyboard.press("Escape")
    page.fill(".top-search [name=q]", "a")
    page = visitor.go("/search?q=deal")
    expect(page.locator("main")).to_be_visible()
    expect(visitor.go("/help").locator("main h1")).to_be_visible()
    expect(visitor.go("/notifications/").locator("main h1")).to_be_visible()
    expect(visitor.go("/activities/activity/").locator("main h1")).to_be_visible()
    expect(visitor.go("/activities/activity/calendar?mode=day").locator("main h1")).to_be_visible()
    assert visitor.messages == []
