"""The screens that no other walk goes through, in both languages: a record, My day, the inbox, dates, reports, the bin.

One browser goes from screen to screen; each step leaves what it made, so that the next begins where it ended.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

COMPANY = "/contacts/company/3"
PIXEL = """async (name) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 40;
  canvas.getContext("2d").fillRect(4, 4, 20, 20);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const dropped = new DataTransfer();
  dropped.items.add(new File([blob], name, { type: "image/png" }));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector("main").dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: dropped }));
}"""


def leaving(page: Page, selector: str) -> None:
    """Click and wait for the page after it."""
    with page.expect_navigation():
        page.locator(selector).first.click()


@pytest.mark.timeout(240)
def test_a_day_goes_through_record_activities_inbox_calendar_report_and_bin(visitor: Visitor) -> None:
    a_record_is_written_about_and_worked_on(visitor)
    an_activity_is_planned_from_my_day_and_ticked_off(visitor)
    what_one_is_told_is_chosen_and_read(visitor)
    dates_are_looked_at_in_every_way(visitor)
    a_report_is_built_and_leads_to_its_records(visitor)
    a_deleted_record_is_found_in_the_bin_and_restored(visitor)
    assert [said for said in visitor.messages if "status of 4" not in said] == []


def a_record_is_written_about_and_worked_on(visitor: Visitor) -> None:
    """A deal: its stage, a value in place, a note, a file that is dropped, the filters of its story, the next one."""
    page = visitor.go("/sales/deal/?search=renewal")
    leaving(page, ".rec-link")
    stage = page.locator(".path button").first.inner_text()
    leaving(page, ".path button")
    expect(page.locator(".path [aria-current=step]")).to_have_text(stage)
    page.check("[data-nv-show-empty]")
    page.locator(".rec-fields [id^=cell-next_step] .cell-v").click()
    page.locator("input[name=next_step]").fill("Call the boss")
    page.keyboard.press("Enter")
    expect(page.locator(".rec-fields .cell-v", has_text="Call the boss")).to_be_visible()
    page.fill("#note-body", "Seen on the fair")
    with page.expect_navigation():
        page.locator("#note-body").press("Control+Enter")
    with page.expect_navigation():
        page.evaluate(PIXEL, "plan.png")
    expect(page.locator(".tl-file", has_text="plan.png").first).to_be_visible()
    for chip in range(page.locator(".tl-filters .chip").count()):
        leaving(page, f".tl-filters .chip:nth-child({chip + 1})")
        expect(page.locator(".tl-filters [aria-current]")).to_have_count(1)
    leaving(page, "[rel=next]")
    leaving(page, "[rel=prev]")


def an_activity_is_planned_from_my_day_and_ticked_off(visitor: Visitor) -> None:
    page = visitor.go("/")
    leaving(page, ".act-foot .btn-light")
    page.fill("[name=subject]", "Visit the harbour")
    page.locator("#about_type-ts-control").click()
    page.keyboard.type("harbour")
    expect(page.locator(".ts-dropdown .option").first).to_contain_text("Quiet Harbour Hotels")
    page.locator(".ts-dropdown .option").first.click()
    leaving(page, "main form .btn-primary")
    line = page.locator(".act", has_text="Visit the harbour").first
    expect(line).to_contain_text("Quiet Harbour Hotels")
    line.locator(".act-tick").click()
    asking = page.locator(".act.asking")
    asking.locator("[name=next_subject]").fill("Write to the harbour")
    asking.locator("button.btn-primary").click()
    expect(page.locator(".act", has_text="Write to the harbour").first).to_be_visible()
    expect(visitor.go("/activities/mine?group=done").locator("main")).to_contain_text("Visit the harbour")


def what_one_is_told_is_chosen_and_read(visitor: Visitor) -> None:
    page = visitor.go("/profile/")
    choice = page.locator("select[name^=told], select[name*=mention]").first
    expect(choice.locator("option")).to_have_count(4)
    visitor.go(COMPANY)
    page.locator(".head-acts form button").first.click()  # follow
    page.wait_for_load_state()
    expect(visitor.go("/notifications/").locator("main h1")).to_be_visible()


def dates_are_looked_at_in_every_way(visitor: Visitor) -> None:
    page = visitor.go("/sales/deal/calendar?at=2026-12-10")
    for mode in ("week", "day", "agenda", "month"):
        leaving(page, f".cal-modes a[href*='mode={mode}'], .cal-modes a:first-child")
    leaving(page, "[data-nv-next]")
    leaving(page, "[data-nv-previous]")
    expect(page.locator("#calendar")).to_be_visible()


def a_report_is_built_and_leads_to_its_records(visitor: Visitor) -> None:
    page = visitor.go("/dashboards")
    page.fill("[name=title]", "Reports")
    leaving(page, "main form .btn-primary")
    number = page.url.split("/")[4]
    page = visitor.go(f"/dashboards/{number}/report?record_type=sales.deal")
    page.fill("[name=title]", "Large ones")
    page.select_option("[name=group]", "stage")
    page.select_option("[name='c.0.f']", "amount")
    page.select_option("[name='c.0.o']", "ge")
    page.fill("[name='c.0.v']", "20000")
    page.locator("[name='c.0.v']").press("Tab")
    expect(page.locator(".cond-s")).not_to_be_empty()
    leaving(page, ".cond-end .btn-primary")
    page.locator(".dash summary").first.click()
    leaving(page, ".dash table td a")
    expect(page.locator("tr[data-nv-row]").first).to_be_visible()
    expect(page.locator(".chip").first).to_be_visible()


def a_deleted_record_is_found_in_the_bin_and_restored(visitor: Visitor) -> None:
    page = visitor.go(COMPANY)
    name = page.locator("h1 bdi").inner_text()
    page.locator(".head-acts [data-bs-toggle=dropdown]").click()
    page.locator(".head-acts [data-nv-confirm]").click()
    leaving(page, "#nv-confirm .btn-danger")
    visitor.go(COMPANY)
    expect(page.locator("h1")).to_contain_text(name)
    leaving(page, ".in-bin-acts .btn-primary")
    assert re.search(rf"{COMPANY}$", page.url)
    expect(page.locator("#composer")).to_be_visible()
