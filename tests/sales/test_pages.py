"""The pages of the plugin, through the whole Site."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from core import archive
from core.testing.installation import Browser, TestInstallation
from plugins.contacts.models import Company
from plugins.sales.demo import add_deals
from plugins.sales.models import Deal, LostReason, Pipeline, Stage


@pytest.fixture
def browser(installation: TestInstallation) -> Browser:
    """A signed-in administrator."""
    return installation.browser("administrator")


def stage_id(installation: TestInstallation, name: str) -> int:
    with installation.acting() as work:
        return work.scalars(sa.select(Stage.id).where(Stage.name == name)).one()


def make_deal(installation: TestInstallation, **values: object) -> int:
    with installation.acting() as work:
        deal = Deal(**{"name": "New roof", **values})
        work.add(deal)
        work.commit()
        return deal.id


def stage_of(installation: TestInstallation, deal_id: int) -> str:
    with installation.acting() as work:
        statement = sa.select(Stage.name).join(Deal, Deal.stage_id == Stage.id).where(Deal.id == deal_id)
        return work.scalars(statement).one()


@pytest.mark.parametrize(
    "path",
    ["/", "/sales/deal/", "/sales/deal/new", "/sales/deal/board", "/sales/pipelines", "/sales/lost_reason/"],
)
@pytest.mark.parametrize("language", ["en", "fa"])
def test_pages_open_with_sample_data(
    installation: TestInstallation, browser: Browser, path: str, language: str
) -> None:
    browser.post("/profile/choose", data={"language": language, "next": "/"})
    with installation.acting() as work:
        add_deals(work)
        work.commit()
    answer = browser.get(path)
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert f'lang="{language}"' in text
    assert "could not be shown" not in text
    assert "نمایش داده" not in text


def test_home_shows_the_pipeline_and_what_lacks_a_next_step(installation: TestInstallation, browser: Browser) -> None:
    make_deal(installation, amount=Decimal(1200), currency="USD")
    text = browser.get("/").get_data(as_text=True)
    assert "$1,200" in text
    assert "Deals without a next step" in text
    assert "New roof" in text


def test_deal_page_shows_stages_and_history(installation: TestInstallation, browser: Browser) -> None:
    deal_id = make_deal(installation)
    text = browser.get(f"/sales/deal/{deal_id}").get_data(as_text=True)
    assert "Stage history" in text
    assert "less than a day" in text
    assert f'value="{stage_id(installation, "Proposal")}"' in text
    assert "could not be shown" not in text


def test_stage_is_chosen_on_the_deal_page(installation: TestInstallation, browser: Browser) -> None:
    deal_id, proposal = make_deal(installation), stage_id(installation, "Proposal")
    here = f"/sales/deal/{deal_id}"
    page = browser.get(here).get_data(as_text=True)
    assert 'action="/sales/deal/move?back=record"' in page
    moved = browser.post("/sales/deal/move?back=record", data={"id": deal_id, "lane": proposal})
    assert (moved.status_code, moved.location) == (302, here)
    assert stage_of(installation, deal_id) == "Proposal"
    refused = browser.post("/sales/deal/move?back=record", data={"id": deal_id, "lane": 10**12})
    assert refused.location == here
    assert stage_of(installation, deal_id) == "Proposal"


def test_won_and_lost_ask_for_what_they_need(installation: TestInstallation, browser: Browser) -> None:
    deal_id = make_deal(installation)
    browser.get(f"/sales/deal/{deal_id}")
    url = "/sales/deal/move?back=record"
    won = {"id": deal_id, "lane": stage_id(installation, "Won")}
    for amount in ({}, {"amount": "much"}, {"amount": "-5"}):
        answer = browser.post(url, data=won | amount)
        assert answer.status_code == 422
        assert 'name="amount"' in answer.get_data(as_text=True)
        assert "back=record" in answer.get_data(as_text=True)
    assert stage_of(installation, deal_id) == "Lead"
    assert browser.post(url, data=won | {"amount": "۱٬۵۰۰"}).status_code == 302
    assert stage_of(installation, deal_id) == "Won"
    with installation.acting() as work:
        assert work.scalars(sa.select(Deal.amount)).one() == Decimal(1500)
        reason = work.scalars(sa.select(LostReason.id)).first()
    lost = {"id": deal_id, "lane": stage_id(installation, "Lost")}
    for answered in ({}, {"lost_reason": "0"}):
        assert browser.post(url, data=lost | answered).status_code == 422
    assert browser.post(url, data=lost | {"lost_reason": reason}).status_code == 302
    assert stage_of(installation, deal_id) == "Lost"


def test_a_card_names_its_customer_in_the_bin_too_and_to_nobody_who_may_not_see_him(
    installation: TestInstallation, browser: Browser
) -> None:
    with installation.acting("administrator") as work:
        company = Company(name="Cardboard Ltd")
        work.add(Deal(name="New roof", company=company, next_step="Measure it"))
        work.commit()
        archive(company)
        work.commit()
    card = browser.get("/sales/deal/board").get_data(as_text=True)
    assert "New roof" in card
    assert "Cardboard Ltd" in card
    assert "Measure it" in card
    installation.grant("seller", {"sales.deal.see": "all", "sales.pipeline.see": "all", "sales.stage.see": "all"})
    card = installation.browser("seller").get("/sales/deal/board").get_data(as_text=True)
    assert "New roof" in card
    assert "Cardboard Ltd" not in card
    hidden = {"sales.deal": {"next_step": "hidden", "company": "hidden"}}
    installation.grant("seller", {"sales.deal.see": "all", "contacts.company.see": "all"}, fields=hidden)
    card = installation.browser("seller").get("/sales/deal/board").get_data(as_text=True)
    assert "New roof" in card
    assert "Cardboard Ltd" not in card
    assert "Measure it" not in card
    hidden = {"contacts.company": {"name": "hidden"}}
    installation.grant("caller", {"sales.deal.see": "all", "contacts.company.see": "all"}, fields=hidden)
    card = installation.browser("caller").get("/sales/deal/board").get_data(as_text=True)
    assert "New roof" in card
    assert "Cardboard Ltd" not in card


def test_board_asks_for_the_reason_of_a_loss(installation: TestInstallation, browser: Browser) -> None:
    deal_id = make_deal(installation)
    browser.get("/sales/deal/board")
    move = {"id": deal_id, "lane": stage_id(installation, "Lost"), "version": 1}
    url = "/sales/deal/move"
    asked = browser.post(url, data=move, headers={"HX-Request": "true"})
    assert asked.status_code == 422
    assert "lost_reason" in asked.get_data(as_text=True)
    with installation.acting() as work:
        reason = work.scalars(sa.select(LostReason.id)).first()
    assert browser.post(url, data=move | {"lost_reason": reason}, headers={"HX-Request": "true"}).status_code == 200
    assert stage_of(installation, deal_id) == "Lost"


def test_company_page_shows_its_deals(installation: TestInstallation, browser: Browser) -> None:
    with installation.acting() as work:
        company = Company(name="Cardboard Ltd")
        work.add(company)
        work.commit()
        company_id = company.id
        work.add(Deal(name="Boxes", company=company, amount=Decimal(70), currency="EUR"))
        work.commit()
    text = browser.get(f"/contacts/company/{company_id}").get_data(as_text=True)
    assert "Boxes" in text
    assert "€70" in text
    assert f"amp;company={company_id}\"" in text.split("/sales/deal/new?")[1]


def test_stages_are_kept_in_place(installation: TestInstallation, browser: Browser) -> None:
    browser.get("/sales/pipelines")
    lead = stage_id(installation, "Lead")
    values = {"name": "سرنخ", "color": "blue", "probability": "۱۵", "rot_days": ""}
    assert browser.post(f"/sales/stages/{lead}", data=values).status_code == 302
    with installation.acting() as work:
        stage = work.scalars(sa.select(Stage).where(Stage.id == lead)).one()
        assert (stage.name, stage.color, stage.probability, stage.rot_days) == ("سرنخ", "blue", 15, None)
    for wrong in ({"name": ""}, {"probability": "101"}, {"probability": "x"}, {"rot_days": "0"}, {"color": "red;"}):
        answer = browser.post(f"/sales/stages/{lead}", data=values | wrong)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    assert stage_id(installation, "سرنخ") == lead


def test_stage_is_added_moved_and_removed(installation: TestInstallation, browser: Browser) -> None:
    browser.get("/sales/pipelines")
    with installation.acting() as work:
        pipeline = work.scalars(sa.select(Pipeline.id)).one()
    deal_id = make_deal(installation)
    new = {"name": "Demo", "color": "teal", "probability": "60", "rot_days": "9", "kind": "open"}
    assert browser.post(f"/sales/pipelines/{pipeline}/stages", data=new).status_code == 302
    assert browser.post(f"/sales/pipelines/{pipeline}/stages", data=new | {"kind": "odd"}).status_code == 422
    demo, lead = stage_id(installation, "Demo"), stage_id(installation, "Lead")
    assert browser.post(f"/sales/stages/{demo}/shift", data={"to": "up"}).status_code == 302
    assert browser.post(f"/sales/pipelines/{pipeline}/order", data={"stage": [demo, lead]}).status_code == 204
    assert browser.post(f"/sales/pipelines/{pipeline}/order", data={"stage": [10**9]}).status_code == 409
    assert browser.post(f"/sales/stages/{lead}/remove").status_code == 302
    assert stage_of(installation, deal_id) == "Lead"
    assert browser.post(f"/sales/stages/{lead}/remove", data={"target": demo}).status_code == 302
    assert stage_of(installation, deal_id) == "Demo"
    assert browser.post(f"/sales/stages/{lead}", data=new).status_code == 404


def test_pipeline_is_added_renamed_and_removed(installation: TestInstallation, browser: Browser) -> None:
    browser.get("/sales/pipelines")
    assert browser.post("/sales/pipelines", data={"name": ""}).status_code == 422
    assert browser.post("/sales/pipelines", data={"name": "Renewals"}).status_code == 302
    with installation.acting() as work:
        pipeline = work.scalars(sa.select(Pipeline.id).where(Pipeline.name == "Renewals")).one()
    assert "Renewals" in browser.get(f"/sales/pipelines?pipeline={pipeline}").get_data(as_text=True)
    assert browser.post(f"/sales/pipelines/{pipeline}", data={"name": " "}).status_code == 422
    assert browser.post(f"/sales/pipelines/{pipeline}", data={"name": "Upkeep"}).status_code == 302
    assert browser.post(f"/sales/pipelines/{pipeline}/remove").status_code == 302
    assert browser.get(f"/sales/pipelines?pipeline={pipeline}").status_code == 404


def test_pipelines_are_hidden_from_users(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    lead = stage_id(installation, "Lead")
    assert browser.get("/sales/pipelines").status_code == 404
    assert browser.post(f"/sales/stages/{lead}", data={"name": "Mine"}).status_code == 404
    assert stage_id(installation, "Lead") == lead
    text = browser.get("/sales/deal/").get_data(as_text=True)
    assert "/sales/deal/board" in text
    assert "/sales/pipelines" not in text
