"""A hidden field shows nowhere: on no page that links lead to, in no file, by no filter, search or total."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from html import unescape

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from core.testing.installation import Browser, TestInstallation

# What is looked for: an amount, a telephone number, a city and a day, in all the ways they are written.
MARKS = ("918273", "918,273", "۹۱۸", "9121112", "912 111", "۹۱۲", "Qazvinmark", "1971", "۱۳۵۰", "1350")
HIDDEN = {
    "sales.deal": {"amount": "hidden", "next_step": "hidden"},
    "contacts.person": {"phones": "hidden", "birthday": "hidden", "city": "hidden"},
    "contacts.company": {"phones": "hidden", "city": "hidden"},
}
LINK = re.compile(r'(?:href|hx-get|data-nv-modal|src)="(/[^"#]*)')
# Static files hold no data; the rest is about the reader alone or leads out.
LEFT = ("/static", "/sign-out", "/profile", "/help")
MOST = 260


@pytest.fixture
def crm(make_site: Callable[..., TestInstallation]) -> TestInstallation:
    from plugins.contacts.models import Company, Person, PhoneNumber
    from plugins.sales.models import Deal, Stage

    made = make_site("contacts", "activities", "sales")
    everything = {
        f"{kind}.{verb}": "all"
        for kind in ("contacts.person", "contacts.company", "contacts.tag", "sales.deal", "activities.activity")
        for verb in ("see", "create", "edit", "delete", "export", "import", "bulk")
    }
    everything |= {f"sales.{name}.see": "all" for name in ("pipeline", "stage", "lost_reason")}
    made.grant("seller", everything, fields=HIDDEN)
    made.grant("boss", everything)
    owner = made.user("seller").id
    with made.acting("administrator") as session:
        stage = session.scalars(sa.select(Stage).order_by(Stage.id)).first()
        office = PhoneNumber(number="+989121112233")
        company = Company(name="Karimi", city="Qazvinmark", owner_id=owner, phones=[office])
        ada = Person(
            first_name="Ada", last_name="Byron", city="Qazvinmark", birthday=dt.date(1971, 5, 5), company=company,
            owner_id=owner, phones=[PhoneNumber(number="+989121112244")],
        )  # fmt: skip
        deal = Deal(
            name="Pumps", amount=918273, next_step="Qazvinmark", stage=stage, pipeline=stage.pipeline, contact=ada,
            company=company, owner_id=owner,
        )  # fmt: skip
        session.add_all([company, ada, deal])
        session.commit()
        deal.amount, deal.next_step, ada.city = 918274, "Qazvinmark again", "Qazvinmark two"
        session.commit()
        deal.amount = 918273
        session.commit()
    return made


# Keys and tokens of forms, in whose digits a year may stand by chance.
RANDOM = re.compile(r'<(?:input|meta)[^>]* name="(?:form_key|csrf_token|csrf-token)"[^>]*>')


def walk(browser: Browser, language: str) -> dict[str, str]:
    """The texts of every page that links lead to from the home page."""
    browser.set_cookie("peyvand_language", language)
    browser.post("/profile/choose", data={"language": language})
    waiting, found = ["/", "/contacts/person/?view=all", "/sales/deal/calendar", "/dashboards/"], dict[str, str]()
    shapes: dict[str, int] = {}
    while waiting and len(found) < MOST:
        path = waiting.pop(0)
        # Of addresses that differ in their arguments alone a few are enough.
        shape = re.sub(r"[0-9]+", "0", path.split("?")[0]) + "?" + ",".join(sorted(re.findall(r"[?&](\w+)=", path)))
        shapes[shape] = shapes.get(shape, 0) + 1
        if path in found or path.startswith(LEFT) or shapes[shape] > 3:
            continue
        answer = browser.get(path)
        assert answer.status_code < 500, path
        text = answer.get_data(as_text=True) if answer.mimetype != "application/octet-stream" else ""
        found[path] = RANDOM.sub("", text)
        if answer.mimetype == "text/html":
            waiting += [unescape(link) for link in LINK.findall(found[path])]
    return found


def leaks(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(path, mark) for path, text in texts.items() for mark in MARKS if mark in text and mark not in path]


@pytest.mark.parametrize("language", ["en", "fa"])
def test_no_page_tells_what_is_hidden(crm: TestInstallation, language: str) -> None:
    boss = walk(crm.browser("boss"), language)
    # The marks are to be found at all, or looking for them would prove nothing.
    assert len({mark for _path, mark in leaks(boss)}) >= 4
    told = walk(crm.browser("seller"), language)
    assert len(told) > 40
    assert leaks(told) == []
    # What a card of a module would ask for is not there, so the card is left out and not broken.
    assert "could not be shown" not in told["/"] + told["/sales/deal/board"]


@pytest.mark.parametrize("kind", ["contacts/person", "contacts/company", "sales/deal"])
@pytest.mark.parametrize("name", ["csv", "json", "xlsx"])
def test_no_file_tells_what_is_hidden(crm: TestInstallation, kind: str, name: str) -> None:
    data = {"format": name, "now": "1", "fields": "all"}
    told, everything = (crm.browser(role).post(f"/{kind}/export", data=data).data for role in ("seller", "boss"))
    assert leaks({"file": written(everything, name)}), "the marks are in the file of whom nothing is hidden from"
    assert written(told, name)
    assert leaks({"file": written(told, name)}) == []


def written(file: bytes, name: str) -> str:
    if name != "xlsx":
        return file.decode()
    return repr(list(load_workbook(io.BytesIO(file)).active.iter_rows(values_only=True)))


@pytest.mark.parametrize(
    "path",
    [
        "/sales/deal/?sort=amount", "/sales/deal/?flt0_amount__gt=5", "/sales/deal/?columns=amount",
        "/contacts/person/?group=birthday:month", "/contacts/person/?sort=city", "/contacts/person/?columns=phones",
        '/sales/deal/?where={"field": "amount", "op": "gt", "value": "1"}',
        '/sales/deal/?where={"field": "contact.city", "op": "starts", "value": "Q"}',
        '/contacts/company/?where={"count": "sales.deal.company", "op": "ge", "value": 1,'
        ' "where": {"field": "amount", "op": "gt", "value": "1"}}',
        '/contacts/person/?where={"field": "phones.number", "op": "contains", "value": "912"}',
    ],
)  # fmt: skip
def test_a_hidden_field_answers_no_question(crm: TestInstallation, path: str) -> None:
    assert crm.browser("boss").get(path).status_code == 200, "the question can be asked at all"
    assert crm.browser("seller").get(path).status_code == 400


@pytest.mark.parametrize("text", ["Qazvinmark", "9121112233", "912111"])
def test_no_search_finds_by_what_is_hidden(crm: TestInstallation, text: str) -> None:
    seller = crm.browser("seller")
    for path in ("/contacts/person/?search=", "/contacts/company/?search=", "/search?q=", "/search/palette?q="):
        answer = seller.get(path + text).get_data(as_text=True)
        assert "Byron" not in answer
        assert "Karimi" not in answer
    assert "Karimi" in crm.browser("boss").get("/contacts/company/?search=" + text).get_data(as_text=True)


def test_an_import_neither_fills_nor_matches_by_what_is_hidden(crm: TestInstallation) -> None:
    from core.records.transfer.targets import target_of

    with crm.acting("seller"):
        target = target_of(crm.site.screens["contacts.person"], crm.site.catalog.find("contacts.person"))
        assert not {name for name in target.by_name if name.startswith(("phones", "city", "birthday"))}
        assert not {"phones", "city", "birthday"} & set(target.keys)
    with crm.acting("boss"):
        target = target_of(crm.site.screens["contacts.person"], crm.site.catalog.find("contacts.person"))
        assert {"city", "birthday"} <= set(target.by_name)
