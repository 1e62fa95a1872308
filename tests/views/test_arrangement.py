"""What people arranged is kept between pages while it holds; so is the Site that a page is begun on."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.teams import Team, set_members
from core.records.views.models import EVERYONE, MINE, TEAM, DefaultView, ListLayout, SavedView
from core.site.plan import DISABLE
from core.site.runtime import Runtime
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
LIST = "/contacts/person/"


@pytest.fixture
def site(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


@pytest.fixture
def elsewhere(site: TestInstallation) -> Iterator[TestInstallation]:
    """Another process of the same installation."""
    other = TestInstallation(site.config, Runtime(site.config))
    yield other
    other.close()


def view(session: Session, **fields: object) -> SavedView:
    made = SavedView(**({"record_type": "contacts.person", "name": "Shirazis", "definition": {}} | fields))
    session.add(made)
    session.flush()
    return made


def test_what_is_arranged_is_asked_for_once(site: TestInstallation) -> None:
    browser = site.browser("user")
    browser.get(LIST)
    asked: list[str] = []
    engine = site.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    browser.get(LIST)
    assert [statement for statement in asked if "core_view" in statement] == []
    assert len([statement for statement in asked if "generation" in statement]) == 1


def test_a_change_of_another_process_is_on_the_next_page(site: TestInstallation, elsewhere: TestInstallation) -> None:
    browser, me = site.browser("user"), site.user("user").id
    assert "Shirazis" not in browser.get("/").text

    with elsewhere.acting() as session:
        pinned = view(session, owner_id=me, shared=MINE, pinned=True)
        session.commit()
    assert "Shirazis" in browser.get("/").text

    with elsewhere.acting() as session:
        session.get_one(SavedView, pinned.id).name = "Tehranis"
        session.commit()
    page = browser.get("/").text
    assert "Tehranis" in page
    assert "Shirazis" not in page

    with elsewhere.acting() as session:
        session.execute(sa.delete(SavedView))
        session.commit()
    assert "Tehranis" not in browser.get("/").text


def test_a_view_of_a_team_comes_and_goes_with_its_membership(
    site: TestInstallation, elsewhere: TestInstallation
) -> None:
    browser, me = site.browser("user"), site.user("user").id
    with elsewhere.acting() as session:
        team = Team(name="South")
        session.add(team)
        session.flush()
        view(session, shared=TEAM, team_id=team.id, pinned=True)
        session.commit()
    assert "Shirazis" not in browser.get("/").text
    for members, there in (({me}, True), (set(), False)):
        with elsewhere.acting() as session:
            set_members(session, session.get_one(Team, team.id), members)
            session.commit()
        assert ("Shirazis" in browser.get("/").text) is there


def test_a_default_and_widths_are_those_of_the_moment(site: TestInstallation, elsewhere: TestInstallation) -> None:
    browser, me = site.browser("user"), site.user("user").id
    browser.get(LIST)
    with elsewhere.acting() as session:
        shared = view(session, shared=EVERYONE, definition={"columns": ["name", "birthday"]})
        session.add(DefaultView(record_type="contacts.person", user_id=me, view_id=shared.id))
        session.add(ListLayout(user_id=me, record_type="contacts.person", widths={"name": 333}))
        session.commit()
    page = browser.get(LIST).text
    assert 'aria-current="page"><bdi>Shirazis' in page
    assert '"name": 333' in page


def test_what_was_taken_back_changes_nothing(site: TestInstallation, elsewhere: TestInstallation) -> None:
    browser, me = site.browser("user"), site.user("user").id
    with elsewhere.acting() as session:
        view(session, owner_id=me, shared=MINE, pinned=True)
        session.rollback()
    assert "Shirazis" not in browser.get("/").text


@pytest.mark.parametrize("role", ["user", None])
def test_a_page_begun_on_an_old_site_is_answered_by_the_current_one(
    site: TestInstallation, elsewhere: TestInstallation, role: str | None
) -> None:
    browser = site.browser(role)
    first = site.site.generation
    browser.get(LIST)
    elsewhere.change(DISABLE, "contacts")
    assert browser.get(LIST).status_code == (401 if role is None else 404)
    assert site.runtime.site.generation > first
