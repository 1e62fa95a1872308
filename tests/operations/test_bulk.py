"""Many records at once: asked, confirmed, done as one operation, and undone."""

import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from core.records.operations.models import Operation, OperationProblem
from core.records.transfer.inserting import BulkInsert, NewRecord
from core.testing.installation import TestInstallation
from plugins.contacts.models import Person, Tag
from plugins.sales.models import Deal
from tests.operations.conftest import person

ACTION = "/contacts/person/action"


def confirmed(action: str, *ids: int, **more: Any) -> dict[str, Any]:
    """What the confirmation of a bulk action posts."""
    chosen = {"action": action, "rowid": [str(number) for number in ids]}
    return {**chosen, "confirmed": "1", "once": uuid.uuid4().hex, **more}


def add(crm: TestInstallation, *rows: Any) -> list[int]:
    with crm.acting("user") as session:
        session.add_all(rows)
        session.commit()
        return [row.id for row in rows]


def cities(crm: TestInstallation) -> list[str | None]:
    with crm.acting() as session:
        return list(session.scalars(sa.select(Person.city).order_by(Person.id)))


def the_operation(crm: TestInstallation) -> Operation:
    with crm.acting() as session:
        return session.scalars(sa.select(Operation).order_by(Operation.started_at.desc()).limit(1)).one()


def reasons(crm: TestInstallation) -> list[str]:
    with crm.acting() as session:
        return list(session.scalars(sa.select(OperationProblem.reason).order_by(OperationProblem.id)))


def test_bulk_edit_asks_for_the_field_then_the_value_and_names_the_count(crm: TestInstallation) -> None:
    ids = add(crm, person(city="Yazd"), person("Bob"), person("Cem"))
    browser = crm.browser("user")
    first = browser.post(ACTION, data={"action": "edit", "rowid": ids[:2]})
    assert first.status_code == 200
    assert '<option value="city"' in first.text
    second = browser.post(ACTION, data={"action": "edit", "rowid": ids[:2], "field": "city"})
    assert "Change 2 records?" in second.text
    assert 'name="new-city"' in second.text
    assert cities(crm) == ["Yazd", None, None]
    done = browser.post(ACTION, data=confirmed("edit", *ids[:2], field="city", **{"new-city": "Shiraz"}))
    assert done.status_code == 302
    assert cities(crm) == ["Shiraz", "Shiraz", None]
    op = the_operation(crm)
    assert (op.kind, op.label, op.record_type) == ("edit", "City: Shiraz", "contacts.person")
    assert (op.size, op.state) == (2, "done")
    undo = re.search('action="(/operations/[0-9a-f]+/undo)"', browser.get("/contacts/person/").text)
    assert undo is not None
    browser.post(undo[1])
    assert cities(crm) == ["Yazd", None, None]


def test_an_empty_value_empties_the_field_and_a_bad_one_stays_in_the_form(crm: TestInstallation) -> None:
    ids = add(crm, person(city="Yazd"), person("Bob", city="Qom"))
    browser = crm.browser("user")
    browser.post(ACTION, data=confirmed("edit", *ids, field="city", **{"new-city": ""}))
    assert cities(crm) == [None, None]
    bad = browser.post(ACTION, data=confirmed("edit", *ids, field="birthday", **{"new-birthday": "tomorrowish"}))
    assert bad.status_code == 422
    assert "tomorrowish" in bad.text


@pytest.mark.parametrize(
    "more", [{"field": "version"}, {"field": "name_sort"}, {"field": "phones"}, {"new-city": "x", "x": "y"}]
)
def test_only_fields_of_the_form_can_be_changed(crm: TestInstallation, more: dict[str, str]) -> None:
    (number,) = add(crm, person())
    assert crm.browser("user").post(ACTION, data=confirmed("edit", number, **more)).status_code == 400


def test_assigning_gives_records_an_owner(crm: TestInstallation) -> None:
    ids = add(crm, person(), person("Bob"))
    boss = crm.user("administrator").id
    crm.browser("user").post(ACTION, data=confirmed("assign", *ids, **{"new-owner": str(boss)}))
    with crm.acting() as session:
        assert set(session.scalars(sa.select(Person.owner_id))) == {boss}
    assert the_operation(crm).label == "Owner: Administrator"


def test_tags_are_added_and_removed_without_touching_others(crm: TestInstallation) -> None:
    red, blue = Tag(name="red"), Tag(name="blue")
    ids = add(crm, person(tags=[red]), person("Bob"), blue)[:2]
    with crm.acting() as session:
        tags = {tag.name: str(tag.id) for tag in session.scalars(sa.select(Tag))}

    def names() -> list[list[str]]:
        with crm.acting() as session:
            return [[tag.name for tag in one.tags] for one in session.scalars(sa.select(Person).order_by(Person.id))]

    browser = crm.browser("user")
    empty = browser.post(ACTION, data=confirmed("tag", *ids))
    assert empty.status_code == 422
    browser.post(ACTION, data=confirmed("tag", *ids, **{"new-tags": [tags["blue"]]}))
    assert names() == [["blue", "red"], ["blue"]]
    assert the_operation(crm).label == "Tags: +blue"
    browser.post(ACTION, data=confirmed("untag", *ids, **{"new-tags": [tags["red"], tags["blue"]]}))
    assert names() == [[], []]


def test_records_that_cannot_be_changed_are_named_and_the_others_go_on(crm: TestInstallation) -> None:
    ids = add(crm, Deal(name="Roof"), Deal(name="Wall", amount=5))
    with crm.acting() as session:
        deal = session.get(Deal, ids[0])
        won = session.scalars(sa.select(type(deal.stage)).where(type(deal.stage).kind == "won")).one().id
    browser = crm.browser("user")
    answer = browser.post("/sales/deal/action", data=confirmed("edit", *ids, field="stage", **{"new-stage": str(won)}))
    op = the_operation(crm)
    assert answer.location == f"/operations/{op.id}"
    assert (op.size, op.skipped) == (1, 1)
    page = browser.get(answer.location).text
    assert "A won deal needs an amount." in page
    assert "Roof" in page
    with crm.acting() as session:
        assert [d.stage_id == won for d in session.scalars(sa.select(Deal).order_by(Deal.id))] == [False, True]


def test_all_that_the_list_shows_is_changed_and_nothing_else(crm: TestInstallation) -> None:
    add(crm, person(city="Yazd"), person("Bob", city="Qom"), person("Cem", city="Yazd"))
    browser = crm.browser("user")
    asked = browser.post(ACTION, data={"action": "delete", "all_matching": "1", "q": "?flt0_city__eq=Yazd"})
    assert "Delete 2 records?" in asked.text
    browser.post(ACTION, data=confirmed("delete", all_matching="1", q="flt0_city__eq=Yazd"))
    with crm.acting() as session:
        assert session.scalars(sa.select(Person.city)).all() == ["Qom"]
    unknown = browser.post(ACTION, data=confirmed("delete", all_matching="1", q="flt0_nonsense__eq=Yazd"))
    assert unknown.status_code == 400


def test_the_same_confirmation_sent_twice_acts_once(crm: TestInstallation) -> None:
    ids = add(crm, person())
    browser = crm.browser("user")
    data = confirmed("edit", *ids, field="city", **{"new-city": "Shiraz"})
    browser.post(ACTION, data=data)
    again = browser.post(ACTION, data=data)
    assert again.location == f"/operations/{data['once']}"
    with crm.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Operation)) == 1


def many(crm: TestInstallation, count: int) -> None:
    with crm.acting("user") as session:
        people = [NewRecord({"first_name": f"P{n}", "name": f"P{n}"}) for n in range(count)]
        bulk = BulkInsert(session, Person)
        bulk.insert(bulk.admit(people))
        session.commit()


def test_more_than_a_page_is_changed_by_a_job_that_can_be_undone(crm: TestInstallation) -> None:
    many(crm, 450)
    browser = crm.browser("user")
    answer = browser.post(
        ACTION, data=confirmed("edit", all_matching="1", q="", field="city", **{"new-city": "Shiraz"})
    )
    page = browser.get(answer.location)
    assert "op-progress" in page.text
    assert set(cities(crm)) == {None}
    crm.run_jobs()
    op = the_operation(crm)
    assert (op.state, op.size, op.skipped) == ("done", 450, 0)
    assert set(cities(crm)) == {"Shiraz"}
    assert "op-progress" not in browser.get(answer.location).text
    undone = browser.post(f"/operations/{op.id}/undo")
    crm.run_jobs()
    assert set(cities(crm)) == {None}
    assert "450" in browser.get(undone.location).text


def test_what_came_after_the_question_is_left_alone(crm: TestInstallation) -> None:
    many(crm, 250)
    browser = crm.browser("user")
    browser.post(ACTION, data=confirmed("edit", all_matching="1", q="", field="city", **{"new-city": "Shiraz"}))
    add(crm, person("Late"))
    crm.run_jobs()
    assert cities(crm).count("Shiraz") == 250


def test_the_bin_is_restored_or_emptied_for_good(crm: TestInstallation) -> None:
    ids = add(crm, person(), person("Bob"), person("Cem"))
    browser = crm.browser("administrator")
    browser.post(ACTION, data=confirmed("delete", *ids))
    page = browser.get("/contacts/person/deleted").text
    assert "Delete for good" in page
    browser.post(ACTION, data=confirmed("restore", ids[0], bin="1"))
    with crm.acting() as session:
        assert session.scalars(sa.select(Person.first_name)).all() == ["Ada"]
    asked = browser.post(ACTION, data={"action": "purge", "bin": "1", "all_matching": "1"})
    assert "Delete 2 records for good?" in asked.text
    browser.post(ACTION, data=confirmed("purge", bin="1", all_matching="1"))
    with crm.acting() as session:
        left = session.scalars(sa.select(Person.first_name).execution_options(include_archived=True)).all()
        assert left == ["Ada"]
    op = the_operation(crm)
    assert op.kind == "purge"
    assert browser.get(f"/operations/{op.id}/undo").status_code == 200
    assert "does not come back" in browser.post(f"/operations/{op.id}/undo", follow_redirects=True).text


def test_what_lives_cannot_be_deleted_for_good_and_users_may_not(crm: TestInstallation) -> None:
    (number,) = add(crm, person())
    browser = crm.browser("user")
    assert browser.post(ACTION, data=confirmed("purge", number, bin="1")).status_code == 404
    boss = crm.browser("administrator")
    assert boss.post(ACTION, data=confirmed("purge", number)).status_code == 404
    boss.post(ACTION, data=confirmed("purge", number, bin="1"))
    assert cities(crm) == [None]
