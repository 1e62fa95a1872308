"""The page of a record, cells, deletion and its undo, actions, export."""

import csv
import datetime as dt
import io
import re
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from core.config import Config
from core.errors import Blocked
from tests.admin.toy_site import Browser, Toys, hooks_of
from tests.admin.toys import Kite, Maker, Tail

HX = {"HX-Request": "true"}


def test_a_panel_that_fails_is_named_and_the_rest_of_the_page_works(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red", phone="+989121234567", tails=[Tail(label="long")]))
    response = browser.get(f"/toys/kite/{number}")
    assert response.status_code == 200
    assert '<p class="good">Red: &lt;calm&gt;</p>' in response.text
    assert "This panel of “toys” could not be shown" in response.text
    assert 'href="tel:+989121234567"' in response.text
    assert "created this record" in response.text


def test_a_hook_that_fails_leaves_the_page_without_its_panels(config: Config) -> None:
    def broken(record: Any) -> None:
        raise RuntimeError("no")

    toys = Toys(config, hooks=hooks_of(record_panels=broken))
    (number,) = toys.add(Kite(name="Red"))
    assert toys.browser().get(f"/toys/kite/{number}").status_code == 200
    toys.database.dispose()


def test_notes_and_changes_stand_in_the_timeline(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red", day=dt.date(2026, 11, 22), maker=Maker(name="Old & Co")))
    (maker,) = toys.add(Maker(name="New & Co"))
    page = f"/toys/kite/{number}"
    assert browser.post(f"{page}/note", {"body": "<b>hello</b>"}).headers["Location"] == page
    edit = f"{page}/edit"
    browser.post(edit, browser.form(edit) | {"name": "Blue", "day": "2026-11-23", "maker": str(maker), "state": "open"})
    html = browser.get(page).text
    assert "&lt;b&gt;hello&lt;/b&gt;" in html
    for old, new in [("Red", "Blue"), ("Old &amp; Co", "New &amp; Co"), ("Nov 22, 2026", "Nov 23, 2026"),
                     ("New", "In progress")]:  # fmt: skip
        assert f"<bdi>{old}</bdi></del>" in html
        assert f"<bdi>{new}</bdi></ins>" in html


def test_a_note_that_is_sent_twice_is_one_note(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    page = f"/toys/kite/{number}"
    key = re.search(r'name="form_key" value="([0-9a-f]{32})"', browser.get(page).text)[1]
    answers = [browser.post(f"{page}/note", {"body": "said once", "form_key": key}) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == [page, page]
    assert browser.get(page).text.count("said once") == 1


def test_an_empty_note_is_refused_with_a_sentence_beside_it(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    for headers in ({}, HX):
        answer = browser.post(f"/toys/kite/{number}/note", {"body": "  "}, headers=headers)
        assert answer.status_code == 422
        assert "Write something first." in answer.text
        assert ("<html" in answer.text) is (headers == {})


def test_the_timeline_reads_on(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    for n in range(30):
        browser.post(f"/toys/kite/{number}/note", {"body": f"note-{n}-"})
    html = browser.get(f"/toys/kite/{number}").text
    assert "note-29-" in html
    assert "note-2-" not in html
    older = html.split('<p class="more">')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert "note-2-" in browser.get(older).text
    assert browser.get(f"/toys/kite/{number}?before=soon").status_code == 400


# --- cells


def test_a_cell_is_edited_in_place(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    address = f"/toys/kite/cell?id={number}&column=state"
    assert address.replace("&", "&amp;") in browser.get("/toys/kite/").text
    form = browser.get(address).text
    assert '<select' in form
    assert 'name="version" value="1"' in form
    saved = browser.post(address, {"state": "open", "version": "1"}, headers=HX)
    assert (saved.status_code, "In progress" in saved.text) == (200, True)
    assert toys.read(number).state == "open"
    assert "In progress" in browser.get(address + "&show=1").text


def test_a_cell_refuses_with_the_field_and_its_error(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red", price=Decimal(5)))
    address = f"/toys/kite/cell?id={number}&column=price"
    refused = browser.post(address, {"price": "many"}, headers=HX)
    assert refused.status_code == 422
    assert 'value="many"' in refused.text
    assert 'role="alert"' in refused.text
    stale = browser.post(address, {"price": "7", "version": "0"}, headers=HX)
    assert (stale.status_code, "$5" in stale.text) == (409, True)
    assert browser.post(address, {"price": "7", "name": "sneaked"}, headers=HX).status_code == 400
    assert (toys.read(number).price, toys.read(number).name) == (Decimal(5), "Red")
    assert browser.post(address, {"price": "7"}).status_code == 302
    assert toys.read(number).price == Decimal(7)


@pytest.mark.parametrize(("column", "status"), [("name", 404), ("secret", 404), ("nothing", 400), ("", 400)])
def test_only_declared_columns_have_a_cell(toys: Toys, browser: Browser, column: str, status: int) -> None:
    (number,) = toys.add(Kite(name="Red"))
    address = f"/toys/kite/cell?id={number}&column={column}"
    assert browser.get(address).status_code == status
    assert browser.post(address, {column or "x": "changed"}).status_code == status
    assert toys.read(number).name == "Red"


# --- delete, undo, actions


def test_delete_can_be_undone(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    response = browser.post("/toys/kite/delete", {"id": number}, follow_redirects=True)
    assert "“Red” was deleted." in response.text
    assert re.search('action="/operations/[0-9a-f]{32}/undo"', response.text)
    assert toys.read(number).archived_at is not None
    response = browser.post(f"/toys/kite/restore?ids={number}", follow_redirects=True)
    assert "1 record is back." in response.text
    assert toys.read(number).archived_at is None


def test_deleting_from_the_records_page_leads_to_the_list(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Red"))
    here = f"/toys/kite/{number}"
    assert browser.post(f"/toys/kite/delete?id={number}&url={here}").headers["Location"] == "/toys/kite/"


def test_many_are_deleted_and_restored_at_once(toys: Toys, browser: Browser) -> None:
    numbers = toys.add(*(Kite(name=f"k{n}") for n in range(4)))
    browser.act("delete", *numbers[:3], "x", "-1")
    assert [toys.read(n).archived_at is None for n in numbers] == [False, False, False, True]
    ((category, text),) = browser.flashed()
    assert text == "3 records were deleted."
    assert category.startswith("undo /operations/")
    browser.act("restore", *numbers, bin="1")
    assert all(toys.read(n).archived_at is None for n in numbers)


def test_the_undo_of_a_full_page_fits_into_a_cookie(toys: Toys, browser: Browser) -> None:
    with toys.database.engine.begin() as connection:
        rows = [{"id": 98_765_000 + 7 * n, "name": f"k{n}"} for n in range(200)]
        connection.execute(sa.insert(Kite), rows)
    response = browser.act("delete", *(row["id"] for row in rows))
    assert max(len(cookie) for cookie in response.headers.getlist("Set-Cookie")) < 3000
    assert toys.read(rows[-1]["id"]).archived_at is not None


def test_a_plugin_can_block_a_deletion(config: Config) -> None:
    def before_delete(record: Any) -> None:
        raise Blocked("It is flying.")

    toys = Toys(config, hooks=hooks_of(before_delete=before_delete))
    (number,) = toys.add(Kite(name="Red"))
    browser = toys.browser()
    browser.post("/toys/kite/delete", {"id": number})
    assert browser.flashed() == [("danger", "It is flying.")]
    assert toys.read(number).archived_at is None
    toys.database.dispose()


def test_actions_run_on_the_chosen(toys: Toys, browser: Browser) -> None:
    one, two, three = toys.add(Kite(name="a"), Kite(name="b"), Kite(name="c"))
    browser.act("fold", one, three)
    assert "2 folded" in browser.get("/toys/kite/").text
    assert [toys.read(n).flies for n in (one, two, three)] == [False, True, False]
    assert browser.post("/toys/kite/action", {"action": "burn", "rowid": [str(two)]}).status_code == 404
    assert browser.post("/toys/kite/action", {"action": "fold", "x": "y"}).status_code == 400
    toys.permissions -= {"toys.kite.edit"}
    assert "Fold up" not in browser.get("/toys/kite/").text
    assert browser.post("/toys/kite/action", {"action": "fold", "rowid": [str(two)]}).status_code == 404
    assert toys.read(two).flies


# --- export


EXPORT = "/toys/kite/export"
NOW = {"now": "1"}


def exported(browser: Browser, **asked: str) -> list[dict[str, str]]:
    """The rows of the file, after its mark."""
    response = browser.post(EXPORT, asked | NOW)
    assert response.status_code == 200
    assert response.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(response.text[1:])))


def test_the_export_is_plain_text_of_what_the_list_shows(toys: Toys, browser: Browser) -> None:
    toys.add(
        Kite(name="کایت", price=Decimal("-1234.5"), day=dt.date(2026, 11, 22), state="open", phone="+989121234567",
             maker=Maker(name="m"), moment=dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC), secret="hush"),
        Kite(name="other"),
    )  # fmt: skip
    (row,) = exported(browser, state__eq="open")
    assert (row["Name"], row["State"]) == ("کایت", "In progress")
    assert (row["Price"], row["Phone"]) == ("-1234.50", "+989121234567")
    assert (row["Day"], row["Moment"], row["Maker"]) == ("2026-11-22", "2026-11-22 09:30", "m")
    assert "Secret" not in row
    (row,) = exported(browser, state__eq="open", dates="jalali")
    assert row["Day"] == "1405/09/01"
    for wrong in ({"dates": "mayan"}, {"format": "xml"}, {"secret__eq": "x"}):
        assert browser.post(EXPORT, wrong | NOW).status_code == 400
    assert browser.post(EXPORT, NOW | {"endpoint": "y"}).status_code == 200


@pytest.mark.parametrize("formula", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1"])
def test_formulas_leave_as_text(toys: Toys, browser: Browser, formula: str) -> None:
    toys.add(Kite(name="x", notes="n" + formula, reason=None, maker=Maker(name="m" + formula)))
    with toys.work() as session:
        session.query(Kite).one().notes = formula
    (row,) = exported(browser)
    assert row["Notes"].startswith("'") or not row["Notes"].startswith(("=", "+", "-", "@", "\t"))


def test_the_export_does_not_grow_with_the_table(toys: Toys, browser: Browser) -> None:
    with toys.database.engine.begin() as connection:
        rows = [{"name": f"kite {n}", "name_sort": "k", "search_text": "k"} for n in range(3000)]
        connection.execute(sa.insert(Kite), rows)
    response = browser.post(EXPORT, NOW, buffered=False)
    chunks = response.iter_encoded()
    next(chunks)
    tracemalloc.start()
    lines = sum(chunk.count(b"\n") for chunk in chunks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == 3000
    assert peak < 8_000_000


def test_a_deleted_record_lies_in_the_recycle_bin_until_it_is_restored(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="Blue one"), Kite(name="Red one"))
    assert "Blue one" not in browser.get("/toys/kite/deleted").text
    browser.post("/toys/kite/delete", {"id": "1"})
    page = browser.get("/toys/kite/deleted").text
    assert "Blue one" in page
    assert "Red one" not in page
    assert browser.post("/toys/kite/restore?ids=1", {"url": "/toys/kite/deleted"}).location == "/toys/kite/deleted"
    assert "Blue one" not in browser.get("/toys/kite/deleted").text
    assert toys.read(1).archived_at is None
