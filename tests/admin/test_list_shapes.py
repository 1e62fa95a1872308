"""The shapes of a list: its columns, its groups with their sums, its totals, and a look at one record."""

import datetime as dt
import re
from decimal import Decimal
from html import unescape
from urllib.parse import quote

import pytest

from core.admin import grouping
from core.database.limits import TooSlow
from tests.admin.test_list import LIST, names
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, Maker, person


def columns(html: str) -> list[str]:
    return re.findall(r'<th scope="col" class="col-([a-z_]+)"', html)


def groups(html: str) -> list[tuple[str, str]]:
    """Label and count of each group."""
    row = r'<tr>\s*<th scope="row">.*?<bdi>(.*?)</bdi>.*?<td class="num"[^>]*>(.*?)</td>'
    found = re.findall(row, html, re.DOTALL)
    return [(unescape(label), count) for label, count in found]


def test_columns_are_chosen_and_ordered_by_the_address(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="a", phone="+989121234567", weight=1.5))
    html = browser.get(LIST + "?columns=phone,letters,name").text
    assert columns(html) == ["phone", "letters", "name"]
    assert "tel:+989121234567" in html
    assert columns(browser.get(LIST + "?column=name&column=weight&sort=-weight").text) == ["name", "weight"]


@pytest.mark.parametrize("name", ["secret", "password", "search_text", "maker.name", "version", "x"])
def test_a_column_that_the_screen_keeps_to_itself_is_refused(toys: Toys, browser: Browser, name: str) -> None:
    assert browser.get(LIST, query_string={"columns": name}).status_code == 400
    assert browser.get(LIST, query_string={"group": name}).status_code == 400


def test_the_form_of_columns_moves_them_without_a_script(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="a"))
    html = browser.get("/toys/kite/columns?column=name&column=state&column=price&up=price&sort=-name").text
    chosen = re.findall(r'name="column" value="([a-z_]+)" checked', html)
    assert chosen == ["name", "price", "state"]
    assert 'name="sort" value="-name"' in html
    assert "secret" not in html


def test_a_head_sorts_by_one_more_field_and_says_in_which_place(toys: Toys, browser: Browser) -> None:
    kites = (("b", 1.0), ("a", 1.0), ("c", 2.0))
    toys.add(*(Kite(name=name, state="new", weight=weight) for name, weight in kites))
    address, places = LIST + "?columns=name,weight&sort=weight", []
    for sort in ("weight,name", "weight,-name", "weight"):
        html = browser.get(address).text
        places.append(re.findall(r'class="sort-n"[^>]*>(\d)<', html))
        then = re.search(r'id="sort-name"[^>]* data-nv-then="([^"]+)"', html)
        assert then is not None
        address = unescape(then[1])
        assert f"sort={quote(sort, safe='')}" in address
    assert places == [[], ["2", "1"], ["2", "1"]]
    assert names(browser.get(LIST + "?sort=weight,name").text) == ["a", "b", "c"]
    assert names(browser.get(LIST + "?sort=weight,-name").text) == ["b", "a", "c"]
    assert browser.get(LIST + "?columns=name,weight&sort=weight,-name").text.count("aria-sort") == 1


def test_the_form_of_the_order_sorts_without_a_script(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=name, weight=weight) for name, weight in (("b", 1.0), ("a", 1.0), ("c", 2.0))))
    html = browser.get("/toys/kite/order?sort=-weight,name&search=x").text
    assert re.findall(r'<option value="(-?\w+)" selected', html) == ["-weight", "name"]
    assert html.count('name="by"') == 4
    assert 'name="search" value="x"' in html
    assert "secret" not in html
    sent = "?by=-weight&by=&by=-name&by=weight"
    html = browser.get(LIST + sent).text
    assert names(html) == ["c", "b", "a"]
    assert "sort=-weight%2C-name" in html
    assert browser.get(LIST + "?by=secret").status_code == 400


def test_groups_have_counts_and_sums_and_open_their_records(toys: Toys, browser: Browser) -> None:
    toys.add(
        Kite(name="a", state="open", price=Decimal("1.50")), Kite(name="b", state="open", price=Decimal(2)),
        Kite(name="c", state="new", price=Decimal(4), currency="EUR"), Kite(name="d", state="new"),
    )  # fmt: skip
    html = browser.get(LIST + "?group=state").text
    assert groups(html) == [("New", "2"), ("In progress", "2")]
    assert "$3.50" in html
    assert "€4" in html
    assert re.search(r'<tfoot><tr class="totals">\s*<td>Total</td><td class="num"[^>]*>4<', html)
    assert "€4 + $3.50" in html
    url = unescape(re.findall(r'data-nv-fold="([^"]+)"', html)[1])
    assert sorted(names(browser.get(url).text)) == ["a", "b"]


def test_groups_by_link_hide_what_is_hidden_and_put_nothing_last(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="a", maker=Maker(name="m")), Kite(name="b"), Kite(name="c", flies=False))
    assert groups(browser.get(LIST + "?group=maker").text) == [("m", "1"), ("Nothing", "2")]
    assert groups(browser.get(LIST + "?group=flies").text) == [("No", "1"), ("Yes", "2")]
    (toys.person,) = toys.add(person())
    toys.add(Kite(name="d", owner_id=toys.person))
    html = browser.get(LIST + "?group=owner&name__eq=d").text
    assert groups(html) == [("Sara", "1")]


def test_groups_by_month_are_months_of_the_reader(toys: Toys, browser: Browser) -> None:
    for day in ((2026, 11, 20), (2026, 11, 21), (2026, 11, 22), (2026, 12, 1)):
        toys.add(Kite(name="k", day=dt.date(*day), moment=dt.datetime(*day, 20, 45, tzinfo=dt.UTC)))
    toys.add(Kite(name="k"))
    html = browser.get(LIST + "?group=day:month").text
    assert [count for _label, count in groups(html)] == ["1", "3", "1"]
    browser.client.set_cookie("peyvand_language", "fa")
    html = browser.get(LIST + "?group=day:month").text
    assert groups(html)[0] == ("آذر ۱۴۰۵", "۲")
    assert groups(html)[1] == ("آبان ۱۴۰۵", "۲")
    url = unescape(re.findall(r'data-nv-fold="([^"]+)"', html)[0])
    assert len(names(browser.get(url).text)) <= 2
    assert browser.get(LIST + "?group=moment:month").status_code == 200
    assert browser.get(LIST + "?group=day:year").status_code == 200


def test_totals_are_those_of_the_whole_filtered_list(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name="k", price=Decimal("0.10"), weight=float(n)) for n in range(30)))
    toys.add(Kite(name="x", price=Decimal(5)))
    html = browser.get(LIST).text
    url = re.search(r'<tfoot hx-get="([^"]+)"', html)
    assert url is not None
    page = browser.get(unescape(url[1])).text
    assert "$8<" in page
    assert "<html" in page
    assert "<html" not in browser.get(unescape(url[1]), headers={"HX-Request": "true"}).text
    assert "$3<" in browser.get("/toys/kite/totals?name__eq=k").text
    assert "435, average 14.5" in browser.get("/toys/kite/totals?columns=name,weight").text


def test_too_many_records_to_add_up_are_said(toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise TooSlow

    toys.add(Kite(name="a", price=Decimal(1)))
    monkeypatch.setattr(grouping, "time_limit", slow)
    assert "a filter helps" in browser.get("/toys/kite/totals").text
    assert "Too many records to be grouped" in browser.get(LIST + "?group=state").text


def test_a_look_at_a_record_is_a_page_or_a_panel(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="Red", price=Decimal(3)))
    page = browser.get("/toys/kite/1/peek").text
    assert "<html" in page
    assert "$3<" in page
    panel = browser.get("/toys/kite/1/peek", headers={"HX-Request": "true"}).text
    assert "<html" not in panel
    assert "$3<" in panel
    assert browser.get("/toys/kite/99/peek").status_code == 404


def test_widths_of_columns_are_kept_for_the_person(toys: Toys, browser: Browser) -> None:
    (toys.person,) = toys.add(person())
    toys.add(Kite(name="a"))
    browser.post("/toys/kite/widths", {"width-name": "320", "width-state": "9", "width-secret": "99"})
    assert '"widths": {"name": 320}' in browser.get(LIST).text


def test_the_records_a_filter_offers_come_when_they_are_wanted(toys: Toys, browser: Browser) -> None:
    toys.add(Maker(name="Wind"), Kite(name="a"))
    assert "Wind" not in browser.get(LIST).text
    assert browser.get("/toys/kite/filter-options?arg=maker__eq").json == [["1", "Wind"]]
    assert browser.get("/toys/kite/filter-options?arg=secret__eq").status_code == 400
