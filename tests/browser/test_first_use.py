"""The first minutes of a newcomer: set-up link, Sales switched on, a file imported, a deal moved. In both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.accounts.set_up import link_file
from core.testing.serving import ServedInstallation
from tests.browser.conftest import Visitor

SAMPLE = Path(__file__).resolve().parents[1] / "transfer" / "samples" / "google_contacts_new.csv"
expect.set_options(timeout=20_000)
WORK_WITHIN = 60_000  # milliseconds that a worker may take on a busy machine
WORDS = {
    "en": {"stages": ("Lead", "Qualified"), "deal": "Annual licence", "tag": "On"},
    "fa": {"stages": ("سرنخ", "بررسی‌شده"), "deal": "قرارداد سالانه", "tag": "روشن"},
}
PASS_PHRASE = "a long pass phrase"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("language", WORDS)
def test_a_newcomer_reaches_a_moved_deal(tmp_path: Path, chromium: Browser, language: str) -> None:
    with ServedInstallation(tmp_path / "instance") as served:
        context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        context.add_cookies([{"name": "peyvand_language", "value": language, "url": served.url}])
        visitor = Visitor(context, served.url)
        make_administrator(visitor, link_file(served.config).read_text().strip())
        switch_on_sales(visitor, WORDS[language]["tag"])
        import_people(visitor)
        add_and_move_deal(visitor, WORDS[language])
        assert [said for said in visitor.messages if "status of 4" not in said] == []
        context.close()


def make_administrator(visitor: Visitor, link: str) -> None:
    page = visitor.page
    page.goto(link)
    for name, text in (("name", "Sara"), ("email", "sara@example.com"), ("password", PASS_PHRASE)):
        page.fill(f"[name={name}]", text)
    page.fill("[name=password_confirm]", PASS_PHRASE)
    page.press("[name=password_confirm]", "Enter")
    page.wait_for_url(visitor.url + "/")
    page.goto(link)
    assert page.locator("[name=password]").count() == 0, "the link works once"


def switch_on_sales(visitor: Visitor, tag: str) -> None:
    page = visitor.go("/admin/modules/")
    page.click("#module-sales [data-nv-modal]")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("sales_deal")
    dialog.locator("button.btn-primary").click()
    for name in ("sales", "contacts"):
        expect(page.locator(f"#module-{name} .tag-green")).to_have_text(tag, timeout=WORK_WITHIN)


def import_people(visitor: Visitor) -> None:
    page = visitor.go("/contacts/person/")
    page.goto(f"{visitor.url}/import/contacts.person")
    page.set_input_files("[name=file]", str(SAMPLE))
    page.click("main form .btn-primary")
    page.wait_for_load_state()
    page.click("main form .btn-primary")  # the columns were recognised
    page.wait_for_load_state()
    page.click("main form .btn-primary")  # the check
    page.wait_for_url("**/report*", timeout=WORK_WITHIN)
    page = visitor.go("/contacts/person/")
    assert page.locator("table.model-list tbody tr").count() >= 3


def add_and_move_deal(visitor: Visitor, words: dict[str, object]) -> None:
    name, (first, second) = str(words["deal"]), words["stages"]  # type: ignore[misc]
    page = visitor.go("/sales/deal/new")
    page.fill("[name=name]", name)
    page.fill("[name=amount]", "۱۲۰۰" if first != "Lead" else "1200")
    page.click("main form .btn-primary")
    page.wait_for_load_state()
    page = visitor.go("/sales/deal/board")
    lanes = page.locator(".lane")
    expect(lanes.nth(0)).to_contain_text(first)
    expect(lanes.nth(0)).to_contain_text(name)
    card = page.locator(".dcard").first
    # The menu twin of dragging.
    card.locator("[data-nv-move]").click()
    with page.expect_response("**/move**"):
        page.locator("#board-move [data-nv-move-to]:visible").first.click()
    expect(lanes.nth(1)).to_contain_text(name)
    page.reload()
    expect(page.locator(".lane").nth(1)).to_contain_text(name)
    expect(page.locator(".lane").nth(1)).to_contain_text(second)
    # And dragged back.
    with page.expect_response("**/move**"):
        page.locator(".dcard").first.drag_to(page.locator(".lane-l").nth(0))
    expect(page.locator(".lane").nth(0)).to_contain_text(name)
    page.reload()
    expect(page.locator(".lane").nth(0)).to_contain_text(name)
