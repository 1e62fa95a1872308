"""Records are read and written by programs, by the one set of rules."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from core.records.audit import Audit
from core.records.events import OutboxEvent
from core.records.submissions import Submission
from core.testing.installation import TestInstallation
from tests.api.conftest import ROOT, Program

COMPANIES, PEOPLE, DEALS = (f"/records/{name}" for name in ("contacts.company", "contacts.person", "sales.deal"))
ODD_IDS = ("-1", "0", str(2**63), "9" * 40, "۱", "1%00", "1.0", "abc", "%20")


def company(crm: TestInstallation, **values: Any) -> int:
    """A company of the installation's own."""
    from plugins.contacts.models import Company

    with crm.acting() as session:
        made = Company(**({"name": "Karimi"} | values))
        session.add(made)
        session.commit()
        return int(made.id)


def stored(crm: TestInstallation, number: int) -> Any:
    from plugins.contacts.models import Company

    with crm.acting() as session:
        return session.scalars(
            sa.select(Company).where(Company.id == number).execution_options(include_archived=True)
        ).one()


def count(crm: TestInstallation) -> int:
    from plugins.contacts.models import Company

    with crm.acting() as session:
        return int(session.scalar(sa.select(sa.func.count()).select_from(Company)) or 0)


# --- making


def test_a_record_is_made_read_changed_and_deleted(either: TestInstallation) -> None:
    program = Program(either, "user")
    made = program.post(COMPANIES, {
        "name": "  Karimi & Sons ", "city": "Shiraz", "status": "customer",
        "phones": [{"label": "mobile", "number": "0912 123 4567"}], "emails": [{"label": "work", "address": "A@B.com"}],
    })  # fmt: skip
    assert made.status_code == 201, made.get_json()
    record, where = made.get_json(), made.headers["Location"].removeprefix(ROOT)
    assert (record["name"], record["city"], record["version"]) == ("Karimi & Sons", "Shiraz", 1)
    assert record["phones"][0]["number"] == "+989121234567"
    assert record["owner"]["name"] == "User"
    assert record["created_at"].endswith("+00:00")
    assert program.get(where).get_json() == record
    assert program.get(where).headers["ETag"] == '"1"'

    phones = [*record["phones"], {"label": "work", "number": "+982188776655"}]
    changed = program.patch(where, {"city": None, "phones": phones})
    assert changed.status_code == 200, changed.get_json()
    assert (changed.get_json()["city"], changed.get_json()["version"]) == (None, 2)
    assert [phone["id"] for phone in changed.get_json()["phones"]][0] == record["phones"][0]["id"]
    assert [phone["number"] for phone in changed.get_json()["phones"]] == ["+989121234567", "+982188776655"]

    assert program.delete(where).status_code == 204
    assert program.get(where).status_code == 404
    assert stored(either, record["id"]).archived_at is not None


def test_what_programs_do_stands_in_audit_outbox_and_operations(crm: TestInstallation, program: Program) -> None:
    from core.records.operations.models import Operation

    number = program.post(COMPANIES, {"name": "Karimi"}).get_json()["id"]
    program.delete(f"{COMPANIES}/{number}")
    with crm.acting() as session:
        about = Audit.record_type == "contacts.company", Audit.record_id == number
        rows = session.scalars(sa.select(Audit).where(*about).order_by(Audit.id)).all()
        assert [(row.action, row.source, row.actor_name) for row in rows] == [
            ("created", "api", "User"), ("deleted", "api", "User"),
        ]  # fmt: skip
        assert rows[0].reason == f"Script (#{program.number})"
        assert rows[1].operation == session.scalars(sa.select(Operation.id)).one()
        told = OutboxEvent.name.startswith("contacts.company.")
        events = session.scalars(sa.select(OutboxEvent.name).where(told).order_by(OutboxEvent.id)).all()
        assert events == ["contacts.company.created", "contacts.company.deleted"]


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"nmae": "x"}, 400, "nmae"),
        ({"name": "x", "id": 7}, 400, "id"),
        ({"name": "x", "created_at": "2026-01-01T00:00:00Z"}, 400, "created_at"),
        ({"name": "x", "search_text": "x"}, 400, "search_text"),
        ({"name": "x", "owner_id": 1}, 400, "owner_id"),
        ({"name": "x", "phones": [{"number": "+989121234567", "contact_id": 1}]}, 400, "phones[0].contact_id"),
        ({"name": "x", "phones": [{"version": 1}]}, 400, "phones[0].version"),
        ({}, 422, "name"),
        ({"name": None}, 422, "name"),
        ({"name": ""}, 422, "name"),
        ({"name": 7}, 422, "name"),
        ({"name": "x" * 10_000}, 422, "name"),
        ({"name": "x", "status": "emperor"}, 422, "status"),
        ({"name": "x", "private": "yes"}, 422, "private"),
        ({"name": "x", "website": "javascript:alert(1)"}, 422, "website"),
        ({"name": "x", "owner": 987654}, 422, "owner"),
        ({"name": "x", "owner": {"id": "1"}}, 422, "owner"),
        ({"name": "x", "owner": True}, 422, "owner"),
        ({"name": "x", "owner": 2**70}, 422, "owner"),
        ({"name": "x", "tags": 1}, 422, "tags"),
        ({"name": "x", "tags": [1] * 201}, 422, "tags"),
        ({"name": "x", "phones": [{"label": "mobile", "number": "12"}]}, 422, "phones"),
        ({"name": "x", "phones": [{"id": 987654, "number": "+989121234567"}]}, 422, "phones[0]"),
        ({"name": "x", "phones": [7]}, 422, "phones"),
        ({"name": "x", "phones": [{"number": "+989121234567"}] * 201}, 422, "phones"),
    ],
)
def test_what_cannot_be_stored_is_named_and_nothing_is_stored(
    crm: TestInstallation, program: Program, sent: dict[str, Any], status: int, told: str
) -> None:
    answer = program.post(COMPANIES, sent)
    said = answer.get_json()
    assert (answer.status_code, said["status"]) == (status, status), said
    assert said["place"] == told if status == 400 else told in said["errors"], said
    assert count(crm) == 0


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"name": "x", "name": "y"}', "application/json", 400),
        (b'{"name": "x", "city": NaN}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"name": "x", "city": 1e999}', "application/json", 400),
        (b'{"name": "x", "a": ' + b"[" * 100_000, "application/json", 400),
        (b'{"name": "x", "version": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"name": "' + b"x" * 1024 * 1024 + b'"}', "application/json", 413),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b'{"name": "x"}', "text/plain", 415),
    ],
)
def test_a_body_that_is_no_object_of_json_is_refused(
    crm: TestInstallation, program: Program, body: bytes, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {program.secret}"}
    answer = program.client.post(ROOT + COMPANIES, data=body, content_type=kind, headers=headers)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert count(crm) == 0
    assert program.post(COMPANIES, {"name": "x"}).status_code == 201


def test_text_is_data_and_comes_back_as_it_was_cleaned(program: Program) -> None:
    text = "<script>alert(1)</script> =1+1 «سارا» \u0000🙂"
    made = program.post(COMPANIES, {"name": text}).get_json()
    assert made["name"] == text.replace("\u0000", "")


def test_the_same_key_gives_the_same_record(either: TestInstallation) -> None:
    program, other = Program(either, "user"), Program(either, "administrator")
    first = program.post(COMPANIES, {"name": "Once"}, Idempotency_Key="order-7")
    again = program.post(COMPANIES, {"name": "Once"}, Idempotency_Key="order-7")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.get_json() == first.get_json()
    assert program.post(COMPANIES, {"name": "Once"}, Idempotency_Key="order-8").status_code == 201
    assert program.post(COMPANIES, {"name": "Once"}).status_code == 201
    assert other.post(COMPANIES, {"name": "Theirs"}, Idempotency_Key="order-7").status_code == 201
    assert count(either) == 4
    program.delete(f"{COMPANIES}/{first.get_json()['id']}")
    assert program.post(COMPANIES, {"name": "Once"}, Idempotency_Key="order-7").status_code == 409
    assert program.post(COMPANIES, {"name": "Odd"}, Idempotency_Key="x" * 256).get_json()["place"] == "Idempotency-Key"
    with either.acting() as session:
        assert "order-7" not in str(session.scalars(sa.select(Submission.key)).all())


# --- changing


def test_a_change_from_an_older_version_is_refused(crm: TestInstallation, program: Program) -> None:
    number = company(crm)
    where = f"{COMPANIES}/{number}"
    known = program.get(where)
    assert program.patch(where, {"city": "Yazd"}, If_Match=known.headers["ETag"]).status_code == 200
    assert program.patch(where, {"city": "Qom"}, If_Match=known.headers["ETag"]).status_code == 412
    assert program.patch(where, {"city": "Qom", "version": 1}).status_code == 409
    assert program.delete(where, If_Match='"1"').status_code == 412
    assert (stored(crm, number).city, stored(crm, number).archived_at) == ("Yazd", None)
    assert program.patch(where, {"city": "Qom", "version": 2}).status_code == 200
    assert program.patch(where, {"city": "Tabriz"}, If_Match="*").status_code == 200
    assert program.patch(where, {"version": "4"}).get_json()["place"] == "version"


def test_what_is_not_sent_stays(crm: TestInstallation, program: Program) -> None:
    number = program.post(COMPANIES, {
        "name": "Karimi", "city": "Shiraz", "phones": [{"number": "+989121234567", "label": "mobile"}],
    }).get_json()["id"]  # fmt: skip
    changed = program.patch(f"{COMPANIES}/{number}", {"name": "Karimi & Sons"}).get_json()
    assert (changed["city"], len(changed["phones"]), changed["version"]) == ("Shiraz", 1, 2)
    assert program.patch(f"{COMPANIES}/{number}", {}).get_json()["version"] == 2
    assert program.patch(f"{COMPANIES}/{number}", {"phones": []}).get_json()["phones"] == []


def test_rows_of_another_record_cannot_be_taken(crm: TestInstallation, program: Program) -> None:
    phone = {"number": "+989121234567", "label": "mobile"}
    one = program.post(COMPANIES, {"name": "One", "phones": [phone]}).get_json()
    two = program.post(COMPANIES, {"name": "Two"}).get_json()
    taken = program.patch(f"{COMPANIES}/{two['id']}", {"phones": one["phones"]})
    assert (taken.status_code, list(taken.get_json()["errors"])) == (422, ["phones[0]"])
    assert program.get(f"{COMPANIES}/{one['id']}").get_json()["phones"] == one["phones"]


def test_deals_keep_money_links_and_the_rules_of_their_stages(crm: TestInstallation, program: Program) -> None:
    number = company(crm)
    (pipeline,) = program.get("/records/sales.pipeline").get_json()["data"]
    stages = {stage["name"]: stage for stage in program.get(f"{DEALS}/links/stage").get_json()["data"]}
    made = program.post(DEALS, {
        "name": "New roof", "amount": "1250.5", "currency": "EUR", "company": {"id": number, "name": "ignored"},
        "pipeline": pipeline["id"], "stage": stages["Lead"], "expected_close": "2026-12-24",
    })  # fmt: skip
    assert made.status_code == 201, made.get_json()
    deal = made.get_json()
    assert (deal["amount"], deal["currency"], deal["expected_close"]) == ("1250.50", "EUR", "2026-12-24")
    assert deal["company"] == {"id": number, "name": "Karimi"}
    where = f"{DEALS}/{deal['id']}"
    for amount in ("1,5", "abc", True, [], "9" * 16, 1e300):
        assert "amount" in program.patch(where, {"amount": amount}).get_json()["errors"], amount
    for day in ("2026-13-01", "1405-01-01T00:00", "24.12.2026", 20261224, "2026-02-30"):
        assert "expected_close" in program.patch(where, {"expected_close": day}).get_json()["errors"], day
    assert program.patch(where, {"amount": 99}).get_json()["amount"] == "99.00"
    lost = program.patch(where, {"stage": stages["Lost"]})
    assert (lost.status_code, list(lost.get_json()["errors"])) == (422, ["lost_reason"])
    assert program.get(where).get_json()["stage"] == stages["Lead"]
    assert program.patch(where, {"stage": stages["Won"]}).get_json()["stage"] == stages["Won"]


def test_a_link_offers_what_a_picker_would(crm: TestInstallation, program: Program) -> None:
    company(crm, name="Atlas"), company(crm, name="Behsaz")
    names = [entry["name"] for entry in program.get(f"{DEALS}/links/company?search=atl").get_json()["data"]]
    assert names == ["Atlas"]
    for path, place in (("links/name", "field"), ("links/nothing", "field"), ("links/company?x=1", "x")):
        answer = program.get(f"{DEALS}/{path}")
        assert (answer.status_code, answer.get_json()["place"]) == (400, place), path


# --- reading


def test_odd_ids_and_types_are_not_found(crm: TestInstallation, program: Program) -> None:
    company(crm)
    for odd in ODD_IDS:
        for method in ("GET", "PATCH", "DELETE"):
            answer = program.ask(method, f"{COMPANIES}/{odd}", {} if method == "PATCH" else None)
            assert answer.status_code == 404, (method, odd)
    for odd in ("core.user", "contacts", "contacts.company.see", "%00", "x" * 500, "sales.stage"):
        assert program.get(f"/records/{odd}").status_code == 404, odd
    assert program.get(f"{COMPANIES}/1").status_code == 200


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("x=1", "x"),
        ("sort=nothing", "sort"),
        ("sort=phones", "sort"),
        ("sort=name,name", "sort"),
        ("sort=search_text", "sort"),
        ("fields=name,nothing", "fields"),
        ("fields=search_text", "fields"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=۵", "limit"),
        ("after=x", "after"),
        ("limit=1&limit=2", "limit"),
        ("search=" + "x" * 401, "search"),
        ("where=x", "where"),
        ("where=" + quote('{"field": "nothing", "op": "eq", "value": 1}'), "where.field"),
        ("where=" + quote('{"all": [{"field": "city", "op": "nothing"}]}'), "where.all[0].op"),
    ],
)
def test_what_is_wrong_in_an_address_is_named(program: Program, query: str, place: str) -> None:
    answer = program.get(f"{COMPANIES}?{query}")
    assert (answer.status_code, answer.get_json()["place"]) == (400, place), answer.get_json()


def test_a_list_is_filtered_searched_sorted_and_narrowed_to_fields(crm: TestInstallation, program: Program) -> None:
    for name, city in (("Atlas", "Shiraz"), ("Behsaz", "Yazd"), ("Caspian", "Shiraz")):
        company(crm, name=name, city=city)
    where = quote('{"field": "city", "op": "eq", "value": "Shiraz"}')
    assert program.names(f"{COMPANIES}?where={where}&sort=-name") == ["Caspian", "Atlas"]
    assert program.names(f"{COMPANIES}?search=behs") == ["Behsaz"]
    assert program.names(COMPANIES) == ["Caspian", "Behsaz", "Atlas"]
    page = program.get(f"{COMPANIES}?sort=name&fields=city&limit=1").get_json()
    assert list(page["data"][0]) == ["id", "version", "city"]
    assert page["next"].startswith("/api/v1/records/contacts.company?")


@pytest.mark.parametrize("sort", ["", "city", "-city,name", "owner", "-created_at", "id"])
def test_a_walk_through_pages_meets_every_record_once(either: TestInstallation, sort: str) -> None:
    from plugins.contacts.models import Company

    with either.acting() as session:
        cities = ("Shiraz", None, "Yazd", "Shiraz", None, "Qom", "Yazd")
        session.add_all([Company(name=f"C{number % 5}", city=city) for number, city in enumerate(cities * 3)])
        session.commit()
    program, met = Program(either, "user"), []
    following = f"{ROOT}{COMPANIES}?limit=4" + (f"&sort={sort}" if sort else "")
    while following:
        page = program.get(following.removeprefix(ROOT)).get_json()
        met += [entry["id"] for entry in page["data"]]
        following = page["next"]
    assert len(met) == len(set(met)) == 21
    other = program.get(f"{COMPANIES}?limit=4").get_json()["after"]
    assert program.get(f"{COMPANIES}?limit=4&sort=-name&after={other}").get_json()["place"] == "after"


def test_a_list_takes_few_queries_however_long_it_is(crm: TestInstallation, program: Program) -> None:
    from plugins.contacts.models import Company

    made = (program.post("/records/contacts.tag", {"name": name, "color": "blue"}) for name in ("One", "Two"))
    tags = [tag.get_json()["id"] for tag in made]
    phone = {"number": "+989121234567", "label": "mobile"}
    program.post(COMPANIES, {"name": "First", "tags": tags, "phones": [phone]})
    engine, asked, owner = crm.runtime.database.engine, [], crm.user("user").id
    program.get(COMPANIES)
    sa.event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    program.get(COMPANIES)
    few = len(asked)
    with crm.acting() as session:
        session.add_all([Company(name=f"C{number}", owner_id=owner) for number in range(60)])
        session.commit()
    asked.clear()
    assert len(program.get(f"{COMPANIES}?limit=60").get_json()["data"]) == 60
    assert len(asked) == few <= 12
