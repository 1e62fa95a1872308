"""Notes, folded changes, filters and taking a change back, on the page of a record."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from core.records.audit import Audit
from core.records.events import OutboxEvent
from core.records.followers import Follower, followers
from core.records.note import Note
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, Maker, person

HX = {"HX-Request": "true"}


@pytest.fixture
def sara(toys: Toys) -> int:
    """Somebody who is signed in."""
    (number,) = toys.add(person("Sara Ahmadi", "sara@example.com"))
    toys.person = number
    return number


@pytest.fixture
def kite(toys: Toys) -> str:
    """The address of a red kite."""
    (number,) = toys.add(Kite(name="Red"))
    return f"/toys/kite/{number}"


def rows(toys: Toys, model: Any) -> list[Any]:
    with toys.work() as session:
        found = session.scalars(sa.select(model).order_by(*model.__table__.primary_key)).all()
        session.expunge_all()
        return list(found)


def change(toys: Toys, browser: Browser, kite: str, **values: str) -> None:
    """Edit the kite through its cells, as its page does."""
    number = kite.rpartition("/")[2]
    for name, value in values.items():
        answer = browser.post(f"/toys/kite/cell?id={number}&column={name}&whole=1", {name: value}, headers=HX)
        assert answer.status_code == 200, answer.text


def changes_of(toys: Toys) -> list[int]:
    return [row.id for row in rows(toys, Audit) if row.action == "changed"]


# --- notes


def test_a_note_tells_the_outbox_whom_it_mentions(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    (ali, _other) = toys.add(person("Ali", "ali@example.com"), person("Ali Reza", "reza@example.com"))
    browser.post(f"{kite}/note", {"body": "Ask @Ali, and not sara@Ahmadi or @Nobody."})
    (note,) = rows(toys, Note)
    assert note.mentions == [ali]
    told = [event for event in rows(toys, OutboxEvent) if event.name == "core.note.added"]
    assert [(event.record_type, event.data) for event in told] == [
        ("toys.kite", {"note_id": note.id, "mentions": [ali]})
    ]


def test_of_two_people_of_one_name_the_chosen_one_is_mentioned(toys: Toys, browser: Browser, kite: str) -> None:
    _first, second, gone = toys.add(
        person("Ali", "one@example.com"), person("Ali", "two@example.com"), person("Reza", "three@example.com")
    )
    browser.post(f"{kite}/note", {"body": "@Ali knows", "mentions": f"{second},{gone},x"})
    assert rows(toys, Note)[0].mentions == [second]


def test_the_picker_finds_people_by_part_of_their_name(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    assert browser.get(f"{kite}/people?query=ahm").get_json() == [[sara, "Sara Ahmadi"]]
    assert browser.get(f"{kite}/people?query=%25").get_json() == []
    toys.permissions -= {"toys.kite.edit"}
    assert browser.get(f"{kite}/people").status_code == 404


def test_ones_own_note_is_changed_and_deleted_and_the_history_keeps_it(
    toys: Toys, browser: Browser, sara: int, kite: str
) -> None:
    browser.post(f"{kite}/note", {"body": "frist"})
    (note,) = rows(toys, Note)
    edit = f"{kite}/note/{note.id}"
    assert "frist" in browser.get(edit).text
    assert "<html" not in browser.get(edit, headers=HX).text
    refused = browser.post(edit, {"body": " "}, headers=HX)
    assert (refused.status_code, "Write something first." in refused.text) == (422, True)
    assert browser.post(edit, {"body": "first"}).location == kite
    page = browser.get(kite).text
    assert "first" in page
    assert "left a note (edited)" in page
    browser.post(f"{edit}/delete")
    assert rows(toys, Note) == []
    kept = [row.changes["note"] for row in rows(toys, Audit) if row.action.startswith("note_")]
    assert kept == [["frist", "first"], ["first", None]]
    assert "deleted a note" in browser.get(kite).text


def test_somebody_elses_note_is_left_alone(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    browser.post(f"{kite}/note", {"body": "mine"})
    (note,) = rows(toys, Note)
    (toys.person,) = toys.add(person("Ali", "ali@example.com"))
    edit = f"{kite}/note/{note.id}"
    assert browser.get(edit).status_code == 404
    assert browser.post(edit, {"body": "yours"}).status_code == 404
    assert browser.post(f"{edit}/delete").status_code == 404
    assert f"{edit}/delete" not in browser.get(kite).text
    assert rows(toys, Note)[0].body == "mine"


def test_a_note_is_reached_only_through_its_own_record(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    browser.post(f"{kite}/note", {"body": "mine"})
    (note,) = rows(toys, Note)
    (other,) = toys.add(Kite(name="Blue"))
    assert browser.get(f"/toys/kite/{other}/note/{note.id}").status_code == 404
    assert browser.post(f"/toys/kite/{other}/note/{note.id}/delete").status_code == 404


def test_a_pinned_note_stands_above_the_story(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    browser.post(f"{kite}/note", {"body": "the-gate-code"})
    (note,) = rows(toys, Note)
    assert browser.get(kite).text.count("the-gate-code") == 1
    browser.post(f"{kite}/note/{note.id}/pin", {"pinned": "1"})
    page = browser.get(kite).text
    assert "Pinned" in page
    assert page.count("the-gate-code") == 2
    browser.post(f"{kite}/note/{note.id}/pin", {"pinned": ""})
    assert browser.get(kite).text.count("the-gate-code") == 1


# --- the story


def test_changes_of_one_person_within_minutes_are_one_line(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    change(toys, browser, kite, name="Blue", weight="2")
    page = browser.get(kite).text
    assert "made 2 changes" in page
    assert page.count("/revert/") == 2


def test_the_story_is_filtered_by_kind(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    browser.post(f"{kite}/note", {"body": "only-a-note"})
    change(toys, browser, kite, name="Blue")
    notes, changes = browser.get(f"{kite}?show=notes").text, browser.get(f"{kite}?show=changes").text
    assert ("only-a-note" in notes, "<del>" in notes) == (True, False)
    assert ("only-a-note" in changes, "<del>" in changes) == (False, True)
    assert browser.get(f"{kite}?show=gossip").status_code == 400


def test_older_entries_come_as_a_fragment(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    for number in range(30):
        browser.post(f"{kite}/note", {"body": f"note-{number}-"})
    page = browser.get(kite).text
    part = unescape(re.findall(r'hx-get="([^"]*/story[^"]*)"', page)[0])
    older = browser.get(part).text
    assert "<html" not in older
    assert "note-2-" in older
    assert "note-29-" not in older


def test_a_record_tells_what_happened_to_those_that_point_at_it(toys: Toys, browser: Browser) -> None:
    maker = Maker(name="Acme")
    (number,) = toys.add(maker)
    with toys.work() as session:
        session.add(Kite(name="Childish", maker=session.get(Maker, number)))
    page = browser.get(f"/toys/maker/{number}").text
    assert "Related records" in page
    assert page.count("<bdi>Childish</bdi>") == 2  # in the story, and in the panel of kites
    assert browser.get(f"/toys/maker/{number}?show=children").text.count("created this record") == 1
    toys.permissions -= {"toys.kite.see"}
    assert "Childish" not in browser.get(f"/toys/maker/{number}").text


def test_a_related_panel_counts_lists_and_adds(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Maker(name="Acme"))
    toys.add(*(Kite(name=f"kite-{n}", maker_id=number, price=Decimal(n)) for n in range(8)))
    page = browser.get(f"/toys/maker/{number}").text
    assert f"/toys/kite/?flt0_maker__eq={number}" in page
    assert f"maker={number}" in re.findall(r'href="(/toys/kite/new[^"]*)"', page)[0]
    assert "$7" in page
    assert "kite-0" not in page.split('id="related-toys-kite-maker"')[1].split("</section>")[0]


# --- taking a change back


def test_a_change_is_taken_back_and_that_is_a_change_too(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    number = int(kite.rpartition("/")[2])
    (maker,) = toys.add(Maker(name="Acme"))
    change(toys, browser, kite, name="Blue", price="12.50", day="2026-11-23", maker=str(maker))
    for one in reversed(changes_of(toys)):
        assert browser.post(f"{kite}/revert/{one}").location == kite
    read = toys.read(number)
    assert (read.name, read.price, read.day, read.maker_id) == ("Red", None, None, None)
    assert len(changes_of(toys)) == 8
    browser.post(f"{kite}/revert/{changes_of(toys)[7]}")
    assert toys.read(number).name == "Blue"


def test_what_was_changed_again_since_is_shown_and_asked_about(
    toys: Toys, browser: Browser, sara: int, kite: str
) -> None:
    number = int(kite.rpartition("/")[2])
    with toys.work() as session:
        found = session.get(Kite, number)
        found.name, found.reason = "Blue", "paint"
    (first,) = changes_of(toys)
    with toys.work() as session:
        session.get(Kite, number).name = "Green"
    number_before = toys.read(number).version
    # ``reason`` is no field of the form: it follows from others and is left.
    asked = browser.post(f"{kite}/revert/{first}")
    assert asked.status_code == 409
    assert "Green" in asked.text
    assert toys.read(number).version == number_before
    browser.post(f"{kite}/revert/{first}", {"sure": "1"})
    assert (toys.read(number).name, toys.read(number).reason) == ("Red", "paint")


def test_nobody_takes_back_what_he_may_not_edit(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    number = int(kite.rpartition("/")[2])
    with toys.work() as session:
        session.get(Kite, number).secret = "told"
    (one,) = changes_of(toys)
    browser.post(f"{kite}/revert/{one}", {"sure": "1"})
    assert toys.read(number).secret == "told"
    (other,) = toys.add(Kite(name="Other"))
    assert browser.post(f"/toys/kite/{other}/revert/{one}").status_code == 404
    assert browser.post(f"{kite}/revert/{one}", {"name": "sneaked"}).status_code == 400
    toys.permissions -= {"toys.kite.edit"}
    assert browser.post(f"{kite}/revert/{one}").status_code == 404


def test_an_old_value_that_breaks_a_rule_stays_away_with_a_sentence(
    toys: Toys, browser: Browser, sara: int, kite: str
) -> None:
    (maker,) = toys.add(Maker(name="Acme"))
    change(toys, browser, kite, maker=str(maker))
    change(toys, browser, kite, maker="")
    with toys.work() as session:
        session.delete(session.get(Maker, maker))
    browser.post(f"{kite}/revert/{changes_of(toys)[-1]}")
    ((kind, text),) = browser.flashed()
    assert (kind, "no longer there" in text) == ("danger", True)


# --- following


def test_whoever_follows_a_record_is_among_its_followers(toys: Toys, browser: Browser, sara: int, kite: str) -> None:
    for _again in range(2):
        browser.post(f"{kite}/follow", {"follow": "1"})
    assert "Following" in browser.get(kite).text
    with toys.work() as session:
        assert followers(session.get(Kite, int(kite.rpartition("/")[2]))) == [sara]
    browser.post(f"{kite}/follow", {"follow": ""})
    assert rows(toys, Follower) == []


# --- fields


def test_every_field_of_the_form_is_changed_where_it_is_seen(
    toys: Toys, browser: Browser, sara: int, kite: str
) -> None:
    number = kite.rpartition("/")[2]
    page = browser.get(kite).text
    for name in ("name", "notes", "flies", "tags", "owner"):
        address = f"/toys/kite/cell?id={number}&column={name}&whole=1"
        assert address.replace("&", "&amp;") in page
        assert browser.get(address).status_code == 200
    change(toys, browser, kite, notes="two\nlines")
    assert toys.read(int(number)).notes == "two\nlines"
    assert browser.get(f"/toys/kite/cell?id={number}&column=secret&whole=1").status_code == 404
    toys.permissions -= {"toys.kite.edit"}
    assert "/toys/kite/cell" not in browser.get(kite).text


# --- neighbours


def test_next_and_previous_follow_the_list_one_came_from(toys: Toys, browser: Browser) -> None:
    lost, _open, last, _other = toys.add(
        Kite(name="a", state="lost"), Kite(name="b", state="open"), Kite(name="c", state="lost"), Kite(name="d")
    )
    came = {"Referer": "http://localhost/toys/kite/?state__eq=lost&sort=name"}
    page = browser.get(f"/toys/kite/{lost}", headers=came).text
    onward = unescape(re.findall(r'rel="next" href="([^"]*)"', page)[0])
    there = browser.get(onward).location
    assert there.partition("?")[0] == f"/toys/kite/{last}"
    back = unescape(re.findall(r'rel="prev" href="([^"]*)"', browser.get(there).text)[0])
    assert browser.get(back).location.partition("?")[0] == f"/toys/kite/{lost}"
    assert browser.get(onward.replace(f"/{lost}/", f"/{last}/")).location.partition("?")[0] == f"/toys/kite/{last}"
    assert browser.flashed() == [("info", "This was the last one.")]
    assert browser.get(f"/toys/kite/{lost}/next?list=secret__eq%3Dx").status_code == 400
    elsewhere = {"Referer": "http://evil.example/toys/kite/?state__eq=lost"}
    assert "state__eq" not in browser.get(f"/toys/kite/{lost}", headers=elsewhere).text


def test_a_pinned_note_that_is_older_than_the_page_stands_above_it_and_nowhere_else(
    toys: Toys, browser: Browser, sara: int, kite: str
) -> None:
    browser.post(f"{kite}/note", {"body": "the-gate-code"})
    (note,) = rows(toys, Note)
    browser.post(f"{kite}/note/{note.id}/pin", {"pinned": "1"})
    for number in range(55):
        browser.post(f"{kite}/note", {"body": f"note-{number}-"})
    page = browser.get(kite).text
    assert page.count("the-gate-code") == 1
    assert "note-54-" in page
