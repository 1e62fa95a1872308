"""The calendar: days of either calendar, entries, colours, and moving them."""

import datetime as dt
import re
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa
from flask import g
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import calendars
from core.accounts.models import User
from core.admin.calendar import CalendarQuery, date_fields
from core.config import Config
from core.records.catalog import current_catalog
from core.site.reader import reading_as
from tests.admin.toy_site import Browser, Toys, hooks_of
from tests.admin.toys import EVERYTHING, Kite

CALENDAR = "/toys/kite/calendar"
MOVE = "/toys/kite/calendar/move"
HX = {"HX-Request": "true"}
TEHRAN, BERLIN = "Asia/Tehran", "Europe/Berlin"


def day(html: str, date: str) -> str:
    """The markup of one day."""
    return html.split(f'data-day="{date}"')[1].split('data-day="')[0].split("</td>")[0]


def entries(html: str, date: str) -> list[str]:
    """The titles of a day's entries."""
    return re.findall(r"<bdi>(.*?)</bdi>", day(html, date))


def as_reader(toys: Toys, **choices: str) -> None:
    """Whoever visits from now on reads like this."""
    person = User(email="reader@example.com", name="R", fs_uniquifier="r", **choices)

    @toys.app.before_request
    def read() -> None:
        g.reading = ExitStack()
        g.reading.enter_context(reading_as(person))

    toys.app.teardown_request(lambda _error: g.pop("reading", ExitStack()).close())


def test_a_month_shows_its_entries_in_the_colours_of_a_choice(toys: Toys, browser: Browser) -> None:
    toys.add(
        Kite(name="a", day=dt.date(2026, 11, 22), state="open"), Kite(name="b", day=dt.date(2026, 11, 22)),
        Kite(name="c", day=dt.date(2026, 12, 6)), Kite(name="far", day=dt.date(2027, 1, 1)), Kite(name="none"),
    )  # fmt: skip
    html = browser.get(f"{CALENDAR}?at=2026-11-22").text
    assert "November 2026" in html
    assert entries(html, "2026-11-22") == ["a", "b"]
    assert entries(html, "2026-12-06") == ["c"]
    assert "tag-blue" in day(html, "2026-11-22")
    assert "(In progress)" in day(html, "2026-11-22")
    assert "far" not in html
    assert re.findall(r'data-day="(2026-\d\d-\d\d)"', html)[0] == "2026-10-26"  # a Monday


def test_a_crowded_day_shows_how_many_more_there_are(toys: Toys, browser: Browser) -> None:
    toys.add(*(Kite(name=f"k{n:03}", day=dt.date(2026, 11, 22)) for n in range(11)))
    html = browser.get(f"{CALENDAR}?at=2026-11-01").text
    assert entries(html, "2026-11-22") == ["k000", "k001", "k002", "k003"]
    assert "+7 more" in day(html, "2026-11-22")
    alone = browser.get(f"{CALENDAR}?mode=day&at=2026-11-22").text
    assert len(re.findall(r'class="cal-e ', alone)) == 11
    toys.add(*(Kite(name=f"m{n:03}", day=dt.date(2026, 11, 22)) for n in range(200)))
    assert "+196+ more" in browser.get(f"{CALENDAR}?at=2026-11-01").text


@pytest.mark.parametrize("mode", ["month", "week", "day", "agenda"])
def test_every_mode_costs_few_queries(toys: Toys, browser: Browser, mode: str) -> None:
    toys.add(*(Kite(name=f"k{n}", day=dt.date(2026, 11, 1) + dt.timedelta(days=n % 30)) for n in range(90)))
    statements: list[str] = []
    listener = (toys.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    sa.event.listen(*listener)
    answer = browser.get(f"{CALENDAR}?at=2026-11-22&mode={mode}")
    sa.event.remove(*listener)
    assert answer.status_code == 200
    assert len(statements) <= 10


def test_a_calendar_obeys_search_and_filters(toys: Toys, browser: Browser) -> None:
    toys.add(Kite(name="red", day=dt.date(2026, 11, 22)), Kite(name="blue", day=dt.date(2026, 11, 22), state="open"))
    assert entries(browser.get(f"{CALENDAR}?at=2026-11-22&search=red").text, "2026-11-22") == ["red"]
    found = browser.get(f"{CALENDAR}?at=2026-11-22&flt0_state__eq=open").text
    assert entries(found, "2026-11-22") == ["blue"]
    assert "flt0_state__eq=open" in found.split('class="seg"', 1)[1].split("</nav>")[0]


@pytest.mark.parametrize(
    "odd", ["on=name", "on=created_at", "on=%00", "mode=year", "at=x", "at=1404-12-30", "at=9999-01-01", "color=price"]
)
def test_odd_addresses_are_refused(browser: Browser, odd: str) -> None:
    assert browser.get(f"{CALENDAR}?{odd}").status_code == 400


def test_a_screen_without_a_date_has_no_calendar(browser: Browser) -> None:
    assert browser.get("/toys/maker/calendar").status_code == 404
    assert "/calendar" not in browser.get("/toys/maker/").text
    assert f'href="{CALENDAR}"' in browser.get("/toys/kite/").text


def test_an_entry_moves_to_another_day_and_back(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a", day=dt.date(2026, 11, 22)))
    move = {"id": number, "day": "2026-11-25", "version": "1", "drag": "1"}
    answer = browser.post(MOVE, move, headers=HX)
    assert (answer.status_code, "a moved to" in answer.text, 'data-version="2"' in answer.text) == (200, True, True)
    assert toys.read(number).day == dt.date(2026, 11, 25)
    stale = browser.post(MOVE, move, headers=HX)
    assert (stale.status_code, "Somebody else" in stale.text) == (409, True)
    undo = re.search(r'action="([^"]+undo=1[^"]*)"', answer.text)
    assert undo is not None
    assert browser.post(undo[1].replace("&amp;", "&")).status_code == 302
    assert toys.read(number).day == dt.date(2026, 11, 22)


def test_the_form_behind_the_menu_reads_either_calendar_and_keeps_what_was_typed(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a", day=dt.date(2026, 11, 22)))
    page = browser.get(f"{MOVE}?id={number}").text
    assert 'value="2026-11-22"' in page
    refused = browser.post(MOVE, {"id": number, "day": "1404/12/30", "version": "1"})
    assert (refused.status_code, 'value="1404/12/30"' in refused.text) == (422, True)
    done = browser.post(MOVE, {"id": number, "day": "۱۴۰۵/۰۹/۰۲", "version": "1"})
    assert done.status_code == 302
    assert toys.read(number).day == dt.date(2026, 11, 23)


def test_a_refused_move_changes_nothing(toys: Toys, browser: Browser) -> None:
    (number,) = toys.add(Kite(name="a", day=dt.date(2026, 11, 22)))
    for data in ({"day": "", "drag": "1"}, {"day": "tomorrow", "drag": "1"}, {"day": "2026-11-25", "name": "x"}):
        assert browser.post(MOVE, {"id": number, **data}, headers=HX).status_code in (400, 422)
    toys.permissions = EVERYTHING - {"toys.kite.edit"}
    assert browser.post(MOVE, {"id": number, "day": "2026-11-25"}, headers=HX).status_code == 404
    assert browser.get(f"{MOVE}?id={number}").status_code == 404
    assert "data-move" not in browser.get(f"{CALENDAR}?at=2026-11-22").text
    assert toys.read(number).day == dt.date(2026, 11, 22)


def test_moments_lie_on_the_day_of_the_reader_and_keep_their_time(config: Config) -> None:
    toys = Toys(config)
    as_reader(toys, timezone=TEHRAN)
    # 00:30 in Tehran on the 23rd is still the 22nd in UTC.
    (number,) = toys.add(Kite(name="late", moment=dt.datetime(2026, 11, 22, 21, 0, tzinfo=dt.UTC)))
    browser = toys.browser()
    html = browser.get(f"{CALENDAR}?on=moment&at=2026-11-22").text
    assert entries(html, "2026-11-23") == ["late"]
    assert "00:30" in day(html, "2026-11-23")
    browser.post(f"{MOVE}?on=moment", {"id": number, "day": "2026-12-01", "version": "1"})
    assert toys.read(number).moment == dt.datetime(2026, 11, 30, 21, 0, tzinfo=dt.UTC)
    toys.database.dispose()


def test_a_move_to_a_time_that_clocks_skip_is_refused(config: Config) -> None:
    toys = Toys(config)
    as_reader(toys, timezone=BERLIN)
    (number,) = toys.add(Kite(name="a", moment=dt.datetime(2026, 3, 28, 1, 30, tzinfo=dt.UTC)))  # 02:30
    browser = toys.browser()
    answer = browser.post(f"{MOVE}?on=moment", {"id": number, "day": "2026-03-29", "drag": "1"}, headers=HX)
    assert (answer.status_code, "put forward" in answer.text) == (422, True)
    assert toys.read(number).moment == dt.datetime(2026, 3, 28, 1, 30, tzinfo=dt.UTC)
    toys.database.dispose()


def test_a_persian_reader_sees_jalali_months_from_saturday_with_friday_free(config: Config) -> None:
    toys = Toys(config)
    as_reader(toys, language="fa", timezone=TEHRAN)
    toys.add(Kite(name="a", day=dt.date(2026, 11, 22)))
    html = toys.browser().get(f"{CALENDAR}?at=2026-11-22").text
    dates = re.findall(r'data-day="(\d{4}-\d\d-\d\d)"', html)
    assert dates[0] == "2026-11-21"  # Saturday, 30 Aban
    assert "آذر ۱۴۰۵" in html
    assert entries(html, "2026-11-22") == ["a"]
    assert re.search(r'class="cal-d[^"]* free[^"]*" data-day="2026-11-27"', html)  # a Friday
    assert re.search(r'class="cal-d out[^"]*" data-day="2026-11-21"', html)
    nowruz = toys.browser().get(f"{CALENDAR}?at=2027-03-21").text
    assert "نوروز" in day(nowruz, "2027-03-21")
    toys.database.dispose()


def test_a_click_on_a_day_creates_with_the_date_filled_in(toys: Toys, browser: Browser) -> None:
    html = browser.get(f"{CALENDAR}?at=2026-11-22").text
    link = re.search(r'href="([^"]+)"[^>]*aria-label="Create on [^"]*November 25', html)
    assert link is not None
    assert browser.form(link[1].replace("&amp;", "&"))["day"] == "2026-11-25"
    moment = browser.get(f"{CALENDAR}?on=moment&at=2026-11-22").text
    link = re.search(r'href="([^"]+)"[^>]*aria-label="Create on [^"]*November 25', moment)
    assert link is not None
    assert browser.form(link[1].replace("&amp;", "&"))["moment"] == "2026-11-25 09:00"


def test_hidden_records_are_neither_shown_nor_counted(config: Config) -> None:
    def visible(model: type, actor: Any) -> Any:
        return ~model.name.startswith("hidden") if model is Kite else None

    toys = Toys(config, hooks=hooks_of(query_filter=visible))
    toys.add(*(Kite(name=f"hidden {n}", day=dt.date(2026, 11, 22)) for n in range(250)))
    toys.add(*(Kite(name=f"seen {n}", day=dt.date(2026, 11, 22)) for n in range(2)))
    html = toys.browser().get(f"{CALENDAR}?at=2026-11-22").text
    assert entries(html, "2026-11-22") == ["seen 0", "seen 1"]
    assert "more" not in day(html, "2026-11-22")
    toys.database.dispose()


def test_sqlite_reads_the_days_in_sight_by_the_index_of_the_date(config: Config) -> None:
    """Without ANALYZE it would take the index of what is not archived, which is everything."""
    toys = Toys(config)
    statements: list[tuple[str, Any]] = []
    sa.event.listen(toys.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2:4]))
    with toys.database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX day_of_kite ON toys_kite (day)")
    toys.browser().get(f"{CALENDAR}?at=2026-11-22")
    asked, values = next(entry for entry in statements if "toys_kite.day >= " in entry[0])
    with toys.database.engine.begin() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values).all()
    assert any("day_of_kite" in str(step) for step in plan), plan
    toys.database.dispose()


def test_the_fields_of_a_calendar_are_days_and_moments_of_the_record_itself() -> None:
    toys_fields = date_fields(__import__("core.records.gate", fromlist=["described"]).described(Kite))
    assert list(toys_fields) == ["day", "moment"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.integers(0, 3 * 365 * 86400),
    zone=st.sampled_from([TEHRAN, BERLIN, "America/New_York", "Pacific/Apia", "UTC"]),
    calendar=st.sampled_from(calendars.CALENDARS),
)
def test_a_moment_stands_on_exactly_one_day_of_its_month(
    shared_toys: Toys, seconds: int, zone: str, calendar: calendars.Calendar
) -> None:
    """Days of 23 and 25 hours included: the criterion of the database and the day of Python agree."""
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    reader = User(email="x", name="x", fs_uniquifier="x", timezone=zone, calendar=calendar)
    shared_toys.empty()
    (number,) = shared_toys.add(Kite(name="a", moment=moment))
    with shared_toys.work() as session, reading_as(reader):
        field = current_catalog().find("toys.kite").field("moment")
        query = CalendarQuery(current_catalog().find("toys.kite"), field, None)
        kite = session.get(Kite, number)
        at = query.day_of(kite)
        year, month, _day = calendars.year_month_day(at, calendar)
        weeks = calendars.month_weeks(calendar, year, month)
        found = query.days(session, sa.select(Kite), calendars.Period(weeks[0][0], weeks[-1][-1]), 4)
        assert [entry.date for entry in found if entry.count] == [at]
