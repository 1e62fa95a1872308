"""Pages of a list: every record on one of them, in order, however the list is sorted and from wherever it is read."""

import base64
import json
import random
import re
from decimal import Decimal
from html import unescape
from weakref import WeakKeyDictionary

import pytest
import sqlalchemy as sa

from core.admin import list_page, list_query
from core.records import counting, paging
from core.records.archive import archive
from core.records.order import Order, Sort
from core.records.place import read_place
from tests.admin.test_list import LIST, names
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, Maker

ORDERS = [
    (), (Sort("name"),), (Sort("price"),), (Sort("price", True),), (Sort("maker"),), (Sort("maker", True),),
    (Sort("state"), Sort("price", True)), (Sort("price"), Sort("maker", True), Sort("name")), (Sort("flies", True),),
    (Sort("weight"),), (Sort("created_at", True),),
]  # fmt: skip


def fill(toys: Toys, count: int = 23) -> None:
    """Kites with many equal and many missing values."""
    chance = random.Random(5)
    makers = [Maker(name=name) for name in "ab"]
    toys.add(*makers)
    toys.add(
        *(
            Kite(
                name=chance.choice("xyzپک"), state=chance.choice(("new", "open")), flies=chance.random() < 0.5,
                price=chance.choice([None, Decimal(1), Decimal("2.50")]), weight=chance.choice([None, 0.1, 2.5]),
                maker_id=chance.choice([None, makers[0].id, makers[1].id]),
            )
            for _ in range(count)
        )
    )  # fmt: skip


def link(html: str, rel: str) -> str | None:
    """The address of a neighbour of the page."""
    found = re.search(rf'id="page-{rel}"[^>]* href="([^"]+)"', html)
    return unescape(found[1]) if found else None


def ids(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'name="rowid" value="([0-9]+)"', html)]


@pytest.mark.parametrize("sorts", ORDERS, ids=lambda sorts: ",".join(map(str, sorts)) or "newest")
@pytest.mark.parametrize("size", [1, 4, 22, 50])
def test_pages_read_forth_and_back_are_the_whole_order(toys: Toys, sorts: tuple[Sort, ...], size: int) -> None:
    fill(toys)
    with toys.work() as session:
        order = Order(toys.site.catalog.find("toys.kite"), sorts)
        whole = [kite.id for kite in session.scalars(order.sorted(sa.select(Kite)))]
        for back in (False, True):
            read: list[int] = []
            place = None
            while found := order.read(session, sa.select(Kite), size, place, back=back):
                page = [kite.id for kite, _place in found]
                read = page + read if back else read + page
                place = order.place(order.write(found[0 if back else -1][1]))
            assert read == whole
        skipped = order.read(session, sa.select(Kite), 5, skip=7)
        assert [kite.id for kite, _place in skipped] == whole[7:12]


def test_a_reader_walks_to_the_end_and_back(toys: Toys, browser: Browser) -> None:
    fill(toys, 60)
    seen, rows, address = [], [], LIST + "?sort=-price"
    while address:
        html = browser.get(address).text
        seen.append(ids(html))
        rows.append(re.search(r'class="muted">([^<]+)<', html)[1])  # type: ignore[index]
        last, address = address, link(html, "next")  # type: ignore[assignment]
    assert [len(page) for page in seen] == [25, 25, 10]
    assert rows == ["1–25 of 60", "26–50 of 60", "51–60 of 60"]
    assert len({number for page in seen for number in page}) == 60
    assert ids(browser.get(link(browser.get(last).text, "prev") or "").text) == seen[1]
    first = browser.get(LIST + "?sort=-price").text
    assert ids(browser.get(link(first, "last") or "").text) == seen[2]
    middle = browser.get(LIST + "?sort=-price&number=۲").text
    assert ids(middle) == seen[1]
    assert ids(browser.get(link(middle, "first") or "").text) == seen[0]
    assert ids(browser.get(link(middle, "prev") or "").text) == seen[0]


def test_a_page_keeps_its_place_while_records_come_and_go(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n:02}") for n in range(40)))
    html = browser.get(LIST + "?sort=name").text
    toys.add(Kite(name="a"), Kite(name="b"))
    assert names(browser.get(link(html, "next") or "").text)[0] == "k25"


@pytest.mark.parametrize("change", ["x", "%00", "e30", "W10", "WyIiLDAsMV0x", "9" * 5000, "WzEsMiwzXQ", "ÿ"])
def test_a_place_that_nobody_wrote_is_refused_or_shows_the_first_page(
    toys: Toys, browser: Browser, change: str
) -> None:
    toys.add(*(Kite(name=f"k{n:02}") for n in range(30)))
    for name in ("after", "before"):
        answer = browser.get(LIST, query_string={"sort": "name", name: change})
        assert answer.status_code == 400 or names(answer.text)[0] == "k00"


@pytest.mark.parametrize(
    "plain",
    [["name", 0, 1, 5], ["name", 0, 1, None], ["name", 0, 1, "a\0"], ["name", 0, 2**64, "a"], ["name", -1, 1, "a"],
     ["name", 0, 1.5, "a"], ["name", 0, True, "a"], ["name", 0, 1], ["name", 0, 1, "a", "b"], ["name", "0", 1, "a"]],
)  # fmt: skip
def test_a_place_holds_only_values_of_its_columns(plain: list[object]) -> None:
    text = base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")
    with pytest.raises(ValueError, match="place"):
        read_place(text, "name", [(sa.String(), False)])


def test_a_place_of_another_order_shows_the_first_page(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n:02}") for n in range(30)))
    following = link(browser.get(LIST + "?sort=name").text, "next") or ""
    assert names(browser.get(following.replace("sort=name", "sort=-name")).text)[0] == "k29"


def test_numbers_of_pages_reach_as_far_as_rows_are_counted(
    toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add(*(Kite(name=f"k{n:02}") for n in range(90)))
    for module in (list_query, list_page):
        monkeypatch.setattr(module, "COUNT_LIMIT", 50)
    html = browser.get(LIST + "?sort=name&page=3").text
    assert names(html)[0] == "k25"
    assert "26–50 of 50+" in html
    third = browser.get(link(html, "next") or "").text
    assert names(third)[0] == "k50"
    assert "51–75 of 50+" in third
    last = browser.get(link(html, "last") or "").text
    assert names(last)[-1] == "k89"
    assert "of 50+" not in last


def test_a_big_table_is_estimated_where_the_database_can(
    toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(toys, 30)
    monkeypatch.setattr(counting, "GUESSED_FROM", 20)
    # Other tests have the same table with other rows, and what it was guessed to hold is believed for a minute.
    monkeypatch.setattr(counting, "_believed", WeakKeyDictionary())
    with toys.database.autocommit() as connection:
        connection.exec_driver_sql("ANALYZE toys_kite")
    html = browser.get(LIST).text
    shown = re.search(r'id="list-count">([^<]*)<', html)
    assert shown is not None
    assert shown[1] == ("30" if toys.database.is_sqlite else "about 30")
    assert 'id="list-count">30<' in browser.get(LIST + "?name__empty=0").text


@pytest.mark.parametrize("near", [20_000, 8])
def test_many_hits_come_newest_first_until_a_column_is_chosen(
    toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    toys.add(*(Kite(name=f"{'kite' if n % 2 else 'bird'} {n:02}") for n in range(120)))
    few = browser.get(LIST + "?search=kite").text
    monkeypatch.setattr(list_query, "FEW_HITS", 50)
    monkeypatch.setattr(paging, "NEWEST", near)
    assert names(few)[0] == "kite 119"
    many = browser.get(LIST + "?search=kite").text
    assert "the newest come first" in many
    assert "the newest come first" not in few
    assert names(many)[:2] == ["kite 119", "kite 117"]
    second = browser.get(link(many, "next") or "").text
    assert names(second)[0] == "kite 69"
    assert names(browser.get(link(second, "prev") or "").text) == names(many)
    assert names(browser.get(link(second, "last") or "").text)[-1] == "kite 01"
    assert names(browser.get(LIST + "?search=kite&sort=name").text)[:2] == ["kite 01", "kite 03"]


def test_the_newest_of_many_hits_are_looked_for_without_the_index_of_words(
    toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys.add(*(Kite(name=f"kite {n:02}") for n in range(60)))
    monkeypatch.setattr(list_query, "FEW_HITS", 50)
    sent: list[str] = []
    sa.event.listen(toys.database.engine, "before_cursor_execute", lambda *said: sent.append(said[2]))
    browser.get(LIST + "?search=kite")
    pages = [statement for statement in sent if "ORDER BY toys_kite.id DESC" in statement]
    assert len(pages) == 1
    assert "coalesce(toys_kite.search_text" in pages[0]


def test_the_count_leaves_out_what_the_reader_may_not_see(toys: Toys, browser: Browser) -> None:
    fill(toys, 5)
    with toys.work() as session:
        archive(session.scalars(sa.select(Kite).limit(1)).one())
    assert 'id="list-count">4<' in browser.get(LIST).text
