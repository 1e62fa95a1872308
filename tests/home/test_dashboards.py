"""Home and dashboards: arranged by each person, with plain forms, and never showing more than the person may see."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from core.reports.models import Dashboard, DashboardCard
from core.testing.installation import Browser, TestInstallation

REPORT = {"record_type": "sales.deal", "title": "By stage", "measure": "count", "group": "stage", "chart": "bar"}


def titles(browser: Browser, path: str = "/") -> list[str]:
    html = browser.get(path).get_data(as_text=True)
    return re.findall(r'id="dash-\d+"><bdi>(.*?)</bdi>', html)


def arranged(installation: TestInstallation, dashboard_id: int) -> list[DashboardCard]:
    with installation.acting() as session:
        found = session.get(Dashboard, dashboard_id, options=[selectinload(Dashboard.cards)])
        assert found is not None
        return list(found.cards)


def start(browser: Browser, title: str = "") -> int:
    """A dashboard to arrange: the home page, or a new one."""
    answer = browser.post("/dashboards", data={"title": title}) if title else browser.post("/dashboards/home")
    assert answer.status_code == 302
    return int(answer.location.split("/")[2])


def act(browser: Browser, dashboard_id: int, action: str, **values: object) -> int:
    return browser.post(f"/dashboards/{dashboard_id}/arrange", data={"action": action, **values}).status_code


def test_everybody_begins_with_the_cards_of_the_modules(browser: Browser) -> None:
    shown = titles(browser)
    assert shown[0] == "Get started"
    assert {"Pipeline", "Forecast", "Deals without a next step", "Recently added people"} <= set(shown)


def test_looking_at_the_home_page_stores_nothing(installation: TestInstallation, browser: Browser) -> None:
    browser.get("/")
    with installation.acting() as session:
        assert session.scalars(sa.select(Dashboard)).all() == []


def test_a_home_page_is_arranged_by_buttons_and_is_ones_own(installation: TestInstallation, browser: Browser) -> None:
    before = titles(browser)
    home = start(browser)
    assert titles(browser) == before
    first, second, third = arranged(installation, home)[:3]
    act(browser, home, "later", card=first.id)
    act(browser, home, "remove", card=third.id)
    act(browser, home, "wider", card=second.id)
    after = titles(browser)
    assert after[:2] == [before[1], before[0]]
    assert before[2] not in after
    assert titles(installation.browser("user"))[0] == "Get started"
    browser.post(f"/dashboards/{home}/delete")
    assert titles(browser) == before


def test_a_removed_card_can_be_added_again_and_only_once(installation: TestInstallation, browser: Browser) -> None:
    home = start(browser)
    card = next(card for card in arranged(installation, home) if card.name == "sales.forecast")
    act(browser, home, "remove", card=card.id)
    assert act(browser, home, "add", name="sales.forecast") == 302
    assert act(browser, home, "add", name="sales.forecast") == 422
    assert [card.name for card in arranged(installation, home)].count("sales.forecast") == 1


def test_cards_are_brought_into_the_order_of_a_drag(installation: TestInstallation, browser: Browser) -> None:
    home = start(browser)
    ids = [card.id for card in arranged(installation, home)]
    order = ",".join(str(card_id) for card_id in reversed(ids))
    answer = browser.post(
        f"/dashboards/{home}/arrange", data={"action": "order", "order": order}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 204
    assert [card.id for card in arranged(installation, home)] == list(reversed(ids))


def test_widths_stay_within_the_grid(installation: TestInstallation, browser: Browser) -> None:
    home = start(browser)
    card = arranged(installation, home)[0]
    for _time in range(4):
        act(browser, home, "wider", card=card.id)
    assert arranged(installation, home)[0].width == 3
    for _time in range(4):
        act(browser, home, "narrower", card=card.id)
    assert arranged(installation, home)[0].width == 1


def test_a_report_is_made_changed_and_drawn(installation: TestInstallation, browser: Browser) -> None:
    made = start(browser, "Sales this year")
    assert "Deals" in browser.get(f"/dashboards/{made}/report").get_data(as_text=True)
    assert browser.get(f"/dashboards/{made}/report?record_type=sales.deal").status_code == 200
    assert browser.post(f"/dashboards/{made}/report", data=REPORT).status_code == 302
    html = browser.get(f"/dashboards/{made}").get_data(as_text=True)
    assert "By stage" in html
    assert 'data-nv-chart="bar"' in html
    assert re.search(r'href="/sales/deal/\?flt0_stage__eq=\d+">3</a>', html)
    card = arranged(installation, made)[0]
    address = f"/dashboards/{made}/report/{card.id}"
    assert browser.post(address, data={**REPORT, "title": "Table", "chart": "table"}).status_code == 302
    assert titles(browser, f"/dashboards/{made}") == ["Table"]
    assert browser.get(f"/cards/{card.id}").status_code == 200
    assert browser.get(f"/cards/{card.id}/body").status_code == 200


def test_a_refused_report_keeps_what_was_typed(browser: Browser) -> None:
    made = start(browser, "Mine")
    typed = {"c.j": "all", "c.0.f": "name", "c.0.o": "eq", "c.0.v": "Roof"}
    answer = browser.post(f"/dashboards/{made}/report", data={**REPORT, **typed, "measure": "sum"})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Choose the number to add up." in html
    assert 'value="By stage"' in html
    assert re.search(r'name="c.0.v"[^>]* value="Roof"', html)
    assert "This field is required." in browser.post(
        f"/dashboards/{made}/report", data={**REPORT, "title": " "}
    ).get_data(as_text=True)


def test_the_records_of_a_report_are_chosen_with_the_builder(installation: TestInstallation, browser: Browser) -> None:
    made = start(browser, "Mine")
    form = {**REPORT, "c.j": "all"}
    # Without a script every button of the builder sends the form, and nothing is stored.
    html = browser.post(f"/dashboards/{made}/report", data={**form, "do": "add c"}).get_data(as_text=True)
    assert 'name="c.0.f"' in html
    assert arranged(installation, made) == []
    unfinished = browser.post(f"/dashboards/{made}/report", data={**form, "c.0.f": "name", "c.0.o": "eq", "c.0.v": ""})
    assert unfinished.status_code == 422
    assert "Finish the condition first." in unfinished.get_data(as_text=True)
    whole = {**form, "c.0.f": "name", "c.0.b": "name", "c.0.o": "eq", "c.0.v": "Roof"}
    assert browser.post(f"/dashboards/{made}/report", data={**whole, "do": "save"}).status_code == 302
    card = arranged(installation, made)[0]
    where = '{"field":"name","op":"eq","value":"Roof"}'
    assert card.report is not None
    assert json.loads(card.report["filters"]["where"])["all"] == [json.loads(where)]
    html = browser.get(f"/dashboards/{made}/report/{card.id}").get_data(as_text=True)
    assert re.search(r'name="c.0.v"[^>]* value="Roof"', html)
    assert "<b>1</b> Deal" in html


def test_the_table_of_a_report_is_a_file(browser: Browser) -> None:
    made = start(browser, "Mine")
    browser.post(f"/dashboards/{made}/report", data={**REPORT, "group": "company", "title": "=cmd()"})
    answer = browser.get("/cards/sales.forecast/table.csv")
    assert answer.mimetype == "text/csv"
    assert len(answer.get_data(as_text=True).splitlines()) == 13


def test_a_dashboard_of_somebody_else_is_not_there(installation: TestInstallation, browser: Browser) -> None:
    made = start(browser, "Secret plans")
    browser.post(f"/dashboards/{made}/report", data=REPORT)
    card = arranged(installation, made)[0].id
    other = installation.browser("user")
    for path in (
        f"/dashboards/{made}", f"/dashboards/{made}/arrange", f"/dashboards/{made}/report",
        f"/cards/{card}", f"/cards/{card}/body", f"/cards/{card}/table.csv",
    ):  # fmt: skip
        assert other.get(path).status_code == 404, path
    assert other.post(f"/dashboards/{made}/delete").status_code == 404
    assert act(other, made, "remove", card=card) == 404
    assert "Secret plans" not in other.get("/dashboards").get_data(as_text=True)
    assert len(arranged(installation, made)) == 1


def test_a_shared_dashboard_is_seen_by_all_with_their_own_rights(
    installation: TestInstallation, browser: Browser
) -> None:
    made = start(browser, "People")
    people = {"record_type": "contacts.person", "title": "How many", "measure": "count", "chart": "number"}
    browser.post(f"/dashboards/{made}/report", data=people)
    assert act(browser, made, "rename", title="People", shared="1") == 302
    other = installation.browser("user")
    html = other.get(f"/dashboards/{made}").get_data(as_text=True)
    assert re.search(r'class="dash-n"><a href="[^"]*">0</a>', html)
    assert other.get(f"/dashboards/{made}/arrange").status_code == 404


def test_sharing_needs_its_right(installation: TestInstallation) -> None:
    other = installation.browser("user")
    made = start(other, "Mine")
    act(other, made, "rename", title="Mine", shared="1")
    with installation.acting() as session:
        assert session.scalar(sa.select(Dashboard.shared).where(Dashboard.id == made)) is False


def test_a_card_whose_right_was_taken_is_gone_from_where_it_was_put(installation: TestInstallation) -> None:
    other = installation.browser("user")
    start(other)
    assert "Pipeline" in titles(other)
    installation.grant("user", {"sales.deal.see": "none"})
    assert "Pipeline" not in titles(other)
    assert other.get("/cards/sales.forecast").status_code == 404


@pytest.mark.parametrize("ref", ["0", "99999", "9" * 30, "nothing.here", "core.start", "۱"])
def test_cards_that_are_not_there_are_missing(browser: Browser, ref: str) -> None:
    assert browser.get(f"/cards/{ref}").status_code == 404


def test_odd_actions_are_refused(browser: Browser) -> None:
    home = start(browser)
    assert act(browser, home, "explode") == 400
    assert act(browser, home, "remove", card="x") == 404
    assert act(browser, home, "order", order="1,x") == 400
    assert browser.post("/dashboards", data={"title": " "}).status_code == 422


def test_the_checklist_goes_when_everything_is_done(installation: TestInstallation, browser: Browser) -> None:
    assert "Get started" in titles(browser)
    installation.user("user")
    browser.post("/profile/", data={"name": "Administrator", "timezone": "Asia/Tehran"})
    with installation.acting() as session:
        session.execute(sa.text("UPDATE core_user SET timezone = 'Asia/Tehran'"))
        session.commit()
    assert "Get started" not in titles(browser)
