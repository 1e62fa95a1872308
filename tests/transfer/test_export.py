"""Lists as files: what stands in them, who may take them, and that an import reads them back."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import openpyxl
import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from core.accounts.models import now
from core.admin import export as exporting
from core.records.audit import Audit
from core.records.transfer.models import ExportFile
from core.testing.installation import Browser, TestInstallation
from core.web.exports import sweep_files
from plugins.contacts.models import Address, Company, EmailAddress, Person, PhoneNumber, Tag

MakeSite = Callable[..., TestInstallation]
LIST = "/contacts/person"


def chosen(page: str) -> dict[str, str]:
    """What the form of the columns would send as it stands."""
    form = {}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = selected[1] if selected else re.search(r'<option value="([^"]*)"', options)[1]  # type: ignore[index]
    return form


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    made = make_site("contacts", dialect=dialect)
    with made.acting() as session:
        heron = Company(name="درنای آبی")
        vip, fair = Tag(name="VIP"), Tag(name="Trade fair")
        session.add_all([
            Person(
                first_name="سارا", last_name="کریمی", birthday=dt.date(1990, 5, 21), company=heron, city="شیراز",
                status="customer", tags=[vip, fair],
                phones=[PhoneNumber(number="09120001111"), PhoneNumber(number="09120002222"),
                        PhoneNumber(number="02155501234", label="work")],
                emails=[EmailAddress(address="s@mail.example")],
                addresses=[Address(label="home", street="خیابان بهار ۲", city="شیراز"),
                           Address(label="home", street="کوچهٔ یاس", city="تهران")],
            ),
            Person(first_name="=cmd()", last_name="'=x", job_title="-2+3"),
        ])  # fmt: skip
        session.commit()
    return made


def ask(browser: Browser, kind: str, query: str = "") -> TestResponse:
    """Ask for the file at once, as the button of the page does."""
    return browser.post(f"{LIST}/export", data=dict(parse_qsl(query)) | {"format": kind, "now": "1"})


def taken(browser: Browser, query: str = "", kind: str = "csv") -> list[dict[str, str]]:
    answer = ask(browser, kind, query)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    if kind == "json":
        found: list[dict[str, str]] = json.loads(answer.get_data(as_text=True))
        return found
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def workbook(browser: Browser, query: str = "") -> list[list[object]]:
    answer = ask(browser, "xlsx", query)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet is not None
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_all_fields_hold_links_parts_and_tags(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    row = next(row for row in taken(browser, "fields=all&dates=jalali") if row["First name"] == "سارا")
    assert (row["Birthday"], row["Company"], row["Status"]) == ("1369/02/31", "درنای آبی", "Customer")
    assert row["Phones: Mobile"] == "+989120001111; +989120002222"
    assert (row["Phones: Work"], row["Tags"]) == ("+982155501234", "Trade fair; VIP")
    assert row["Addresses: Home: Street"] == "خیابان بهار ۲"
    assert row["Addresses 1: Street"] == "کوچهٔ یاس"
    assert not {"Search text", "Name key", "Kind"} & set(row)


def test_the_columns_of_the_list_come_with_the_computed_ones(installation: TestInstallation) -> None:
    rows = taken(installation.browser("user"), "fields=list&search=کريمي")
    assert [(row["Name"], row["Phone"], row["E-mail"]) for row in rows] == [
        ("سارا کریمی", "+989120001111", "s@mail.example")
    ]


def test_codes_are_the_same_in_every_language(installation: TestInstallation) -> None:
    (row,) = taken(installation.browser("user"), "fields=all&values=codes&status__eq=customer", "json")
    assert (row["status"], row["private"]) == ("customer", "false")
    assert str(row["company"]).isdigit()


def test_no_format_lets_a_formula_act(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    row = next(row for row in taken(browser, "fields=all") if "cmd" in row["First name"])
    assert (row["First name"], row["Last name"], row["Job title"]) == ("'=cmd()", "''=x", "'-2+3")
    cells = [value for line in workbook(browser, "fields=all") for value in line]
    assert "=cmd()" in cells


def test_a_file_is_in_every_order_of_its_list(installation: TestInstallation) -> None:
    with installation.acting() as session:
        cities = {"b": "Yazd", "a": "Yazd", "c": "Qom"}
        session.add_all([Person(first_name=name, city=city) for name, city in cities.items()])
        session.commit()
    rows = taken(installation.browser("user"), "fields=all&sort=-city,name")
    assert [row["First name"] for row in rows if row["City"] in ("Yazd", "Qom")] == ["a", "b", "c"]


def test_unknown_choices_and_filters_are_refused(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    for query in ("dates=mayan", "fields=secret", "values=all", "secret__eq=1", "sort=search_text"):
        assert ask(browser, "csv", query).status_code == 400, query
    assert ask(browser, "pdf").status_code == 400
    assert installation.browser().post(f"{LIST}/export", data={"now": "1"}).status_code in (302, 400, 401, 404)


def test_others_may_write_while_a_file_is_streamed(installation: TestInstallation) -> None:
    answer = installation.browser("user").post(f"{LIST}/export", data={"now": "1"}, buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    with installation.acting() as session:
        session.add(Person(first_name="Meanwhile"))
        session.commit()
    assert b"cmd" in b"".join(pieces)


def test_who_took_how_much_is_written_down(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    taken(browser, "status__eq=customer")
    workbook(browser)
    with installation.acting() as session:
        told = session.scalars(sa.select(Audit).where(Audit.action == "exported").order_by(Audit.id)).all()
        user_id = installation.user("user").id
        assert [(row.actor_id, row.record_type) for row in told] == [(user_id, "contacts.person")] * 2
        assert [row.changes["records"][1] for row in told] == [1, 2]
        assert told[0].changes["filter"][1] == {"flt0_status__eq": "customer"}


def test_other_peoples_private_contacts_are_not_in_the_file(installation: TestInstallation) -> None:
    owner = installation.user("administrator")
    with installation.acting() as session:
        hidden = Company(name="Hidden", private=True, owner_id=owner.id)
        session.add_all([hidden, Person(first_name="Secret", private=True, owner_id=owner.id),
                         Person(first_name="Open", company=hidden)])  # fmt: skip
        session.commit()
    rows = taken(installation.browser("user"), "fields=all")
    assert "Secret" not in {row["First name"] for row in rows}
    assert [row["Company"] for row in rows if row["First name"] == "Open"] == [""]


def test_a_large_workbook_is_a_job_and_its_file_is_for_one_person(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    browser = installation.browser("user")
    assert "In the background" in browser.get(f"{LIST}/export?fields=all").get_data(as_text=True)
    answer = ask(browser, "xlsx", "fields=all")
    assert answer.status_code == 303
    assert browser.get(answer.location).status_code == 200
    installation.run_jobs()
    assert browser.get(f"{answer.location}/progress").headers["HX-Redirect"] == "/exports/"
    assert "contacts.person-" in browser.get("/exports/").get_data(as_text=True)
    file = browser.get(f"{answer.location}/file")
    sheet = openpyxl.load_workbook(io.BytesIO(file.get_data())).active
    file.close()
    assert sheet is not None
    assert sheet.max_row == 3
    other = installation.browser("administrator")
    assert other.get(f"{answer.location}/file").status_code == 404
    with installation.acting() as session:
        path = installation.config.uploads / session.scalars(sa.select(ExportFile.path)).one()
        assert path.stat().st_mode & 0o077 == 0
        session.execute(sa.update(ExportFile).values(created_at=now() - dt.timedelta(days=8)))
        session.commit()
        sweep_files(None)
        session.commit()
    assert not path.exists()
    assert browser.get(f"{answer.location}/file").status_code == 404


def rows_of(installation: TestInstallation) -> list[object]:
    with installation.acting() as session:
        people = session.scalars(sa.select(Person).order_by(Person.id)).all()
        return [
            (row.first_name, row.last_name, row.job_title, row.birthday, row.status, str(row.company), row.city,
             row.version, sorted(tag.name for tag in row.tags), [(part.label, part.number) for part in row.phones],
             [(part.label, part.address) for part in row.emails], [(part.label, str(part)) for part in row.addresses])
            for row in people
        ]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("query", ["", "&dates=jalali", "&values=codes"])
def test_what_was_exported_is_imported_again_unchanged(
    make_site: MakeSite, installation: TestInstallation, kind: str, query: str, tmp_path: Path
) -> None:
    browser = installation.browser("user")
    data = ask(browser, kind, f"fields=all{query}").get_data()
    before = rows_of(installation)
    browser.get("/import/contacts.person")
    sent = {"file": (io.BytesIO(data), f"people.{kind}")}
    answer = browser.post("/import/contacts.person", data=sent, content_type="multipart/form-data")
    address = answer.location.removesuffix("/columns")
    form = {"on_match": "update", "mode": "both", "existing": "replace", "keys": "id"}
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    assert browser.post(f"{address}/columns", data=chosen(page) | form).status_code == 303
    assert browser.get(f"{address}/check").status_code == 200
    browser.post(f"{address}/run")
    installation.run_jobs()
    assert rows_of(installation) == before
    report = browser.get(f"{address}/report").get_data(as_text=True)
    assert "finished" in report
