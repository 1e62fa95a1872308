"""The list: columns, search, filters, order, pages."""

import datetime as dt
import re
from decimal import Decimal
from html import unescape

import pytest
import sqlalchemy as sa

from core.admin import list_query
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, Maker, Tag, person

LIST = "/toys/kite/"


def names(html: str) -> list[str]:
    """The names in the first column, from top to bottom."""
    return re.findall(r'col-main" data-label="Name"><a [^>]*>.*?<bdi>(.*?)</bdi>', html)


def test_list_shows_values_by_kind_and_computed_columns(toys: Toys, browser: Browser) -> None:
    (maker,) = toys.add(Maker(name="Wind & Co"))
    day = dt.date(2026, 11, 22)
    toys.add(Kite(name="Red", price=Decimal("1234.50"), day=day, maker_id=maker, tags=[Tag(name="fast")]))
    html = browser.get(LIST).text
    assert names(html) == ["Red"]
    assert "$1,234.50" in html
    assert '<time datetime="2026-11-22">' in html
    assert f'<a href="/toys/maker/{maker}"><bdi>Wind &amp; Co</bdi></a>' in html
    assert '<span class="tag tag-teal">fast</span>' in html
    assert 'data-label="Letters"><bdi>3</bdi>' in html


def test_list_reads_in_persian_with_jalali_dates(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="بادبادک", day=dt.date(2026, 11, 22), price=Decimal(1500), currency="IRR"))
    browser.client.set_cookie("peyvand_language", "fa")
    html = browser.get(LIST).text
    assert "۱ آذر ۱۴۰۵" in html
    assert "۱٬۵۰۰" in html


def test_text_from_people_is_never_markup(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="<script>alert(1)</script>", site="https://x.example/?q=<b>", email="a@b.example"))
    for path in (LIST, "/toys/kite/1", "/toys/kite/1/edit", "/toys/kite/board"):
        assert "<script>alert" not in browser.get(path).text


def test_a_page_costs_a_fixed_number_of_queries(toys: Toys, browser: Browser) -> None:
    def fill(count: int) -> None:
        toys.add(*(Kite(name=f"K{n}", maker=Maker(name=f"M{n}"), tags=[Tag(name=f"T{n}")]) for n in range(count)))

    def cost() -> int:
        statements: list[str] = []
        listen = sa.event.listens_for(toys.database.engine, "before_cursor_execute")
        listen(lambda *args: statements.append(args[2]))
        assert browser.get(LIST + "?page_size=100").status_code == 200
        return len(statements)

    fill(2)
    before = cost()
    fill(40)
    assert cost() <= before <= 12


def test_search_folds_persian_and_arabic_letters_and_digits(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="علی‌رضا کریمی ۱۲"), Kite(name="Other"))
    for typed in ("عليرضا", "علي رضا كريمي", "12 کریمی", "كريمي"):
        assert names(browser.get(LIST, query_string={"search": typed}).text) == ["علی‌رضا کریمی ۱۲"], typed


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_search_looks_for_wildcards_instead_of_obeying_them(toys: Toys, browser: Browser, sign: str) -> None:
    toys.add(Kite(name="plain"), Kite(name=f"odd{sign}x"))
    assert names(browser.get(LIST, query_string={"search": f"odd{sign}x"}).text) == [f"odd{sign}x"]
    assert names(browser.get(LIST, query_string={"name__contains": sign}).text) == [f"odd{sign}x"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"state__eq": "open"}, ["b"]),
        ({"state__ne": "open"}, ["a", "c"]),
        ({"name__starts": "A"}, ["a"]),
        ({"price__ge": "۲۰"}, ["b", "c"]),
        ({"price__le": "19.99"}, ["a"]),
        ({"flt0_price__ge": "19.995", "flt1_price__le": "25"}, ["b"]),
        ({"day__ge": "1405/09/01"}, ["b", "c"]),
        ({"day__le": "2026-11-21"}, ["a"]),
        ({"day__in": "last_year"}, []),
        ({"day__empty": "1"}, []),
        ({"maker__eq": "1"}, ["a"]),
        ({"maker__empty": "1"}, ["b", "c"]),
        ({"flies__eq": "0"}, ["c"]),
        ({"phone__contains": "0912 123"}, ["b"]),
        ({"tags__eq": "1"}, ["b"]),
        ({"owner__eq": "me"}, ["c"]),
        ({"moment__ge": "2026-11-22"}, ["a"]),
        ({"moment__le": "2026-11-21"}, []),
        ({"day__between": "2026-11-21..1405/09/01"}, ["a", "b"]),
        ({"state__in": "open,lost"}, ["b"]),
        ({"name__not_contains": "A"}, ["b", "c"]),
        ({"maker__not_empty": "1"}, ["a"]),
        ({"where": '{"any": [{"field": "tags", "op": "not_empty"}, {"field": "flies", "op": "ne", "value": true}]}'},
         ["b", "c"]),
        ({"where": '{"field": "maker.name", "op": "eq", "value": "m"}', "price__le": "25"}, ["a"]),
    ],
)
def test_filters(toys: Toys, browser: Browser, arguments: dict[str, str], expected: list[str]) -> None:
    (toys.person,) = toys.add(person())
    toys.add(
        Kite(name="a", price=Decimal("19.99"), day=dt.date(2026, 11, 21), maker=Maker(name="m"),
             moment=dt.datetime(2026, 11, 22, tzinfo=dt.UTC)),
        Kite(name="b", price=Decimal(20), day=dt.date(2026, 11, 22), state="open", phone="+989121234567",
             tags=[Tag(name="t")]),
        Kite(name="c", price=Decimal(30), day=dt.date(2026, 11, 23), flies=False, owner_id=toys.person),
    )  # fmt: skip
    response = browser.get(LIST, query_string={"sort": "name"} | arguments)
    assert response.status_code == 200
    assert names(response.text) == expected
    assert 'class="chip"' in response.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"sort": "secret"},
        {"sort": "0"},
        {"sort": "tags"},
        {"secret__eq": "x"},
        {"flt0_secret__eq": "x"},
        {"flt0_0": "x"},
        {"name__drop": "x"},
        {"maker__name": "x"},
        {"fltx": "1"},
        {"where": "{"},
        {"where": "[]"},
        {"where": '{"field": "secret", "op": "eq", "value": "x"}'},
        {"where": '{"field": "name", "op": "like", "value": "x"}'},
    ],
)
def test_unknown_names_are_refused_and_hidden_fields_are_no_filters(
    toys: Toys, browser: Browser, arguments: dict[str, str]
) -> None:
    assert browser.get(LIST, query_string=arguments).status_code == 400


def test_a_condition_in_the_address_is_one_chip_and_stays_in_every_address(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n:02}", state="open") for n in range(40)))
    where = '{"field":"state","op":"eq","value":"open"}'
    html = browser.get(LIST, query_string={"where": where, "search": "k", "state__ne": "lost"}).text
    assert "State is In progress" in html
    assert html.count("where=%7B%22field%22") >= 3  # the next page, the order, the export
    assert 'name="where" value="{&#34;field&#34;:&#34;state&#34;' in html
    everything = browser.get(LIST, query_string={"where": '{"all": []}'}).text
    assert "data-nv-where" not in everything


def test_names_that_look_like_markup_are_shown_as_they_were_typed(toys: Toys, browser: Browser) -> None:
    typed = ["&lt;i&gt;", "<i>", "&"]
    toys.add(*(Kite(name=name) for name in typed))
    for _again in range(2):
        assert sorted(map(unescape, names(browser.get(LIST).text))) == sorted(typed)


def test_each_chip_leads_to_the_list_without_what_it_says(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="ab", state="open"), Kite(name="ac", state="open"), Kite(name="ad", state="lost"))
    where = '{"field":"name","op":"ne","value":"ac"}'
    html = browser.get(LIST, query_string={"where": where, "search": "a", "state__eq": "open"}).text
    assert names(html) == ["ab"]
    links = [unescape(link) for link in re.findall(r'<a class="x" href="([^"]+)"', html)]
    assert [sorted(names(browser.get(link).text)) for link in links] == [["ab", "ad"], ["ab", "ac"]]


def test_an_unreadable_filter_value_is_said_and_left_out(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="a"))
    html = browser.get(LIST, query_string={"price__ge": "many"}).text
    assert "left out" in html
    assert names(html) == ["a"]


def test_order_is_by_name_and_empty_values_come_last(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="پ", price=Decimal(2)), Kite(name="ب", price=Decimal(1)), Kite(name="ک"))
    assert names(browser.get(LIST + "?sort=name").text) == ["ب", "پ", "ک"]
    assert names(browser.get(LIST + "?sort=price").text) == ["ب", "پ", "ک"]
    assert names(browser.get(LIST + "?sort=price&desc=1").text) == ["پ", "ب", "ک"]


def test_order_by_a_link_is_the_order_of_its_records(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="1", maker=Maker(name="b")), Kite(name="2", maker=Maker(name="a")), Kite(name="3"))
    assert names(browser.get(LIST + "?sort=maker").text) == ["2", "1", "3"]


@pytest.mark.parametrize("page", ["99999999999999999999", "9" * 40, "-1", "abc", "۹۹", "999999999"])
def test_odd_pages_show_a_page(toys: Toys, browser: Browser, page: str) -> None:
    toys.add(*(Kite(name=f"k{n}") for n in range(30)))
    response = browser.get(LIST, query_string={"page": page, "page_size": "7"})
    assert response.status_code == 200
    assert names(response.text)


def test_pages_keep_filters_and_order_in_their_addresses(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n:02}") for n in range(60)))
    html = browser.get(LIST + "?sort=name&state__eq=new").text
    following = re.search(r'rel="next" href="([^"]+)"', html)
    assert following is not None
    html = browser.get(following[1].replace("&amp;", "&")).text
    assert names(html)[0] == "k25"
    assert "26–50 of 60" in html


def test_a_count_is_bounded(toys: Toys, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    toys.add(*(Kite(name=f"k{n}") for n in range(4)))
    monkeypatch.setattr(list_query, "COUNT_LIMIT", 3)
    html = browser.get(LIST).text
    assert 'id="list-count">3+</span>' in html


def test_an_empty_list_says_why(toys: Toys, browser: Browser) -> None:
    assert "Nothing matches" in browser.get(LIST + "?search=zzz").text
    assert "Create the first record" in browser.get(LIST).text


def test_import_is_offered_to_those_who_may(toys: Toys, browser: Browser) -> None:
    assert "/import/toys.kite" in browser.get(LIST).text
    toys.permissions -= {"toys.kite.import"}
    assert "/import/toys.kite" not in browser.get(LIST).text
