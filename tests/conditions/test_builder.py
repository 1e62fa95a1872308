"""The builder works by addresses alone: nothing typed is lost, and nothing is changed."""

from __future__ import annotations

import datetime as dt
import json
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.admin.condition_builder import ConditionBuilder
from core.admin.condition_draft import opened
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, Maker

# What is asked of the database is proved elsewhere on both.
pytestmark = pytest.mark.parametrize("shared_toys", ["sqlite"], indirect=True)
PAGE = "/toys/kite/filter"


@pytest.fixture
def toys(shared_toys: Toys) -> Toys:
    shared_toys.empty()
    return shared_toys


@pytest.fixture
def browser(toys: Toys) -> Browser:
    return toys.browser()


def boxes(html: str) -> dict[str, list[str]]:
    """What the form would send, as a browser without a script reads it."""
    form = html.split('id="condition"', 1)[1].split("</form>", 1)[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        found.setdefault(attribute(tag, "name"), []).append(attribute(tag, "value"))
    for tag, body in re.findall(r"(<select [^>]*>)(.*?)</select>", form, re.DOTALL):
        options = re.findall(r"<option [^>]*>", body)
        chosen = [attribute(option, "value") for option in options if " selected" in option]
        if not chosen and " multiple" not in tag:
            chosen = [attribute(options[0], "value")]
        found.setdefault(attribute(tag, "name"), []).extend(chosen)
    for name, body in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found.setdefault(name, []).append(unescape(body))
    return found


def attribute(tag: str, name: str) -> str:
    match = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(match[1]) if match else ""


def send(browser: Browser, sent: dict[str, list[str]], do: str = "update", **changes: str) -> Any:
    values = sent | {name.replace("_", "."): [value] for name, value in changes.items()} | {"do": [do]}
    return browser.get(PAGE, query_string=[(name, one) for name, several in values.items() for one in several])


def where_of(response: Any) -> Any:
    assert response.status_code == 302
    return json.loads(parse_qs(urlsplit(response.headers["Location"]).query)["where"][0])


def test_a_condition_is_built_step_by_step_without_a_script(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="Red", state="open"), Kite(name="Blue", state="open"), Kite(name="Red too"))
    page = send(browser, boxes(browser.get(PAGE).text), c_0_f="state")
    assert "unfinished" in page.text
    page = send(browser, boxes(page.text), "add c", c_0_v="open")
    page = send(browser, boxes(page.text), c_1_f="name")
    page = send(browser, boxes(page.text), c_1_o="contains", c_1_v="red")
    assert "State is In progress and Name contains “red”" in page.text
    assert "<b>1</b> Kite<" in page.text
    answer = send(browser, boxes(page.text), "show")
    assert where_of(answer) == {"all": [
        {"field": "state", "op": "eq", "value": "open"}, {"field": "name", "op": "contains", "value": "red"}
    ]}  # fmt: skip
    assert "State is In progress and" in browser.get(answer.headers["Location"]).text


def test_groups_are_nested_and_removed(toys: Toys, browser: Browser) -> None:
    page = send(browser, boxes(browser.get(PAGE).text), "group c", c_0_f="name", c_0_b="name", c_0_v="a")
    page = send(browser, boxes(page.text), "add c.1", c_1_j="none", c_1_0_f="name", c_1_0_b="name", c_1_0_v="b")
    page = send(browser, boxes(page.text), c_1_1_f="flies")
    page = send(browser, boxes(page.text), c_1_1_v="0")
    whole = where_of(send(browser, boxes(page.text), "show"))
    assert whole["all"][1]["not"]["any"][1] == {"field": "flies", "op": "eq", "value": False}
    page = send(browser, boxes(page.text), "remove c.1.0")
    assert where_of(send(browser, boxes(page.text), "show"))["all"][1] == {
        "not": {"any": [{"field": "flies", "op": "eq", "value": False}]}
    }
    page = send(browser, boxes(page.text), "remove c.1")
    assert "flies" not in json.dumps(where_of(send(browser, boxes(page.text), "show")))


TREES = [
    {"field": "day", "op": "ge", "value": "2026-11-26"},
    {"field": "day", "op": "eq", "value": "today"},
    {"field": "moment", "op": "lt", "value": "today-30"},
    {"field": "day", "op": "between", "value": ["2026-11-26", "today+7"]},
    {"field": "day", "op": "within", "value": "this_month"},
    {"field": "day", "op": "not_within", "value": "last_7_days"},
    {"field": "price", "op": "between", "value": [5, "19.99"]},
    {"field": "state", "op": "in", "value": ["new", "lost"]},
    {"field": "name", "op": "not_in", "value": ["a, b", "«ب»"]},
    {"field": "owner", "op": "in", "value": ["me"]},
    {"field": "maker", "op": "eq", "value": 77},
    {"field": "maker.name", "op": "empty"},
    {"field": "flies", "op": "ne", "value": True},
    {"search": "علی <b>"},
    {"not": {"field": "name", "op": "starts", "value": '"x"'}},
    {"any": [{"all": [{"field": "name", "op": "eq", "value": "1"}]}, {"not": {"any": [{"search": "zz"}]}}]},
]


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_condition_that_is_opened_and_shown_again_is_the_same(toys: Toys, browser: Browser, language: str) -> None:
    browser.client.set_cookie("peyvand_language", language)
    for tree in TREES:
        page = browser.get(PAGE, query_string={"where": json.dumps(tree)})
        answer = send(browser, boxes(page.text), "show")
        assert answer.status_code == 302, tree
        again = where_of(answer)
        whole = tree if "all" in tree or "any" in tree else {"all": [tree]}
        if "not" in tree:
            whole = {"not": {"any": [tree["not"]]}}
        assert again in (whole, tree), tree


def test_counts_have_conditions_of_their_own(toys: Toys, browser: Browser) -> None:
    maker = Maker(name="Wind")
    toys.add(maker, Maker(name="Idle"), Kite(name="k", maker=maker, state="open"))
    tree = {"count": "toys.kite.maker", "op": "ge", "value": 1,
            "where": {"all": [{"field": "state", "op": "eq", "value": "open"}]}}  # fmt: skip
    page = browser.get("/toys/maker/filter", query_string={"where": json.dumps(tree)})
    assert "there are Kites where State is In progress" in page.text
    assert "<b>1</b> Maker<" in page.text
    assert boxes(page.text)["c.0.w.0.v"] == ["open"]


def test_what_cannot_be_read_stays_in_its_box_with_the_reason(toys: Toys, browser: Browser) -> None:
    page = send(browser, {"c.j": ["all"], "c.0.f": ["price"], "c.0.o": ["ge"], "c.0.v": ["much <b>"]}, "show")
    assert page.status_code == 200
    assert "Not a number" in page.text
    assert 'value="much &lt;b&gt;"' in page.text
    page = send(browser, {"c.j": ["all"], "c.0.f": ["gone"], "c.0.o": ["ge"], "c.0.v": ["1"]}, "show")
    assert "not there any more: gone" in page.text
    page = send(browser, {"c.j": ["all"], "c.0.f": ["secret"], "c.0.o": ["eq"], "c.0.v": ["1"]}, "show")
    assert "not there any more: secret" in page.text


@pytest.mark.parametrize(
    "sent",
    [
        {"where": "{"},
        {"where": '{"field": "secret", "op": "eq", "value": "x"}'},
        {"c.j": "sideways", "c.0.j": "any", "c.0.0.f": "name", "do": "remove c.9.9"},
        {"c.j": "all", "c.0.f": "?", "do": "add c.0.0.0"},
        {"c.j": "all", "c.0.f": "#", "c.0.w.j": "all", "c.0.w.0.f": "x", "do": "add c.0.w"},
        {"c.j": "all", "do": "remove c"},
        {"c.j": "all", "do": "drop table"},
        {"c.j": "all", **{f"c.{n}.f": "name" for n in range(300)}},
        {**{".".join(["c", *["0"] * n, "j"]): "any" for n in range(40)}},
        {"c.j": "all", "c.0.f": "day", "c.0.m": "after", "c.0.v": "9" * 50},
        {"c.j": "all", "c.0.f": "name", "c.0.v": "\x00"},
    ],
)
def test_odd_addresses_never_break_the_page(toys: Toys, browser: Browser, sent: dict[str, str]) -> None:
    assert browser.get(PAGE, query_string=sent).status_code in (200, 400)


def test_pickers_find_records_and_only_of_fields_that_link(toys: Toys, browser: Browser) -> None:
    (maker,) = toys.add(Maker(name="Wind"))
    assert browser.get(f"{PAGE}/lookup?name=maker&query=win").json == [[maker, "Wind"]]
    for name in ("name", "secret", "maker.secret", "#toys.kite.maker", ""):
        assert browser.get(f"{PAGE}/lookup", query_string={"name": name}).status_code == 400
    toys.permissions = frozenset()
    assert browser.get(f"{PAGE}/lookup?name=maker").status_code == 404
    assert browser.get(PAGE).status_code == 404


def test_the_way_back_is_the_view_that_was_left(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="Red"))
    html = browser.get("/toys/kite/?search=red&sort=name&state__eq=new").text
    address = unescape(re.findall(r'href="(/toys/kite/filter[^"]*)"', html)[0])
    page = browser.get(address)
    assert "State is New" in page.text
    sent = {"c.j": ["all"], "c.0.f": ["flies"], "c.0.v": ["1"], "search": ["red"], "sort": ["name"]}
    answer = send(browser, sent, "show")
    assert answer.headers["Location"].startswith("/toys/kite/?search=red&sort=name&where=")
    board = send(browser, sent | {"to": ["board_view"]}, "show")
    assert urlsplit(board.headers["Location"]).path == "/toys/kite/board"
    assert send(browser, sent | {"to": ["delete_view"]}, "show").status_code == 400
    odd = send(browser, sent | {"_external": ["1"], "_scheme": ["javascript"]}, "show")
    assert odd.headers["Location"].startswith("/toys/kite/?")


def test_a_page_needs_few_queries(toys: Toys, browser: Browser) -> None:
    import sqlalchemy as sa

    toys.add(*(Kite(name=f"K{n}", maker=Maker(name=f"M{n}")) for n in range(30)))
    statements: list[str] = []
    sa.event.listen(toys.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    tree = {
        "all": [{"field": "maker", "op": "eq", "value": 3}, {"field": "maker.name", "op": "contains", "value": "M"}]
    }
    assert browser.get(PAGE, query_string={"where": json.dumps(tree)}).status_code == 200
    assert len(statements) <= 12, statements


def test_a_value_typed_for_another_field_is_not_taken_over(toys: Toys, browser: Browser) -> None:
    page = send(browser, {"c.j": ["all"], "c.0.f": ["price"], "c.0.b": ["name"], "c.0.o": ["eq"], "c.0.v": ["Red"]})
    assert boxes(page.text)["c.0.v"] == [""]
    assert "unfinished" in page.text


def test_days_are_shown_as_the_reader_writes_them(toys: Toys, browser: Browser) -> None:
    browser.client.set_cookie("peyvand_language", "fa")
    tree = {"field": "day", "op": "ge", "value": dt.date(2026, 11, 26).isoformat()}
    page = browser.get(PAGE, query_string={"where": json.dumps(tree)})
    assert boxes(page.text)["c.0.v"] == ["۱۴۰۵/۰۹/۰۵"]


def test_a_builder_in_another_form_has_its_own_names(toys: Toys) -> None:
    with toys.app.test_request_context():
        builder = ConditionBuilder(toys.site.catalog.find("toys.kite"), "segment")
        builder.draft = opened({"all": [{"field": "name", "op": "empty"}]})
        assert builder.parts()["parts"][0]["place"] == "segment.0"
        assert builder.condition().tree == {"all": [{"field": "name", "op": "empty"}]}
