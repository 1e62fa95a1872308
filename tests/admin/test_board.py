"""The board: lanes, sums, cards, and moving them."""

import datetime as dt
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from core.accounts.models import now
from core.config import Config
from core.parts import Board
from tests.admin.toy_site import Browser, Toys, hooks_of
from tests.admin.toys import EVERYTHING, KITES, MAKERS, Kite, Land, Maker, person

BOARD = "/toys/kite/board"
MOVE = "/toys/kite/move"
LIST = "/toys/kite/"
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


def test_what_people_typed_is_text_on_every_card(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="<i>-id-</i>", price=Decimal(1)), Kite(name="a & {b} %s", price=Decimal(2)), Kite(name="c"))
    html = browser.get(f"{BOARD}?lane=new&cards=9").text
    assert cards(html, "new") == ["&lt;i&gt;-id-&lt;/i&gt;", "a &amp; {b} %s", "c"]
    assert 'aria-label="Move &lt;i&gt;-id-&lt;/i&gt;"' in html
    assert re.findall(r'<div class="d-r"><b>(.*?)</b>', lane(html, "new")) == ["$1", "$2"]


def test_a_board_costs_a_fixed_number_of_queries(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n}", state=state) for n in range(5) for state in ("new", "open", "lost")))
    statements: list[str] = []
    sa.event.listen(toys.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    browser.get(BOARD)
    assert len(statements) <= 10


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
    ((category, text),) = browser.flashed()
    assert text == "a moved to In progress"
    assert category.startswith(f"undo {MOVE}?")
    browser.post(category.removeprefix("undo "))
    assert toys.read(number).state == "new"


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


def test_a_board_is_laid_out_by_any_choice_user_or_ordered_link(toys: Toys, browser: Browser) -> None:
    sara, maker = person(), Maker(name="Nour")
    toys.add(sara, maker)
    toys.add(Kite(name="a", owner_id=sara.id, maker_id=maker.id), Kite(name="b"))
    by_owner = browser.get(f"{BOARD}?by=owner").text
    assert cards(by_owner, sara.id) == ["a"]
    assert cards(by_owner, "_") == ["b"]
    assert cards(browser.get(f"{BOARD}?by=maker").text, maker.id) == ["a"]
    for name in ("tags", "name", "price", "created_by_id", "nothing", "maker.land", "x" * 300):
        assert browser.get(BOARD, query_string={"by": name}).status_code == 400, name


def test_a_user_who_left_keeps_a_lane_while_records_are_his(toys: Toys, browser: Browser) -> None:
    gone, idle = person(), person("Idle", "idle@example.com")
    gone.active = idle.active = False
    toys.add(gone, idle)
    toys.add(Kite(name="a", owner_id=gone.id))
    html = browser.get(f"{BOARD}?by=owner").text
    assert cards(html, gone.id) == ["a"]
    assert f'id="lane-{idle.id}"' not in html


def test_a_card_moves_into_the_lane_without_a_value(toys: Toys, browser: Browser) -> None:
    sara = person()
    toys.add(sara)
    (number,) = toys.add(Kite(name="a", owner_id=sara.id))
    answer = browser.post(f"{MOVE}?by=owner", {"id": number, "lane": "_", "version": "1"}, headers=HX)
    assert 'id="lane-count-_">1<' in answer.text
    assert toys.read(number).owner_id is None
    # A required field has no such lane.
    assert browser.post(MOVE, {"id": number, "lane": "_"}, headers=HX).status_code == 409


def test_a_board_obeys_search_filters_and_order(toys: Toys, browser: Browser) -> None:
    toys.add(
        Kite(name="red one", price=Decimal(1)), Kite(name="red two", price=Decimal(2)), Kite(name="blue", price=None)
    )
    found = browser.get(f"{BOARD}?search=red").text
    assert cards(found, "new") == ["red one", "red two"]
    assert 'id="lane-count-new">2<' in found
    assert "$3" in lane(found, "new")
    assert cards(browser.get(f"{BOARD}?flt0_price__ge=2").text, "new") == ["red two"]
    assert cards(browser.get(f"{BOARD}?search=red&sort=name&desc=1").text, "new") == ["red two", "red one"]
    assert browser.get(f"{BOARD}?flt0_secret__eq=1").status_code == 400


def test_the_switch_keeps_what_is_searched_and_filtered(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="red"))
    assert f'href="{BOARD}?search=red&amp;flt0_price__ge=2"' in browser.get(f"{LIST}?search=red&flt0_price__ge=2").text
    assert f'href="{LIST}?search=red"' in browser.get(f"{BOARD}?search=red&by=maker").text


def test_quick_add_asks_for_the_name_and_stays_in_the_lane(toys: Toys, browser: Browser) -> None:
    address = f"{BOARD}/add?lane=open"
    form = browser.get(address, headers=HX).text
    assert 'name="name"' in form
    assert 'name="price"' not in form
    refused = browser.post(address, {"name": ""}, headers=HX)
    assert (refused.status_code, toys.count()) == (422, 0)
    done = browser.post(address, {"name": "Swift"}, headers=HX)
    assert 'id="lane-count-open">1<' in done.text
    assert "Swift" in done.text
    assert cards(browser.get(BOARD).text, "open") == ["Swift"]
    assert browser.post(address, {"name": "Plain"}).headers["Location"] == BOARD
    assert browser.post(address, {"name": "x", "state": "lost"}).status_code == 400
    for odd in ("", "sold", "_", "%00"):
        assert browser.get(f"{BOARD}/add?lane={odd}").status_code == 400
    assert toys.count() == 2


def test_a_card_that_is_added_twice_is_one_card(toys: Toys, browser: Browser) -> None:
    address = f"{BOARD}/add?lane=open"

    def key(html: str) -> str:
        return str(re.search(r'name="form_key" value="([0-9a-f]{32})"', html)[1])  # type: ignore[index]

    first = key(browser.get(address, headers=HX).text)
    answers = [browser.post(address, {"name": "Swift", "form_key": first}, headers=HX) for _ in range(2)]
    assert all("Swift" in answer.text and 'id="lane-count-open">1<' in answer.text for answer in answers)
    assert browser.post(address, {"name": "Swift", "form_key": first}).status_code == 302
    assert toys.count() == 1
    second = key(answers[0].text)  # the form stays open for the next card
    browser.post(address, {"name": "Swallow", "form_key": second}, headers=HX)
    assert toys.count() == 2


def test_what_a_lane_asks_for_is_asked_by_moves_and_by_every_other_door(toys: Toys, browser: Browser) -> None:
    maker = Maker(name="Nour", required_fields=["reason", "gone"])
    toys.add(maker)
    (number,) = toys.add(Kite(name="a"))
    move = {"id": number, "lane": maker.id, "version": "1"}
    asked = browser.post(f"{MOVE}?by=maker", move, headers=HX)
    assert (asked.status_code, 'name="reason"' in asked.text) == (422, True)
    form = browser.form(f"/toys/kite/{number}/edit")
    refused = browser.post(f"/toys/kite/{number}/edit", form | {"maker": str(maker.id)})
    assert (refused.status_code, "“Nour” needs this." in refused.text) == (422, True)
    assert toys.read(number).maker is None
    quick = browser.get(f"{BOARD}/add?by=maker&lane={maker.id}", headers=HX)
    assert 'name="reason"' not in quick.text  # it has no place on the form of a kite
    assert browser.post(f"{MOVE}?by=maker", move | {"reason": "light"}, headers=HX).status_code == 200
    kite = toys.read(number)
    assert (kite.maker.name, kite.reason) == ("Nour", "light")


def test_a_lane_is_kept_where_it_is_seen_by_those_who_may(toys: Toys, browser: Browser) -> None:
    maker = Maker(name="Nour")
    toys.add(maker)
    address = f"{BOARD}/lane?by=maker&lane={maker.id}"
    assert "board/lane" in browser.get(f"{BOARD}?by=maker").text
    page = browser.get(address).text
    for name in ("rot_days", "card_limit", "required_fields"):
        assert f'name="{name}"' in page
    values = {"version": "1", "name": "Nour", "rot_days": "۹", "card_limit": "", "required_fields": ["phone", "day"]}
    assert browser.post(address, values | {"required_fields": ["secret"]}).status_code == 422
    assert browser.post(address, values | {"rot_days": "x"}).status_code == 422
    assert browser.post(address, values | {"version": "0"}).status_code == 409
    assert browser.post(address, values).status_code == 302
    with toys.work() as session:
        kept = session.get(Maker, maker.id)
        assert (kept.rot_days, kept.card_limit, kept.required_fields) == (9, None, ["day", "phone"])
    toys.permissions = EVERYTHING - {"toys.maker.edit"}
    assert browser.get(address).status_code == 404
    assert browser.post(address, values | {"version": "2"}).status_code == 404
    assert "board/lane" not in browser.get(f"{BOARD}?by=maker").text
    for odd in ("", "_", "x", "0"):
        assert browser.get(f"{BOARD}/lane?by=maker&lane={odd}").status_code in (400, 404)
    assert browser.get(f"{BOARD}/lane?lane=new").status_code == 404


def test_cards_that_lie_too_long_stand_out_and_can_be_shown_alone(config: Config) -> None:
    toys = Toys(config, screens=(replace(KITES, board=Board(lane="maker", since="moment")), MAKERS))
    maker = Maker(name="Nour", rot_days=8, card_limit=2)
    toys.add(maker)
    today = now()
    for name, days in (("fresh", 1), ("ageing", 7), ("old", 9), ("idle", None)):
        since = today - dt.timedelta(days=days) if days else None
        toys.add(Kite(name=name, maker_id=maker.id, moment=since))
    browser = toys.browser()
    html = lane(browser.get(BOARD).text, maker.id)
    assert re.findall(r'class="card dcard ?(\w*)"', html).count("old") == 1
    assert re.findall(r'class="card dcard ?(\w*)"', html).count("ageing") == 1
    assert "9 days here" in html
    assert 'class="count over"' in html
    stuck = browser.get(f"{BOARD}?stuck=1").text
    assert cards(stuck, maker.id) == ["old"]
    assert f'id="lane-count-{maker.id}">1/2<' in stuck
    toys.database.dispose()


def test_a_move_without_a_script_goes_by_pages(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a"))
    page = browser.get(f"{MOVE}?id={number}").text
    assert 'name="lane" value="open"' in page
    asked = browser.post(MOVE, {"id": number, "lane": "lost", "version": "1"})
    assert (asked.status_code, "<html" in asked.text, 'name="reason"' in asked.text) == (422, True, True)
    toys.permissions = EVERYTHING - {"toys.kite.edit"}
    assert browser.get(f"{MOVE}?id={number}").status_code == 404


def test_hidden_records_do_not_take_the_place_of_visible_ones(config: Config) -> None:
    def visible(model: type, actor: Any) -> Any:
        return ~model.name.startswith("hidden") if model is Kite else None

    toys = Toys(config, hooks=hooks_of(query_filter=visible))
    toys.add(*(Kite(name=f"hidden {n}", day=dt.date(2026, 1, 1)) for n in range(5)), Kite(name="a"), Kite(name="b"))
    assert cards(toys.browser().get(BOARD).text, "new") == ["a", "b"]
    toys.database.dispose()
