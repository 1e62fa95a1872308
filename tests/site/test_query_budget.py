"""A page asks the database a bounded number of times, however many records it shows."""

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from core.testing.installation import Browser, TestInstallation

MakeSite = Callable[..., TestInstallation]
LIST_BUDGET = 12
PAGE_BUDGET = 20
RECORD_BUDGET = 12


@pytest.fixture
def installation(make_site: MakeSite) -> TestInstallation:
    made = make_site("contacts", "activities", "sales")
    with made.acting() as session:
        for _plugin, add in made.site.hooks.each("demo_data", session=session):
            add()
            session.commit()
    return made


def queries(installation: TestInstallation, browser: Browser, path: str) -> list[str]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            asked.append(statement)

    engine = installation.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        assert browser.get(path).status_code == 200
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


@pytest.mark.parametrize(
    "path", ["/", "/sales/deal/board", "/sales/deal/1", "/contacts/person/9", "/contacts/company/1", "/activities/mine"]
)
def test_other_pages_stay_within_theirs(installation: TestInstallation, path: str) -> None:
    browser = installation.browser("user")
    browser.get(path)
    asked = queries(installation, browser, path)
    assert len(asked) <= PAGE_BUDGET, "\n".join(asked)


def test_a_long_story_costs_a_record_page_no_query_more(installation: TestInstallation) -> None:
    from core.records.note import Note

    browser = installation.browser("user")
    browser.get("/sales/deal/1")
    short = queries(installation, browser, "/sales/deal/1")
    start = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    about = {"record_type": "sales.deal", "record_id": 1}
    with installation.runtime.database.engine.begin() as connection:
        notes = [{**about, "body": f"note {n}", "created_at": start - dt.timedelta(hours=n)} for n in range(500)]
        connection.execute(sa.insert(Note.__table__), notes)
    asked = queries(installation, browser, "/sales/deal/1?entries=500")
    assert len(asked) == len(short) <= RECORD_BUDGET, "\n".join([str(len(short)), *asked])
