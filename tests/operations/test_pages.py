"""The pages of operations: whose they are, what they tell, and undoing from them."""

import re

import sqlalchemy as sa

from core.accounts import users
from core.accounts.actor import as_system
from core.records.operations.models import Operation
from core.records.operations.running import operation
from core.testing.installation import PASSWORD, Browser, TestInstallation
from plugins.contacts.models import Person
from tests.operations.conftest import person


def edited(crm: TestInstallation, city: str = "Shiraz") -> str:
    """The id of an operation that gave two people a city."""
    with crm.acting("user") as session:
        ada, bob = person(city="Yazd"), person("Bob", city="Qom")
        session.add_all([ada, bob])
        session.commit()
        with operation(session, kind="edit", record_type="contacts.person", label=f"City: {city}") as op:
            ada.city = bob.city = city
        session.commit()
        return op.id


def cities(crm: TestInstallation) -> list[str | None]:
    with crm.acting() as session:
        return list(session.scalars(sa.select(Person.city).order_by(Person.id)))


def colleague(crm: TestInstallation) -> Browser:
    """Another user of the same role."""
    with crm.site.app.app_context(), as_system("test"):
        users.create_user(crm.session, "eve@example.com", "Eve", PASSWORD, "user")
        crm.session.commit()
    browser = Browser(crm.application)
    browser.get("/sign-in")
    browser.post("/sign-in", data={"email": "eve@example.com", "password": PASSWORD})
    browser.get("/")
    return browser


def test_an_operation_is_listed_for_its_author_and_for_administrators(crm: TestInstallation) -> None:
    op_id = edited(crm)
    mine = crm.browser("user")
    assert "City: Shiraz" in mine.get("/operations").text
    assert mine.get("/admin/operations").status_code == 404
    boss = crm.browser("administrator")
    assert "City: Shiraz" in boss.get("/admin/operations?kind=edit&state=done").text
    assert "City: Shiraz" not in boss.get("/admin/operations?state=undone").text
    assert "City: Shiraz" not in boss.get("/operations").text
    assert boss.get("/admin/operations?state=x").status_code == 400
    other = colleague(crm)
    assert "City: Shiraz" not in other.get("/operations").text
    for path in (f"/operations/{op_id}", f"/operations/{op_id}/undo", f"/operations/{op_id}/progress"):
        assert other.get(path).status_code == 404
        assert crm.browser().get(path).status_code in (302, 401, 404)
    assert other.post(f"/operations/{op_id}/undo").status_code == 404
    assert cities(crm) == ["Shiraz", "Shiraz"]


def test_the_page_shows_what_was_changed_and_hides_what_the_reader_may_not_see(crm: TestInstallation) -> None:
    op_id = edited(crm)
    browser = crm.browser("user")
    page = browser.get(f"/operations/{op_id}").text
    assert "Ada Byron" in page
    assert "Yazd" in page
    boss = crm.user("administrator").id
    with crm.acting("administrator") as session:
        hidden = session.scalars(sa.select(Person).where(Person.first_name == "Bob")).one()
        hidden.private, hidden.owner_id, hidden.created_by_id = True, boss, boss
        session.commit()
    page = browser.get(f"/operations/{op_id}").text
    assert "Bob" not in page
    assert "Qom" not in page
    assert "A record that is gone or not yours to see" in page


def test_the_preview_names_who_changed_what_since_and_undoing_leaves_that(crm: TestInstallation) -> None:
    op_id = edited(crm)
    with crm.acting("administrator") as session:
        session.scalars(sa.select(Person).where(Person.first_name == "Bob")).one().city = "Rasht"
        session.commit()
    browser = crm.browser("user")
    asked = browser.get(f"/operations/{op_id}/undo")
    assert "2 records get their old values back." in asked.text
    assert "1 record was changed since" in asked.text
    assert re.search(r"Bob Byron</bdi>: City <span class=\"muted\">\(Administrator", asked.text)
    assert cities(crm) == ["Shiraz", "Rasht"]
    seen = re.search('name="seen" value="([0-9]+)"', asked.text)[1]
    answer = browser.post(f"/operations/{op_id}/undo", data={"seen": seen})
    assert cities(crm) == ["Yazd", "Rasht"]
    assert "City was changed since by Administrator and stays as it is." in browser.get(answer.location).text


def test_what_changes_between_the_preview_and_the_undo_is_left_even_when_conflicts_were_waved_through(
    crm: TestInstallation,
) -> None:
    op_id = edited(crm)
    with crm.acting("administrator") as session:
        session.scalars(sa.select(Person).where(Person.first_name == "Bob")).one().city = "Rasht"
        session.commit()
    browser = crm.browser("user")
    seen = re.search('name="seen" value="([0-9]+)"', browser.get(f"/operations/{op_id}/undo").text)[1]
    with crm.acting("administrator") as session:
        session.scalars(sa.select(Person).where(Person.first_name == "Ada")).one().city = "Tabriz"
        session.commit()
    browser.post(f"/operations/{op_id}/undo", data={"seen": seen, "also": "1"})
    assert cities(crm) == ["Tabriz", "Qom"]


def test_pressing_undo_twice_undoes_once(crm: TestInstallation) -> None:
    op_id = edited(crm)
    browser = crm.browser("user")
    browser.post(f"/operations/{op_id}/undo")
    again = browser.post(f"/operations/{op_id}/undo", follow_redirects=True)
    assert "This has been undone already." in again.text
    with crm.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 2


def test_an_undo_can_be_undone_from_its_toast(crm: TestInstallation) -> None:
    op_id = edited(crm)
    browser = crm.browser("user")
    after = browser.post(f"/operations/{op_id}/undo", follow_redirects=True).text
    assert cities(crm) == ["Yazd", "Qom"]
    redo = re.search('action="(/operations/[0-9a-f]+/undo)"', after)
    browser.post(redo[1])
    assert cities(crm) == ["Shiraz", "Shiraz"]
