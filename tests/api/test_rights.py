"""A program does what its token's owner may do now, and no more; what is refused stores nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from werkzeug.test import Client

from core.accounts.models import Role, User, now
from core.accounts.tokens import AccessToken, actor_of_token
from core.testing.installation import TestInstallation
from tests.api.conftest import ROOT, Program
from tests.api.test_records import COMPANIES, DEALS, PEOPLE, company, count, stored

VERBS = ("see", "create", "edit", "delete")


def grants(scope: str, *verbs: str) -> dict[str, str]:
    return {f"contacts.company.{verb}": scope for verb in verbs or VERBS}


def test_a_scope_holds_for_every_verb(either: TestInstallation) -> None:
    either.grant("own", grants("own"))
    either.grant("other", {})
    me, other = either.user("own").id, either.user("other").id
    mine, theirs = company(either, name="Mine", owner_id=me), company(either, name="Theirs", owner_id=other)
    program = Program(either, "own")
    assert program.names(COMPANIES) == ["Mine"]
    assert program.names(f"{COMPANIES}?search=theirs") == []
    for number, status in ((mine, 200), (theirs, 404)):
        assert program.get(f"{COMPANIES}/{number}").status_code == status
        assert program.patch(f"{COMPANIES}/{number}", {"city": "Qom"}).status_code == status
    assert program.delete(f"{COMPANIES}/{theirs}").status_code == 404
    assert (stored(either, theirs).version, stored(either, theirs).archived_at) == (1, None)
    assert program.post(COMPANIES, {"name": "Given away", "owner": {"id": other}}).status_code in (404, 422)
    assert count(either) == 2
    assert program.post(COMPANIES, {"name": "Kept"}).get_json()["owner"]["id"] == me
    # Whoever gives a record away sees it no more, and the answer says no more than that.
    assert program.delete(f"{COMPANIES}/{mine}").status_code == 204


def test_forbidden_and_missing_are_the_same(crm: TestInstallation) -> None:
    crm.grant("own", grants("own"))
    theirs = company(crm, owner_id=crm.user("administrator").id)
    program = Program(crm, "own")
    for method, content in (("GET", None), ("PATCH", {"city": "Qom"}), ("DELETE", None)):
        told = []
        for number in (theirs, 987654):
            answer = program.ask(method, f"{COMPANIES}/{number}", content)
            told.append((answer.status_code, answer.get_json() | {"request_id": ""}))
        assert told[0] == told[1], method


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_needs_its_permission(crm: TestInstallation, verb: str) -> None:
    number = company(crm)
    crm.grant("all", grants("all"))
    crm.grant("less", grants("all", *(other for other in VERBS if other != verb)))
    requests: dict[str, tuple[str, str, Any]] = {
        "see": ("GET", f"{COMPANIES}/{number}", None),
        "create": ("POST", COMPANIES, {"name": "New"}),
        "edit": ("PATCH", f"{COMPANIES}/{number}", {"city": "Qom"}),
        "delete": ("DELETE", f"{COMPANIES}/{number}", None),
    }
    method, path, content = requests[verb]
    assert Program(crm, "less").ask(method, path, content).status_code == 404
    assert (stored(crm, number).version, stored(crm, number).archived_at, count(crm)) == (1, None, 1)
    assert Program(crm, "all").ask(method, path, content).status_code in (200, 201, 204)


def test_a_hidden_field_is_as_unknown_as_one_that_never_was(crm: TestInstallation) -> None:
    crm.grant("half", grants("all"), fields={"contacts.company": {"city": "hidden", "industry": "read"}})
    number = company(crm, city="Secretville", industry="energy")
    program, other = Program(crm, "half"), Program(crm, "administrator")
    where = f"{COMPANIES}/{number}"
    record = program.get(where).get_json()
    assert "city" not in record
    assert record["industry"] == "energy"
    assert other.get(where).get_json()["city"] == "Secretville"
    condition = {name: quote(f'{{"field": "{name}", "op": "eq", "value": "Secretville"}}') for name in ("city", "citx")}
    for hidden, unknown in (
        ("sort=city", "sort=citx"), ("fields=city", "fields=citx"),
        (f"where={condition['city']}", f"where={condition['citx']}"),
    ):  # fmt: skip
        answers = [program.get(f"{COMPANIES}?{query}") for query in (hidden, unknown)]
        told = [(one.status_code, one.get_json()["place"], one.get_json()["detail"]) for one in answers]
        assert told[0][0] == 400
        assert told[0][1:] == tuple(text.replace("citx", "city") for text in told[1][1:])
        assert other.get(f"{COMPANIES}?{hidden}").status_code == 200
    for sent in ({"city": "x"}, {"citx": "x"}, {"industry": "x"}):
        answer = program.patch(where, sent)
        assert (answer.status_code, answer.get_json()["place"]) == (400, next(iter(sent)))
    assert program.post(COMPANIES, {"name": "x", "city": "x"}).status_code == 400
    assert (stored(crm, number).city, stored(crm, number).industry, count(crm)) == ("Secretville", "energy", 1)
    assert program.names(f"{COMPANIES}?search=secretville") == []
    assert other.names(f"{COMPANIES}?search=secretville") == ["Karimi"]
    assert "Secretville" not in program.patch(where, {"name": "Renamed"}).get_data(as_text=True)
    assert stored(crm, number).city == "Secretville"
    schema = program.get("/openapi.json").get_json()["components"]["schemas"]
    assert "city" not in schema["contacts.company"]["properties"]
    assert "industry" in schema["contacts.company"]["properties"]
    assert "industry" not in schema["contacts.company.write"]["properties"]


def test_a_link_shows_and_takes_only_what_may_be_seen(crm: TestInstallation) -> None:
    people = {f"contacts.person.{verb}": "all" for verb in VERBS}
    crm.grant("people", {**people, **grants("own", "see")})
    secret = company(crm, name="Secret", owner_id=crm.user("administrator").id)
    mine = company(crm, name="Mine", owner_id=crm.user("people").id)
    program, other = Program(crm, "people"), Program(crm, "administrator")
    person = other.post(PEOPLE, {"first_name": "Ada", "last_name": "Li", "company": secret}).get_json()
    assert person["company"] == {"id": secret, "name": "Secret"}
    where = f"{PEOPLE}/{person['id']}"
    assert program.get(where).get_json()["company"] is None
    refused = [program.patch(where, {"company": number}) for number in (secret, 987654)]
    told = {"company": "Not a valid choice."}
    assert [(one.status_code, one.get_json()["errors"]) for one in refused] == [(422, told)] * 2
    assert program.post(PEOPLE, {"last_name": "Li", "company": secret}).get_json()["errors"] == told
    assert other.get(where).get_json()["company"]["id"] == secret
    assert program.get(f"{PEOPLE}/links/company").get_json()["data"] == [{"id": mine, "name": "Mine"}]
    assert program.patch(where, {"company": mine}).get_json()["company"]["id"] == mine


def test_a_token_of_some_types_knows_no_others(crm: TestInstallation) -> None:
    number = company(crm)
    program, whole = Program(crm, "user", record_types={"contacts.tag"}), Program(crm, "user")
    assert program.names("/records") == ["contacts.tag"]
    assert len(whole.names("/records")) > 1
    for path in (COMPANIES, f"{COMPANIES}/{number}", "/records/nothing.here"):
        assert program.get(path).status_code == 404
    assert program.post(COMPANIES, {"name": "x"}).status_code == 404
    assert program.post("/records/contacts.tag", {"name": "VIP", "color": "blue"}).status_code == 201
    assert list(program.get("/openapi.json").get_json()["paths"]) == [
        "/records/contacts.tag", "/records/contacts.tag/{id}",
    ]  # fmt: skip
    assert count(crm) == 1


def test_a_token_that_only_reads_changes_nothing(crm: TestInstallation) -> None:
    number = company(crm)
    program, writer = Program(crm, "user", writes=False), Program(crm, "user")
    where = f"{COMPANIES}/{number}"
    writes = (("POST", COMPANIES, {"name": "x"}), ("PATCH", where, {"city": "x"}), ("DELETE", where, None))
    for method, path, content in writes:
        answer = program.ask(method, path, content)
        assert (answer.status_code, answer.get_json()["detail"]) == (403, "This token may only read.")
    assert (stored(crm, number).version, stored(crm, number).archived_at, count(crm)) == (1, None, 1)
    assert program.get(where).status_code == 200
    assert program.get("/records").get_json()["data"][0]["may"] == []
    assert list(program.get("/openapi.json").get_json()["paths"]["/records/contacts.company"]) == ["get"]
    assert writer.patch(where, {"city": "x"}).status_code == 200


def test_a_role_that_is_taken_away_is_taken_from_the_token(crm: TestInstallation) -> None:
    crm.grant("Reader", grants("all", "see"))
    number = company(crm)
    with crm.acting() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "Reader")).one()
        user = session.get(User, crm.user("user").id)
        user.roles = [*user.roles, role]
        session.commit()
    program, whole = Program(crm, "user", roles={role.id}), Program(crm, "user")
    where = f"{COMPANIES}/{number}"
    assert program.get(where).status_code == 200
    assert program.patch(where, {"city": "x"}).status_code == 404
    assert whole.patch(where, {"city": "x"}).status_code == 200
    with crm.acting() as session:
        user = session.get(User, crm.user("user").id)
        user.roles = [one for one in user.roles if one.name != "Reader"]
        session.commit()
    assert program.get(where).status_code == 404
    assert whole.get(where).status_code == 200


def test_a_changed_role_counts_from_the_next_request(crm: TestInstallation) -> None:
    crm.grant("seller", grants("all"))
    number, program = company(crm), Program(crm, "seller")
    assert program.get(f"{COMPANIES}/{number}").status_code == 200
    crm.grant("seller", grants("none"))
    assert program.get(f"{COMPANIES}/{number}").status_code == 404


def test_a_token_that_has_ended_opens_nothing(crm: TestInstallation) -> None:
    program = Program(crm, "user")
    assert program.get("/records").status_code == 200
    with crm.acting() as session:
        session.get(AccessToken, program.number).expires_at = now() - dt.timedelta(seconds=1)
        session.commit()
    assert program.get("/records").status_code == 401
    assert program.post(COMPANIES, {"name": "x"}).status_code == 401
    assert count(crm) == 0


def test_the_cookie_of_a_browser_opens_nothing_here(crm: TestInstallation) -> None:
    browser = crm.browser("administrator")
    assert browser.get("/contacts/company/").status_code == 200
    for method, path in (("GET", "/records"), ("GET", COMPANIES), ("POST", COMPANIES), ("GET", "/openapi.json")):
        answer = browser.open(ROOT + path, method=method, json={"name": "x"} if method == "POST" else None)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
    assert count(crm) == 0


def test_every_address_here_is_for_tokens_and_none_elsewhere(crm: TestInstallation) -> None:
    views = crm.site.app.view_functions
    marked = {name for name, view in views.items() if getattr(view, "for_tokens", False)}
    assert marked == {name for name in views if name.startswith("api.")}
    assert marked == {
        "api.change", "api.choices", "api.create", "api.listing", "api.nothing", "api.one", "api.openapi",
        "api.remove", "api.types",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/x", "/api/v1/records/x/1/2/3"])
def test_nothing_under_the_address_answers_with_a_page(crm: TestInstallation, program: Program, path: str) -> None:
    client = Client(crm.application, use_cookies=False)
    refused = client.get(path, headers={"Accept": "text/html"})
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
    answer = client.get(path, headers={"Accept": "text/html", "Authorization": f"Bearer {program.secret}"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


def test_other_methods_are_told_which_there_are(program: Program) -> None:
    answer = program.ask("PUT", COMPANIES)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert program.ask("OPTIONS", f"{COMPANIES}/1").headers["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"
    assert program.ask("HEAD", COMPANIES).data == b""
    assert "Access-Control-Allow-Origin" not in program.get(COMPANIES, Origin="https://evil.example").headers


def test_a_failure_of_the_program_is_told_without_its_inside(crm: TestInstallation, program: Program) -> None:
    with crm.runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE contacts_contact RENAME COLUMN city TO town")
        connection.commit()
    answer = program.get(COMPANIES)
    assert answer.status_code in (500, 503)
    assert "SELECT" not in answer.get_data(as_text=True)
    assert answer.get_json()["request_id"]


def test_errors_are_told_in_the_words_of_the_owner(crm: TestInstallation, program: Program) -> None:
    with crm.acting() as session:
        session.get(User, crm.user("user").id).language = "fa"
        session.commit()
    answer = program.post(COMPANIES, {})
    assert answer.get_json()["errors"]["name"] == "این فیلد الزامی است."


def test_a_token_for_deals_alone_sees_the_stages_they_stand_in_and_nothing_else(crm: TestInstallation) -> None:
    narrow = Program(crm, "user", record_types={"sales.deal"})
    made = narrow.post(DEALS, {"name": "Roof", "pipeline": 1, "stage": 1})
    assert made.status_code == 201, made.get_json()
    assert narrow.names("/records") == ["sales.deal", "sales.pipeline", "sales.lost_reason"]
    assert narrow.patch("/records/sales.pipeline/1", {"name": "Mine"}).status_code == 404
    assert narrow.get(COMPANIES).status_code == 404


@pytest.mark.parametrize("writes", [True, False])
def test_what_comes_with_a_wanted_right_is_no_writing_for_a_token_that_reads(
    make_site: Callable[..., TestInstallation], writes: bool
) -> None:
    crm = make_site("contacts", "shelves", "api", instance_plugins=(Path(__file__).parent / "shelves",))

    def came(record_type: str) -> set[str]:
        made = Program(crm, "user", writes=writes, record_types={record_type})
        with crm.acting() as session:
            given = actor_of_token(session, session.get_one(AccessToken, made.number)).permissions
        return {name for name in given if name.startswith("shelves.")}

    both = {"shelves.shelf.see", "shelves.shelf.edit"}
    assert came("contacts.company") == (both if writes else {"shelves.shelf.see"})
    assert came("contacts.person") == set()


def test_deals_of_a_token_without_companies_are_read_and_changed(crm: TestInstallation) -> None:
    whole, narrow = Program(crm, "user"), Program(crm, "user", record_types={"sales.deal", "sales.pipeline"})
    number = company(crm)
    made = whole.post(DEALS, {"name": "Roof", "company": number, "pipeline": 1, "stage": 1}).get_json()
    where = f"{DEALS}/{made['id']}"
    assert narrow.get(where).get_json()["company"] is None
    changed = narrow.patch(where, {"next_step": "Call"})
    assert changed.status_code == 200, changed.get_json()
    assert whole.get(where).get_json()["company"]["id"] == number


def test_an_error_of_a_hidden_field_does_not_name_it(crm: TestInstallation) -> None:
    deals = {f"sales.deal.{verb}": "all" for verb in VERBS} | {"sales.pipeline.see": "all"}
    crm.grant("closer", deals, fields={"sales.deal": {"lost_reason": "hidden"}})
    whole, program = Program(crm, "user"), Program(crm, "closer")
    made = whole.post(DEALS, {"name": "Roof", "pipeline": 1, "stage": 1}).get_json()
    stages = {stage["name"]: stage for stage in program.get(f"{DEALS}/links/stage").get_json()["data"]}
    answers = [one.patch(f"{DEALS}/{made['id']}", {"stage": stages["Lost"]}) for one in (whole, program)]
    told = [(one.status_code, list(one.get_json()["errors"])) for one in answers]
    assert told == [(422, ["lost_reason"]), (422, [""])]


def test_a_record_with_a_hidden_link_is_shown_without_it(crm: TestInstallation) -> None:
    deals = {f"sales.deal.{verb}": "all" for verb in VERBS} | grants("all", "see")
    crm.grant("half", deals, fields={"sales.deal": {"company": "hidden"}})
    whole, program = Program(crm, "user"), Program(crm, "half")
    secret = company(crm, name="Secret & Sons")
    made = whole.post(DEALS, {"name": "Roof", "pipeline": 1, "stage": 1, "company": secret}).get_json()
    where = f"{DEALS}/{made['id']}"
    assert whole.get(where).get_json()["company"]["name"] == "Secret & Sons"
    assert "company" not in program.get(where).get_json()
    page = crm.browser("half").get(f"/sales/deal/{made['id']}")
    assert page.status_code == 200
    assert "Secret" not in page.get_data(as_text=True)
