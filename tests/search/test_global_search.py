"""What the palette and the search page find, and what they keep to themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from core.accounts.actor import Actor
from core.database.limits import TooSlow, time_limit
from core.hookspecs import hookimpl
from core.testing.installation import Browser, TestInstallation
from core.web import search
from plugins.contacts.models import Company, Person, PhoneNumber, Tag
from plugins.sales.models import Deal

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    made = make_site("contacts", "sales", dialect=dialect)
    with made.acting() as session:
        golden = Tag(name="Golden")
        person = Person(first_name="کریم", last_name="رضایی", tags=[golden])
        person.phones.append(PhoneNumber(number="+989121234567"))
        session.add_all([person, Company(name="Karim Trading"), Deal(name="Roof for Karim")])
        session.commit()
    return made


@pytest.fixture
def browser(installation: TestInstallation) -> Browser:
    return installation.browser("administrator")


def found(browser: Browser, text: str, recent: str = "", path: str = "/search/palette") -> dict[str, list[str]]:
    """The titles of the groups, each with its lines."""
    answer = browser.get(path, query_string={"q": text, "recent": recent})
    assert answer.status_code == 200
    html = answer.get_data(as_text=True)
    groups: dict[str, list[str]] = {}
    for part in html.split('<div role="group"')[1:]:
        title = re.search(r'class="pal-g"[^>]*>(.*?)</div>', part)
        assert title
        groups[unescape(title[1])] = [unescape(line) for line in re.findall(r'class="pal-t">(.*?)</', part)]
    return groups


def test_records_of_every_type_are_found_in_one_go(browser: Browser) -> None:
    groups = found(browser, "karim")
    assert groups["Companies"] == ["Karim Trading"]
    assert groups["Deals"] == ["Roof for Karim"]


@pytest.mark.parametrize("typed", ["كريم", "کریم رضایی", "رضايي", "۰۹۱۲ ۱۲۳", "09121234567"])
def test_any_spelling_and_any_digits_find_a_person(browser: Browser, typed: str) -> None:
    assert found(browser, typed)["People"] == ["کریم رضایی"]


def test_a_hidden_record_is_in_no_result_and_no_count(installation: TestInstallation) -> None:
    owner = installation.user("administrator")
    with installation.acting("administrator") as session:
        session.add_all(
            Person(first_name="Hiddenia", last_name=str(n), private=True, owner_id=owner.id) for n in range(7)
        )
        session.commit()
    assert "People" in found(installation.browser("administrator"), "hiddenia")
    assert "People" not in found(installation.browser("user"), "hiddenia")
    assert found(installation.browser("user"), "", "contacts.person:2,contacts.person:3").get("Recently opened") is None


def test_a_type_without_the_right_to_see_it_is_not_even_asked(installation: TestInstallation) -> None:
    installation.grant("user", {"sales.deal.see": "none"})
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    browser = installation.browser("user")
    sa.event.listen(installation.runtime.database.engine, "before_cursor_execute", note)
    groups = found(browser, "karim")
    sa.event.remove(installation.runtime.database.engine, "before_cursor_execute", note)
    assert "Deals" not in groups
    assert not [statement for statement in asked if "FROM sales_deal" in statement]
    assert "Deals" not in " ".join(found(browser, ">").get("Commands", []))


def test_what_was_deleted_is_not_found(installation: TestInstallation, browser: Browser) -> None:
    browser.post("/contacts/company/delete", data={"id": "2"})
    assert "Companies" not in found(browser, "karim")


def test_what_was_opened_lately_comes_first(installation: TestInstallation, browser: Browser) -> None:
    with installation.acting() as session:
        session.add_all(Person(first_name="Sam", last_name=name) for name in "abcdefghij")
        session.commit()
        last = session.scalars(sa.select(Person.id).where(Person.last_name == "j")).one()
    assert found(browser, "sam", f"contacts.person:{last}")["People"][0] == "Sam j"
    assert found(browser, "", f"contacts.person:{last},contacts.person:1,gone.type:1,nonsense")[
        "Recently opened"
    ] == ["Sam j", "کریم رضایی"]


def test_a_type_with_many_matches_leads_to_all_of_them(installation: TestInstallation, browser: Browser) -> None:
    with installation.acting() as session:
        session.add_all(Person(first_name="Sam", last_name=str(n)) for n in range(9))
        session.commit()
    html = browser.get("/search/palette?q=sam").get_data(as_text=True)
    assert len(found(browser, "sam")["People"]) == 6
    assert 'href="/contacts/person/?search=sam"' in html


def test_signs_narrow_what_is_looked_for(browser: Browser) -> None:
    assert list(found(browser, ">peo")) == ["Commands"]
    assert list(found(browser, "@karim")) == ["Companies"]
    assert found(browser, "@admin")["Users"][0] == "Administrator"
    tags = found(browser, "#gold")
    assert list(tags) == ["Tags"]
    assert "/contacts/person/?flt0_tags__eq=1" in browser.get("/search/palette?q=%23gold").get_data(as_text=True)


def test_commands_settings_and_help_are_found_by_their_words(browser: Browser) -> None:
    assert "New: Person" in found(browser, "new person")["Commands"]
    assert "People: import" in found(browser, "import people")["Commands"]
    assert "Board" in found(browser, "board sales")["Commands"]
    assert "Forecast" in found(browser, "forecast")["Commands"]
    assert "Deals: calendar" in found(browser, "calendar deal")["Commands"]
    assert "Time zone" in found(browser, "time zone")["Settings"]
    assert "Users" in found(browser, "users")["Settings"]
    assert "Import" in found(browser, "google contacts")["Help"]


def test_commands_need_their_right(installation: TestInstallation) -> None:
    assert "Settings" not in found(installation.browser("user"), "modules")


def test_the_page_shows_the_same_without_a_script(browser: Browser) -> None:
    html = browser.get("/search?q=karim").get_data(as_text=True)
    assert "Karim Trading" in html
    assert "Roof for Karim" in html
    assert "Nothing was found" in browser.get("/search?q=%00zzzqqq").get_data(as_text=True)


@pytest.mark.parametrize(
    "text", ["", " ", "%", "_", "@", "#", ">", "'", "\u200c", "a" * 5000, "\x00", "<script>alert(1)"]
)
def test_odd_texts_are_answered(browser: Browser, text: str) -> None:
    for path in ("/search", "/search/palette"):
        answer = browser.get(path, query_string={"q": text})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.get_data(as_text=True)


def test_names_are_text_and_never_markup(installation: TestInstallation, browser: Browser) -> None:
    with installation.acting() as session:
        session.add(Deal(name="<img src=x onerror=alert(1)> sneaky"))
        session.commit()
    html = browser.get("/search/palette?q=sneaky").get_data(as_text=True)
    assert "<img" not in html
    assert "&lt;img" in html


def test_nobody_finds_anything_without_signing_in(installation: TestInstallation) -> None:
    stranger = installation.browser()
    page = stranger.get("/search?q=karim", headers={"Accept": "text/html"})
    assert page.status_code == 302
    assert stranger.get("/search/palette?q=karim", headers={"HX-Request": "true"}).status_code == 401


def test_a_search_asks_a_bounded_number_of_times(installation: TestInstallation, browser: Browser) -> None:
    with installation.acting() as session:
        session.add_all(Deal(name=f"Karim {n}", company_id=2, contact_id=1) for n in range(20))
        session.commit()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    sa.event.listen(installation.runtime.database.engine, "before_cursor_execute", note)
    found(browser, "karim")
    sa.event.remove(installation.runtime.database.engine, "before_cursor_execute", note)
    # The ids of all types with one query, the records of each with one; who asks, the menu, and the tables of words.
    assert len(asked) <= 9, "\n".join(asked)


def test_a_type_that_is_slow_costs_no_other_its_place(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The others are asked for the first time, maybe on a busy machine; what is slow here takes longer than any of this.
    monkeypatch.setattr(search, "EACH_TIME", 0.4)
    monkeypatch.setattr(search, "WHOLE_TIME", 1.5)
    endless = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0"
    on_postgresql = installation.runtime.database.engine.dialect.name == "postgresql"
    slow = sa.func.pg_sleep(3).is_not(None) if on_postgresql else sa.literal_column(endless)

    @hookimpl
    def query_filter(model: type, actor: Actor) -> Any:
        return slow if model is Deal else None

    browser = installation.browser("user")
    installation.site.hooks.register("slow", SimpleNamespace(query_filter=query_filter))  # type: ignore[arg-type]
    started = time.monotonic()
    groups = found(browser, "karim")
    assert time.monotonic() - started < 2
    assert groups["Companies"] == ["Karim Trading"]
    assert groups["Deals"] == ["Search in Deals"]


def test_a_slow_query_is_ended_and_the_transaction_goes_on(installation: TestInstallation) -> None:
    slow = (
        "SELECT pg_sleep(5)"
        if installation.runtime.database.engine.dialect.name == "postgresql"
        else "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n LIMIT 1"
    )
    with installation.acting("administrator") as session:
        before = session.scalar(sa.select(sa.func.count(Person.id)))
        started = time.monotonic()
        with pytest.raises(TooSlow), time_limit(session, 0.05):
            session.execute(sa.text(slow))
        assert time.monotonic() - started < 2
        with time_limit(session, 5):
            assert session.scalar(sa.select(sa.func.count(Person.id))) == before
        assert session.scalar(sa.select(sa.func.count(Person.id))) == before


def test_the_guide_is_help_inside_the_product(browser: Browser) -> None:
    html = browser.get("/help").get_data(as_text=True)
    assert 'id="a-list"' in html
    assert "<strong>Filter</strong>" in html
    browser.set_cookie("peyvand_language", "fa")
    html = browser.get("/help").get_data(as_text=True)
    assert 'id="a-list"' in html
    assert "<strong>فیلتر</strong>" in html
