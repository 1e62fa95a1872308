"""While Activities is on, an open activity about a deal is its next step."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import archive, format_local_date, reader_today, restore
from core.testing.installation import TestInstallation
from plugins.activities.models import TASK, Activity
from plugins.activities.services import complete
from plugins.sales import figures
from plugins.sales.models import Deal
from plugins.sales.screens import hints


@pytest.fixture
def busy(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    """An installation with both on."""
    return make_site("contacts", "activities", "sales", dialect=dialect)


def test_an_open_activity_is_the_next_step_of_its_deal(busy: TestInstallation) -> None:
    with busy.acting("user") as work:
        deal, other = Deal(name="New roof"), Deal(name="Old roof")
        work.add_all([deal, other])
        work.flush()
        about = {"about_type": "sales.deal", "about_id": deal.id}
        later = Activity(subject="Later", kind=TASK, **about)
        first = Activity(subject="Send the contract", kind=TASK, due=reader_today(), **about)
        work.add_all([later, first])
        work.commit()
        assert [found.name for found in figures.without_next_step(work, 9).deals] == ["Old roof"]
        told = hints([deal, other])
        subject, day = str(told[deal.id].text).split(" · ")
        assert subject == "\u2068Send the contract\u2069"
        assert day.replace("\u00a0", " ") == format_local_date(reader_today()), "the day"
        assert " " not in day, "stays on one line"
        assert not told[deal.id].warn
        assert str(told[other.id].text) == "No next step"
        archive(first)
        work.commit()
        assert str(hints([deal])[deal.id].text) == "Later"
        restore(first)
        for activity in (first, later):
            complete(activity)
        work.commit()
        assert figures.without_next_step(work, 9).count == 2


def test_the_home_page_leads_to_where_a_step_is_planned(busy: TestInstallation) -> None:
    with busy.acting("user") as work:
        deal = Deal(name="New roof")
        work.add(deal)
        work.commit()
        number = deal.id
    browser = busy.browser("user")
    assert f"/activities/about/sales.deal/{number}/task" in browser.get("/").get_data(as_text=True)
    text = browser.get("/sales/deal/board").get_data(as_text=True)
    assert "No next step" in text


def test_sample_deals_come_with_activities(busy: TestInstallation) -> None:
    with busy.acting() as work:
        for plugin, call in busy.site.hooks.each("demo_data", session=work):
            assert plugin in ("contacts", "activities", "sales")
            call()
            work.commit()
        assert work.query(Activity).filter_by(about_type="sales.deal").count() == 12
    assert "could not be shown" not in busy.browser("administrator").get("/").get_data(as_text=True)
