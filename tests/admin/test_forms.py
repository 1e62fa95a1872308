"""Creating and editing: every kind of field, what is refused, and two people at once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from core.accounts.actor import as_system
from core.config import Config
from core.errors import Blocked, ValidationError
from tests.admin.toy_site import Browser, Toys, hooks_of, posted_by
from tests.admin.toys import Kite, Maker, Tag, Tail, person

NEW = "/toys/kite/new"
LEAST = {"name": "Red", "state": "new", "currency": "USD"}


def test_every_kind_is_stored_as_typed_in_persian(toys: Toys, browser: Browser) -> None:
    (maker,) = toys.add(Maker(name="Wind"))
    tags = toys.add(Tag(name="a"), Tag(name="b"))
    browser.client.set_cookie("peyvand_language", "fa")
    response = browser.post(
        NEW,
        {
            **LEAST, "name": "كايت ۱", "state": "open", "price": "۱٬۲۳۴٫۵", "currency": "IRR", "chance": "٤٠",
            "day": "۱۴۰۵/۰۹/۰۱", "moment": "۱۴۰۵/۰۹/۰۱ ۱۲:۳۰", "paint": "sky", "weight": "۲٫۵",
            "phone": "۰۹۱۲ ۱۲۳ ۴۵۶۷", "email": "A@Example.com",
            "site": "example.com/x", "maker": str(maker), "tags": [str(tag) for tag in tags],
            "notes": "line one\nline two", "extra": '{"a": 1}', "tails-0-id": "", "tails-0-label": "دراز",
            "tails-0-length": "۳",
        },
    )  # fmt: skip
    assert response.status_code == 302, response.text
    kite = toys.read(1)
    assert (kite.name, kite.state, kite.price, kite.currency) == ("کایت ۱", "open", Decimal("1234.50"), "IRR")
    assert (kite.chance, kite.weight, kite.flies, kite.paint) == (40, 2.5, False, "sky")
    assert kite.day == dt.date(2026, 11, 22)
    assert kite.moment == dt.datetime(2026, 11, 22, 12, 30, tzinfo=dt.UTC)
    assert (kite.phone, kite.email, kite.site) == ("+989121234567", "a@example.com", "https://example.com/x")
    assert (kite.maker.name, [tag.name for tag in kite.tags], kite.extra) == ("Wind", ["a", "b"], {"a": 1})
    assert [(tail.label, tail.length) for tail in kite.tails] == [("دراز", 3)]


def test_a_form_that_nobody_changed_changes_nothing(toys: Toys, browser: Browser) -> None:
    kite = Kite(
        name="Red", price=Decimal("1234567.89"), currency="XYZ", weight=35.70123456, chance=7, paint="sky",
        day=dt.date(2026, 11, 22), moment=dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC), phone="+989121234567",
        email="a@b.example",
        site="https://x.example/?a=1", notes="a\nb", extra={"a": [1, "ب"]}, maker=Maker(name="m"), tags=[Tag(name="t")],
        tails=[Tail(label="long", length=3, stripes=True)], owner=person(),
    )  # fmt: skip
    (number,) = toys.add(kite)
    before = toys.read(number)
    for language in ("en", "fa"):
        browser.client.set_cookie("peyvand_language", language)
        typed = browser.form(f"/toys/kite/{number}/edit")
        assert browser.post(f"/toys/kite/{number}/edit", typed).status_code == 302
        after = toys.read(number)
        columns = [column.key for column in Kite.__table__.columns]
        assert {key: getattr(after, key) for key in columns} == {key: getattr(before, key) for key in columns}, language
        assert [(row.id, row.label, row.length, row.stripes) for row in after.tails] == [
            (row.id, row.label, row.length, row.stripes) for row in before.tails
        ]
        assert after.tags[0].name == "t"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("state", "sold"),
        ("price", "many"),
        ("price", "9" * 30),
        ("chance", "1.5"),
        ("chance", "99999999999"),
        ("day", "1404/12/30"),
        ("day", "yesterday"),
        ("moment", "2026-11-22"),
        ("paint", "puce"),
        ("weight", "heavy"),
        ("phone", "12"),
        ("email", "nobody"),
        ("site", "javascript:alert(1)"),
        ("site", "ftp://x.example"),
        ("maker", "77"),
        ("maker", "1 OR 1=1"),
        ("tags", "77"),
        ("extra", "{"),
        ("notes", "x" * 2001),
    ],
)
def test_a_refused_value_stays_in_its_field_with_the_reason_beside_it(
    toys: Toys, browser: Browser, name: str, typed: str
) -> None:
    response = browser.post(NEW, LEAST | {name: typed})
    assert response.status_code == 422
    assert f'id="{name}-h"' in response.text
    assert toys.count() == 0
    if name not in ("state", "paint", "maker", "tags"):
        assert posted_by(response.text)[name] == typed
    assert browser.post(NEW, LEAST).status_code == 302


@pytest.mark.parametrize(
    "extra",
    [
        {"secret": "x"},
        {"id": "7"},
        {"version": "1", "archived_at": "2026-01-01"},
        {"created_by_id": "1"},
        {"owner_id": "1"},
        {"tails-0-id": "", "tails-0-label": "a", "tails-0-kite_id": "5"},
        {"tails-0-label": "a", "tails-0-nothing": "x"},
        {"maker-0-name": "x"},
        {"__class__": "x"},
    ],
)
def test_an_undeclared_field_is_refused_and_nothing_is_stored(
    toys: Toys, browser: Browser, extra: dict[str, str]
) -> None:
    assert browser.post(NEW, LEAST | extra).status_code == 400
    assert toys.count() == 0
    (number,) = toys.add(Kite(name="old"))
    typed = browser.form(f"/toys/kite/{number}/edit") | {"name": "new"}
    assert browser.post(f"/toys/kite/{number}/edit", typed | extra).status_code == 400 or set(extra) <= {"version"}
    assert toys.read(number).name == "old"


def test_lines_are_added_changed_removed_and_blank_ones_ignored(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one", tails=[Tail(label="keep"), Tail(label="go"), Tail(label="change")]))
    keep, go, change = toys.read(number).tails
    page = f"/toys/kite/{number}/edit"
    typed = browser.form(page) | {
        "tails-2-label": "changed",
        "del-tails-1": "on",
        "tails-3-id": "", "tails-3-label": "added", "tails-3-length": "4",
        "tails-4-id": "", "tails-4-label": "", "tails-4-length": "", "tails-4-stripes": "y",
    }  # fmt: skip
    assert browser.post(page, typed).status_code == 302
    tails = toys.read(number).tails
    assert [(tail.label, tail.length) for tail in tails] == [("keep", None), ("changed", None), ("added", 4)]
    assert [tail.id for tail in tails[:2]] == [keep.id, change.id]
    assert go.id not in {tail.id for tail in tails}


def test_a_line_of_another_record_cannot_be_taken(toys: Toys, browser: Browser) -> None:
    mine, other = toys.add(Kite(name="mine"), Kite(name="other", tails=[Tail(label="theirs")]))
    stolen = toys.read(other).tails[0].id
    page = f"/toys/kite/{mine}/edit"
    typed = browser.form(page) | {"tails-0-id": str(stolen), "tails-0-label": "taken", "tails-0-length": ""}
    browser.post(page, typed)
    assert [(tail.id, tail.label) for tail in toys.read(other).tails] == [(stolen, "theirs")]


def test_a_refused_line_says_why(toys: Toys, browser: Browser) -> None:
    response = browser.post(NEW, LEAST | {"tails-0-id": "", "tails-0-label": "", "tails-0-length": "3"})
    assert response.status_code == 422
    assert 'id="tails-0-label-h"' in response.text
    assert posted_by(response.text)["tails-0-length"] == "3"


def test_errors_of_the_gate_stand_beside_their_field_or_on_top(config: Config) -> None:
    def before_save(record: Any, changes: Any) -> None:
        if record.name == "field":
            raise ValidationError(price="Too cheap.")
        if record.name == "hidden":
            raise ValidationError(secret="Not so.")
        if record.name == "top":
            raise ValidationError("Not today.")
        if record.name == "blocked":
            raise Blocked("Closed for the season.")

    toys = Toys(config, hooks=hooks_of(before_save=before_save))
    browser = toys.browser()
    for name, expected in {
        "field": '<span>Too cheap.</span>',
        "hidden": "<p>Secret: Not so.</p>",
        "top": "<p>Not today.</p>",
        "blocked": "<p>Closed for the season.</p>",
    }.items():
        response = browser.post(NEW, LEAST | {"name": name, "price": "5"})
        assert response.status_code == 422
        assert expected in response.text
        assert posted_by(response.text)["price"] == "5"
    assert toys.count() == 0
    toys.database.dispose()


def test_a_new_record_belongs_to_whoever_makes_it_and_takes_values_from_the_address(
    toys: Toys, browser: Browser
) -> None:
    (toys.person,) = toys.add(person())
    (maker,) = toys.add(Maker(name="Wind"))
    typed = browser.form(f"{NEW}?maker={maker}&state=open&secret=x&price=nonsense&name=Blue")
    assert (typed["owner"], typed["maker"], typed["state"]) == (str(toys.person), str(maker), "open")
    assert (typed["name"], typed["price"]) == ("Blue", "")


def test_where_a_save_leads(toys: Toys, browser: Browser) -> None:
    list_url = "/toys/kite/?sort=name"
    assert browser.post(NEW, LEAST).headers["Location"] == "/toys/kite/1"
    assert browser.post(f"{NEW}?url={list_url}", LEAST).headers["Location"] == list_url
    assert "/toys/kite/new" in browser.post(NEW, LEAST | {"_add_another": "1"}).headers["Location"]
    assert "/toys/kite/4/edit" in browser.post(NEW, LEAST | {"_continue_editing": "1"}).headers["Location"]


def test_the_form_opens_in_a_dialog(toys: Toys, browser: Browser) -> None:
    html = browser.get(NEW + "?modal=True").text
    assert "<html" not in html
    assert 'id="nv-modal-title"' in html
    response = browser.post(NEW, LEAST, headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/toys/kite/1")


def test_two_people_at_once_lose_nothing(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one", chance=1, tails=[Tail(label="t")]))
    page = f"/toys/kite/{number}/edit"
    mine = browser.form(page) | {"name": "mine", "chance": "50"}
    theirs = browser.form(page) | {"name": "theirs"}
    assert browser.post(page, theirs).status_code == 302
    response = browser.post(page, mine)
    assert response.status_code == 409
    assert "<bdi>theirs</bdi>" in response.text
    assert "<bdi>mine</bdi>" in response.text
    assert "<bdi>50</bdi>" in response.text
    assert "<bdi>t</bdi>" not in response.text
    assert toys.read(number).name == "theirs"
    # What was typed is still in the form, and saving again, knowing both, overwrites.
    again = posted_by(response.text)
    assert again["name"] == "mine"
    assert browser.post(page, again).status_code == 302
    assert (toys.read(number).name, toys.read(number).chance) == ("mine", 50)


def test_an_old_form_that_says_what_is_stored_is_no_conflict(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one"))
    page = f"/toys/kite/{number}/edit"
    typed = browser.form(page) | {"name": "same"}
    assert browser.post(page, typed).status_code == 302
    assert browser.post(page, typed).status_code == 302


def test_somebody_saving_in_the_last_moment_is_a_conflict_too(config: Config) -> None:
    def before_save(record: Any, changes: Any) -> None:
        if record.name == "mine":
            # SQLite has one writer, and that is us by now: the other write has to happen in our own transaction.
            connection = toys.database.session().connection()
            connection.exec_driver_sql("UPDATE toys_kite SET version = version + 1, chance = 9")

    toys = Toys(config, hooks=hooks_of(before_save=before_save))
    browser = toys.browser()
    (number,) = toys.add(Kite(name="one", chance=1))
    page = f"/toys/kite/{number}/edit"
    response = browser.post(page, browser.form(page) | {"name": "mine"})
    assert response.status_code == 409
    assert posted_by(response.text)["name"] == "mine"
    assert toys.read(number).name == "one"
    toys.database.dispose()


def test_a_missing_version_is_a_conflict_and_not_a_blind_write(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one"))
    page = f"/toys/kite/{number}/edit"
    typed = browser.form(page) | {"name": "blind"}
    del typed["version"]
    assert browser.post(page, typed).status_code == 409
    assert toys.read(number).name == "one"


def test_likely_duplicates_are_shown_while_typing(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="Twin"))
    assert 'hx-post="/toys/kite/check"' in browser.get(NEW).text
    found = browser.post("/toys/kite/check", {"name": "Twin", "tails-0-label": "x"}).text
    assert f'href="/toys/kite/{number}"' in found
    assert browser.post(f"/toys/kite/check?id={number}", {"name": "Twin"}).text.strip() == ""
    assert browser.post("/toys/kite/check", {"name": "Other"}).text.strip() == ""
    assert browser.get("/toys/maker/check?name=x").status_code == 404


def test_values_only_the_system_wrote_are_kept(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="one", secret="hush"))
    page = f"/toys/kite/{number}/edit"
    html = browser.get(page).text
    assert "hush" not in html
    browser.post(page, browser.form(page) | {"name": "two"})
    with toys.app.app_context(), as_system("test"):
        assert (toys.read(number).name, toys.read(number).secret) == ("two", "hush")
