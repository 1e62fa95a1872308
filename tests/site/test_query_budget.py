"""A page asks the database a bounded number of times, however many records it shows."""

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from core.testing.installation import Browser, TestInstallation

MakeSite = Callable[..., TestInstallation]
LIST_BUDGET = 7
BOARD_BUDGET = 7
SEARCH_BUDGET = 12
PAGE_BUDGET = 20
RECORD_BUDGET = 12
SAVE_BUDGET = 8


@pytest.fixture
def installation(make_site: MakeSite) -> TestInstallation:
    made = make_site("contacts", "activities", "sales")
    with made.acting() as session:
        for _plugin, add in made.site.hooks.each("demo_data", session=session):
            add()
            session.commit()
    return made


def queries(installation: TestInstallation, browser: Browser, path: str) -> list[str]:
    return statements(installation, lambda: browser.get(path), 200)


def statements(installation: TestInstallation, request: Callable[[], TestResponse], status: int) -> list[str]:
    """What the database is asked while ``request`` is answered with ``status``."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            asked.append(statement)

    engine = installation.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        assert request().status_code == status
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return asked


@pytest.mark.parametrize(
    "path", ["/contacts/person/", "/contacts/company/", "/sales/deal/", "/contacts/tag/", "/activities/activity/"]
)
@pytest.mark.parametrize("size", [25, 50])
def test_a_list_stays_within_its_budget(installation: TestInstallation, path: str, size: int) -> None:
    browser = installation.browser("user")
    browser.get(path)
    asked = queries(installation, browser, f"{path}?page_size={size}")
    assert len(asked) <= LIST_BUDGET, "\n".join(asked)


@pytest.mark.parametrize("path", ["/", "/activities/mine"])
def test_other_pages_stay_within_theirs(installation: TestInstallation, path: str) -> None:
    browser = installation.browser("user")
    browser.get(path)
    asked = queries(installation, browser, path)
    assert len(asked) <= PAGE_BUDGET, "\n".join(asked)


@pytest.mark.parametrize("arguments", ["", "?stuck=1", "?by=owner", "?search=a"])
def test_a_board_asks_once_for_the_cards_of_all_lanes(installation: TestInstallation, arguments: str) -> None:
    browser = installation.browser("user")
    browser.get("/sales/deal/board")
    asked = queries(installation, browser, f"/sales/deal/board{arguments}")
    assert len(asked) <= BOARD_BUDGET, "\n".join(asked)


def test_a_search_asks_for_all_types_at_once(make_site: MakeSite, dialect: str) -> None:
    installation = make_site("contacts", "activities", "sales", dialect=dialect)
    with installation.acting() as session:
        for _plugin, add in installation.site.hooks.each("demo_data", session=session):
            add()
            session.commit()
    browser = installation.browser("administrator")
    browser.get("/search?q=an")
    asked = queries(installation, browser, "/search?q=an")
    assert len(asked) <= SEARCH_BUDGET, "\n".join(asked)


def furnish(installation: TestInstallation) -> dict[str, int]:
    """A person, a company and a deal with everything their pages can show, by the names of their types."""
    from plugins.activities.models import Activity
    from plugins.contacts.models import Address, Company, PhoneNumber, Tag
    from plugins.sales.models import Deal

    somebody = installation.user("administrator").id
    with installation.acting("administrator") as session:
        deal = session.scalars(sa.select(Deal).where(Deal.contact_id.is_not(None), Deal.closed_at.is_(None))).first()
        person = deal.contact
        deal.company = company = session.scalars(sa.select(Company)).first()
        deal.next_step, deal.owner_id, person.company = "Call back", somebody, company
        for contact in (person, company):
            contact.owner_id = somebody
            contact.tags = list(session.scalars(sa.select(Tag)))[:2]
            contact.phones.append(PhoneNumber(number="+982188776655"))
            contact.addresses.append(Address(city="Shiraz"))
        done = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
        found = {record.__record_type__: record.id for record in (person, company, deal)}
        for record_type, number in found.items():
            about = {"about_type": record_type, "about_id": number, "assignee_id": somebody}
            session.add(Activity(kind="call", subject="Ask", **about))
            session.add(Activity(kind="call", subject="Asked", outcome="answered", done_at=done, **about))
        session.commit()
    return found


@pytest.mark.parametrize("record_type", ["contacts.person", "contacts.company", "sales.deal"])
def test_the_page_of_a_record_with_everything_stays_within_its_budget_however_long_its_story(
    installation: TestInstallation, record_type: str
) -> None:
    from core.records.note import Note

    number = furnish(installation)[record_type]
    browser = installation.browser("user")
    path = f"/{record_type.replace('.', '/')}/{number}"
    browser.get(path)
    short = queries(installation, browser, path)
    start = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    about = {"record_type": record_type, "record_id": number}
    with installation.runtime.database.engine.begin() as connection:
        notes = [{**about, "body": f"note {n}", "created_at": start - dt.timedelta(hours=n)} for n in range(500)]
        connection.execute(sa.insert(Note.__table__), notes)
    asked = queries(installation, browser, f"{path}?entries=500")
    assert len(asked) == len(short) <= RECORD_BUDGET, "\n".join([str(len(short)), *asked])


def test_a_save_stays_within_its_budget(installation: TestInstallation) -> None:
    from plugins.contacts.models import Person

    number = furnish(installation)["contacts.person"]
    browser = installation.browser("user")
    path = f"/contacts/person/{number}/edit"
    browser.get(path)
    asked: list[str] = []
    for title in ("Planner", "Buyer"):
        with installation.acting() as session:
            version = session.scalar(sa.select(Person.version).where(Person.id == number))
        typed = {"version": str(version), "first_name": "Ada", "status": "customer", "job_title": title}
        asked = statements(installation, lambda typed=typed: browser.post(path, data=typed), 302)
    assert len(asked) <= SAVE_BUDGET, "\n".join(asked)
