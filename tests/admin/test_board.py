"""The board: lanes, sums, cards, and moving them."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from core.config import Config
from core.parts import Board
from tests.admin.toy_site import Browser, Toys, hooks_of
from tests.admin.toys import KITES, MAKERS, Kite, Land, Maker

BOARD = "/toys/kite/board"
MOVE = "/toys/kite/move"
HX = {"HX-Request": "true"}


def lane(html: str, key: object) -> str:
    """The markup of one lane."""
    return html.split(f'id="lane-{key}"')[1].split("</section>")[0]


def cards(html: str, key: object) -> list[str]:
    """The titles of a lane's cards."""
    return re.findall(r'class="d-n"[^>]*><bdi>(.*?)</bdi>', lane(html, key))


def test_lanes_show_counts_sums_and_the_first_cards(toys: Toys, browser: Browser) -> None:
    toys.add(
        Kite(name="a", price=Decimal("100.10"), chance=50),
        Kite(name="b", price=Decimal("0.10"), chance=100),
        Kite(name="c", price=Decimal(7), currency="EUR"),
        Kite(name="d", state="open", price=None),
    )
    html = browser.get(BOARD).text
    new = lane(html, "new")
    assert 'id="lane-count-new">3<' in new
    assert "$100.20" in new
    assert "€7" in new
    assert "weighted $50.15" in new
    assert len(cards(html, "new")) == 2
    assert cards(html, "open") == ["d"]
    assert cards(html, "lost") == []
    more = re.search(r'class="btn btn-link btn-sm lane-more" href="([^"]+)"', new)
    assert more is not None
    assert len(cards(browser.get(more[1].replace("&amp;", "&")).text, "new")) == 3


def test_a_board_costs_a_fixed_number_of_queries(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n}", state=state) for n in range(5) for state in ("new", "open", "lost")))
    statements: list[str] = []
    sa.event.listen(toys.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    browser.get(BOARD)
    assert len(statements) <= 4


def test_a_card_moves_and_both_lanes_get_new_sums(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a", price=Decimal(5)))
    answer = browser.post(MOVE, {"id": number, "lane": "open", "version": "1", "order": [str(number)]}, headers=HX)
    assert answer.status_code == 200
    assert 'id="lane-count-new">0<' in answer.text
    assert 'id="lane-count-open">1<' in answer.text
    assert 'data-version="2"' in answer.text
    assert "a moved to In progress" in answer.text
    assert toys.read(number).state == "open"


def test_a_move_without_a_script_leads_back_to_the_board(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a"))
    answer = browser.post(MOVE, {"id": number, "lane": "open"})
    assert answer.headers["Location"] == BOARD
    assert browser.flashed() == [("success", "a moved to In progress")]


def test_a_move_asks_for_what_it_needs(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a"))
    asked = browser.post(MOVE, {"id": number, "lane": "lost", "version": "1"}, headers=HX)
    assert asked.status_code == 422
    assert 'name="reason"' in asked.text
    assert toys.read(number).state == "new"
    empty = browser.post(MOVE, {"id": number, "lane": "lost", "version": "1", "reason": ""}, headers=HX)
    assert (empty.status_code, "This field is required." in empty.text) == (422, True)
    long = browser.post(MOVE, {"id": number, "lane": "lost", "version": "1", "reason": "x" * 99}, headers=HX)
    assert (long.status_code, "At most 80" in long.text) == (422, True)
    done = browser.post(MOVE, {"id": number, "lane": "lost", "version": "1", "reason": "too red"}, headers=HX)
    assert done.status_code == 200
    assert (toys.read(number).state, toys.read(number).reason) == ("lost", "too red")


@pytest.mark.parametrize("key", ["sold", "", "1", "x" * 500, "new\x00"])
def test_a_lane_that_is_not_there_is_refused(toys: Toys, browser: Browser, key: str) -> None:
    (number,) = toys.add(Kite(name="a", state="open"))
    assert browser.post(MOVE, {"id": number, "lane": key}, headers=HX).status_code == 409
    assert toys.read(number).state == "open"


def test_a_move_refuses_with_a_sentence_and_the_card_stays(toys: Toys, browser: Browser) -> None:
    glued, stale = toys.add(Kite(name="Glued"), Kite(name="a"))
    answer = browser.post(MOVE, {"id": glued, "lane": "open"}, headers=HX)
    assert (answer.status_code, answer.text) == (409, "It is glued.")
    assert browser.post(MOVE, {"id": stale, "lane": "open", "version": "7"}, headers=HX).status_code == 409
    assert browser.post(MOVE, {"id": stale, "lane": "open", "name": "sneaked"}, headers=HX).status_code == 400
    kite = toys.read(stale)
    assert (toys.read(glued).state, kite.state, kite.name) == ("new", "new", "a")


def test_a_screen_without_a_board_has_none(toys: Toys, browser: Browser) -> None:
    assert browser.get("/toys/maker/board").status_code == 404
    assert browser.post("/toys/maker/move", {"id": "1", "lane": "1"}).status_code == 404


@pytest.mark.parametrize("arguments", ["?lane=sold&cards=4", "?lane=%00&cards=1"])
def test_odd_lanes_in_addresses_are_refused(browser: Browser, arguments: str) -> None:
    assert browser.get(BOARD + arguments).status_code == 400


def test_linked_records_are_lanes_too(config: Config) -> None:
    linked = replace(KITES, board=Board(lane="maker", amount="price", order="position"))
    toys = Toys(config, screens=(linked, MAKERS))
    browser = toys.browser()
    last, first = toys.add(Maker(name="last", position=2), Maker(name="first", position=1))
    (number,) = toys.add(Kite(name="a", maker_id=last, price=Decimal(3)))
    html = browser.get(BOARD).text
    assert html.index(f'id="lane-{first}"') < html.index(f'id="lane-{last}"')
    assert cards(html, last) == ["a"]
    assert browser.post(MOVE, {"id": number, "lane": first}, headers=HX).status_code == 200
    assert toys.read(number).maker.name == "first"
    assert browser.post(MOVE, {"id": number, "lane": "999"}, headers=HX).status_code == 409
    assert browser.get(BOARD + "?scope=1").status_code == 404
    toys.database.dispose()


def test_a_scope_splits_lanes_into_boards(config: Config) -> None:
    scoped = replace(KITES, board=Board(lane="maker", amount="price", order="position", scope="land"))
    toys = Toys(config, screens=(scoped, MAKERS))
    north, south = Land(name="North"), Land(name="South")
    one, two = toys.add(Maker(name="one", land=north, probability=50), Maker(name="two", land=south))
    toys.add(Kite(name="a", maker_id=one, price=Decimal(9)), Kite(name="b", maker_id=two))
    browser = toys.browser()
    first, second = browser.get(BOARD).text, browser.get(f"{BOARD}?scope={south.id}").text
    assert cards(first, one) == ["a"]
    assert "weighted $4.50" in lane(first, one)
    assert f'id="lane-{two}"' not in first
    assert cards(second, two) == ["b"]
    assert f'href="{BOARD}?scope={north.id}"' in second
    for odd in ("99", "-1", "x", "۱"):
        assert browser.get(BOARD, query_string={"scope": odd}).status_code == 404
    toys.database.dispose()


def test_lanes_and_sums_follow_the_rules_of_rows(config: Config) -> None:
    def visible(model: type, actor: Any) -> Any:
        return model.name != "hidden" if model is Kite else None

    toys = Toys(config, hooks=hooks_of(query_filter=visible))
    toys.add(Kite(name="hidden", price=Decimal(1000)), Kite(name="seen", price=Decimal(1)))
    html = toys.browser().get(BOARD).text
    assert cards(html, "new") == ["seen"]
    assert 'id="lane-count-new">1<' in html
    assert "1,00" not in lane(html, "new")
    toys.database.dispose()
