"""What is chosen in the wizard decides what becomes of the rows, for any record type."""

import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.database.base import METADATA
from core.records.audit import Audit
from core.records.operations.models import Operation
from core.records.operations.undoing import undo
from core.records.transfer.models import ImportMapping, ImportRun
from core.testing.installation import Browser, TestInstallation
from core.web import import_check
from plugins.contacts.models import Company, EmailAddress, Person, PhoneNumber, Tag
from plugins.sales.models import Deal

MakeSite = Callable[..., TestInstallation]
PEOPLE = "contacts.person"


@pytest.fixture
def installation(make_site: MakeSite, dialect: str) -> TestInstallation:
    return make_site("contacts", "sales", dialect=dialect)


def chosen(page: str) -> dict[str, Any]:
    """What the form of the columns would send as it stands, ticks included."""
    form: dict[str, Any] = {"ticks": "1", "key": [], "create": []}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = selected[1] if selected else re.search(r'<option value="([^"]*)"', options)[1]  # type: ignore[index]
    for name, value in re.findall(r'name="(key|create)" value="([^"]+)" checked', page):
        form[name].append(value)
    return form


def sara() -> Person:
    emails = [EmailAddress(address="s@mail.example")]
    return Person(first_name="Sara", last_name="Karimi", city="Shiraz", emails=emails)


def begin(browser: Browser, text: str, name: str = PEOPLE) -> str:
    browser.get(f"/import/{name}")
    answer = browser.post(f"/import/{name}", data={"text": text})
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location.removesuffix("/columns"))


def bring(installation: TestInstallation, text: str, name: str = PEOPLE, role: str = "user", **changes: Any) -> str:
    """Through the wizard with these choices; the text of the check."""
    browser = installation.browser(role)
    address = begin(browser, text, name)
    form = chosen(browser.get(f"{address}/columns").get_data(as_text=True)) | changes
    answer = browser.post(f"{address}/columns", data=form)
    assert answer.status_code == 303, re.findall(r'role="alert".*?</div>', answer.get_data(as_text=True), re.DOTALL)
    page = browser.get(f"{address}/check").get_data(as_text=True)
    browser.post(f"{address}/run")
    installation.run_jobs()
    assert browser.get(f"{address}/report").status_code == 200
    return str(page)


def last_run(installation: TestInstallation) -> ImportRun:
    with installation.acting() as session:
        return session.scalars(sa.select(ImportRun).order_by(ImportRun.id.desc()).limit(1)).one()


def counts(run: ImportRun) -> tuple[int, int, int, int, int]:
    return run.created_count, run.updated_count, run.skipped_count, run.doubled_count, run.failed_count


def test_deals_come_in_with_links_by_name_and_number(installation: TestInstallation) -> None:
    with installation.acting() as session:
        heron = Company(name="درنای آبی")
        session.add(heron)
        session.commit()
        number = heron.id
    text = "Name\tCompany\tAmount\tStage\tExpected close\n"
    text += f"First\tدرناي آبي\t۱۲٬۵۰۰٫۵۰\t\t1405/09/01\nSecond\t{number}\t10\t\t\n"
    text += "Third\tNobody Knows\t5\t\t\nFourth\t\tmuch\t\t\n"
    bring(installation, text, "sales.deal", create=[])
    run = last_run(installation)
    assert counts(run) == (2, 0, 0, 0, 2)
    with installation.acting() as session:
        first, second = session.scalars(sa.select(Deal).order_by(Deal.id)).all()
        assert (str(first.company), str(first.amount), str(first.expected_close)) == (
            "درنای آبی", "12500.50", "2026-11-22",
        )  # fmt: skip
        assert str(second.company) == "درنای آبی"
        assert first.stage is not None
        assert first.owner_id == installation.user("user").id


def test_a_name_of_two_is_an_error_that_names_both(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.add_all([Company(name="Alborz"), Company(name="البرز"), Company(name="alborz")])
        session.commit()
    page = bring(installation, "First name,Company\nSara,ALBORZ\nAli,البرز\n")
    assert re.search(r"“ALBORZ” is the name of several: Alborz \(#\d+\); alborz \(#\d+\)", page)
    assert counts(last_run(installation)) == (1, 0, 0, 0, 1)


def test_missing_links_are_made_only_where_that_is_wished_and_allowed(installation: TestInstallation) -> None:
    bring(installation, "First name,Company,Tags\nSara,New One,VIP\n", create=["tags"])
    assert counts(last_run(installation)) == (0, 0, 0, 0, 1)
    bring(installation, "First name,Company,Tags\nSara,New One,VIP\n", create=["tags", "company"])
    with installation.acting() as session:
        assert session.scalars(sa.select(Company.name)).all() == ["New One"]
        assert session.scalars(sa.select(Tag.name)).all() == ["VIP"]
    # Nobody but an administrator may add pipelines.
    bring(installation, "Name,Pipeline\nDeal,Fresh\n", "sales.deal", create=["pipeline"])
    assert counts(last_run(installation)) == (0, 0, 0, 0, 1)


def test_modes_and_keys(installation: TestInstallation) -> None:
    with installation.acting() as session:
        known = Company(name="Blue Heron", national_id="101", city="Shiraz", status="customer")
        session.add(known)
        session.commit()
    text = "Name,National ID,City,Status\nRenamed,101,Tehran,\nOther,202,,Supplier\n"
    name = "contacts.company"
    bring(installation, text, name, mode="update", key=["national_id"])
    assert counts(last_run(installation)) == (0, 1, 1, 0, 0)
    with installation.acting() as session:
        company = session.scalars(sa.select(Company)).one()
        assert (company.name, company.city, company.status) == ("Renamed", "Tehran", "customer")
    bring(installation, "National ID,City\n101,\n", name, mode="update", key=["national_id"], blank="empty")
    with installation.acting() as session:
        assert session.scalars(sa.select(Company.city)).one() is None
    bring(installation, text, name, mode="create", key=["national_id"])
    assert counts(last_run(installation)) == (1, 0, 1, 0, 0)
    bring(installation, "Name,City\nother,Yazd\nOTHER,Yazd\n", name, mode="both", key=["name", "city"], match="all")
    assert counts(last_run(installation)) == (1, 0, 0, 1, 0)
    bring(installation, "Name\nOther\nOther\n", name, mode="create", key=[])
    assert counts(last_run(installation)) == (2, 0, 0, 0, 0)


def test_values_that_are_there_can_be_kept(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.add(sara())
        session.commit()
    text = "Email,City,Job title,Mobile\nS@mail.example,Tehran,Buyer,09120001111\n"
    bring(installation, text, mode="both", existing="fill")
    with installation.acting() as session:
        found = session.scalars(sa.select(Person)).one()
        assert (found.name, found.city, found.job_title) == ("Sara Karimi", "Shiraz", "Buyer")
        assert [row.number for row in found.phones] == ["+989120001111"]
    bring(installation, text, mode="both", existing="replace")
    with installation.acting() as session:
        assert session.scalars(sa.select(Person.city)).one() == "Tehran"


def test_defaults_fill_what_the_file_does_not_have(installation: TestInstallation) -> None:
    defaults = {"default-0": "status", "default-0-value": "مشتری", "default-1": "tags", "default-1-value": "Fair"}
    bring(installation, "First name,City\nSara,Shiraz\n", **defaults)
    with installation.acting() as session:
        found = session.scalars(sa.select(Person)).one()
        assert (found.status, [tag.name for tag in found.tags]) == ("customer", ["Fair"])
    browser = installation.browser("user")
    address = begin(browser, "First name\nAli\n")
    form = chosen(browser.get(f"{address}/columns").get_data(as_text=True))
    answer = browser.post(f"{address}/columns", data=form | {"default-0": "status", "default-0-value": "nonsense"})
    assert answer.status_code == 422
    assert "Not a valid choice" in answer.get_data(as_text=True)


def test_a_kept_mapping_is_recognised_by_the_header_in_any_order(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = begin(browser, "A,B\nSara,Shiraz\n")
    form = chosen(browser.get(f"{address}/columns").get_data(as_text=True))
    wish = {"column-0": "first_name", "column-1": "city", "mode": "both", "keep_name": "Fair", "keep_shared": "1"}
    assert browser.post(f"{address}/columns", data=form | wish).status_code == 303
    for role in ("user", "administrator"):
        other = installation.browser(role)
        again = begin(other, "b,a\nShiraz,Sara\n")
        page = other.get(f"{again}/columns").get_data(as_text=True)
        form = chosen(page)
        assert (form["column-0"], form["column-1"], form["mode"]) == ("city", "first_name", "both")
        assert "Fair" in page
    with installation.acting() as session:
        session.execute(sa.update(ImportMapping).values(shared=False))
        session.commit()
    other = installation.browser("administrator")
    again = begin(other, "b,a\nShiraz,Sara\n")
    assert chosen(other.get(f"{again}/columns").get_data(as_text=True))["column-0"] == ""


@pytest.mark.parametrize("large", [False, True])
def test_a_bad_cell_is_put_right_in_place(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(import_check, "AT_ONCE", 1)
    browser = installation.browser("user")
    address = begin(browser, "First name,Mobile\nSara,12\nAli,09120001111\nSara,09120001111\n")
    form = chosen(browser.get(f"{address}/columns").get_data(as_text=True))
    browser.post(f"{address}/columns", data=form)

    def checked() -> str:
        page = browser.get(f"{address}/check").get_data(as_text=True)
        if large:
            assert f"{address}/check/progress" in page
            installation.run_jobs()
            assert browser.get(f"{address}/check/progress").headers["HX-Redirect"] == f"{address}/check"
            page = browser.get(f"{address}/check").get_data(as_text=True)
        return str(page)

    page = checked()
    assert 'name="fix-2-1" value="12"' in page
    assert numbers(page) == ["1", "0", "0", "1", "1"]
    with installation.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0
    assert browser.post(f"{address}/check", data={"fix-2-1": "09120002222", "fix-x-1": "no"}).status_code == 303
    page = checked()
    assert numbers(page) == ["2", "0", "0", "1", "0"]
    browser.post(f"{address}/run")
    installation.run_jobs()
    assert counts(last_run(installation)) == (2, 0, 0, 1, 0)
    with installation.acting() as session:
        found = session.scalars(sa.select(PhoneNumber.number).order_by(PhoneNumber.number)).all()
        assert found == ["+989120001111", "+989120002222"]


def numbers(page: str) -> list[str]:
    return re.findall(r'<b class="(?:bad)?">(\d+)</b>', page)


def test_the_check_of_a_file_counts_what_the_import_does(installation: TestInstallation) -> None:
    rows = [f"P{n % 7},L{n % 5},p{n % 11}@mail.example,{'bad' if n % 6 == 0 else ''}" for n in range(40)]
    text = "First name,Last name,Email,Birthday\n" + "\n".join(rows) + "\n"
    page = bring(installation, text, mode="both")
    run = last_run(installation)
    assert [int(number) for number in numbers(page)] == list(counts(run))


def hashes(installation: TestInstallation) -> dict[str, str]:
    """The content of every table but those that tell what happened."""
    telling = {"core_audit", "core_operation", "core_operation_problem", "core_event", "core_job", "core_import",
               "core_sign_in", "core_user"}  # fmt: skip
    stamps = {"version", "updated_at", "updated_by_id"}
    found = {}
    with installation.acting() as session:
        for table in METADATA.sorted_tables:
            if table.name in telling or not sa.inspect(session.connection()).has_table(table.name):
                continue
            names = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in stamps)
            read = session.execute(sa.text(f"SELECT {names} FROM {table.name}"))
            rows = sorted(json.dumps([str(value) for value in row]) for row in read)
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        session.rollback()
    return found


def test_an_import_undone_leaves_everything_as_it_was(installation: TestInstallation) -> None:
    with installation.acting() as session:
        session.add(sara())
        session.commit()
    installation.browser("user")
    installation.run_jobs()
    before = hashes(installation)
    text = "First name,Last name,Email,City,Company,Tags,Mobile,Note\n"
    text += "Sara,Karimi,s@mail.example,Tehran,Blue Heron,VIP,09120009999,Met\n"
    text += "".join(f'P{n},L,p{n}@mail.example,Yazd,C{n % 3},"VIP, T{n % 2}",0912000{n:04d},N{n}\n' for n in range(30))
    bring(installation, text, mode="both")
    run = last_run(installation)
    assert counts(run) == (30, 1, 0, 0, 0)
    assert hashes(installation) != before
    user_id = installation.user("user").id
    with installation.acting("user") as session:
        done = session.get_one(Operation, run.operation_id)
        assert (done.kind, done.state, done.actor_id) == ("import", "done", user_id)
        told = session.scalars(sa.select(Audit).where(Audit.operation == done.id)).all()
        assert {row.action for row in told} == {"created", "changed"}
        undo(session, done)
        session.commit()
    after = hashes(installation)
    # All is as it was, but for the numbers of versions, which only ever grow, and who touched a record last.
    assert {name for name in before if after[name] != before[name]} == set()
    with installation.acting() as session:
        found = session.scalars(sa.select(Person)).one()
        assert (found.city, found.company, list(found.phones), list(found.tags)) == ("Shiraz", None, [], [])
        assert session.scalar(sa.select(sa.func.count()).select_from(Company)) == 0


def test_the_report_leads_to_undo(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = begin(browser, "First name\nSara\n")
    browser.post(f"{address}/columns", data=chosen(browser.get(f"{address}/columns").get_data(as_text=True)))
    browser.post(f"{address}/run")
    installation.run_jobs()
    page = browser.get(f"{address}/report").get_data(as_text=True)
    assert f"/operations/{last_run(installation).operation_id}/undo" in page


def test_cards_of_a_phone_become_people(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    browser.get(f"/import/{PEOPLE}")
    card = "BEGIN:VCARD\nVERSION:3.0\nN:کریمی;سارا;;;\nFN:سارا کریمی\nTEL;TYPE=CELL:09120001111\nEND:VCARD\n"
    card += "BEGIN:VCARD\nFN:x\n"
    sent = {"file": (io.BytesIO(card.encode()), "cards.vcf")}
    answer = browser.post(f"/import/{PEOPLE}", data=sent, content_type="multipart/form-data")
    address = answer.location.removesuffix("/columns")
    browser.post(f"{address}/columns", data=chosen(browser.get(f"{address}/columns").get_data(as_text=True)))
    browser.get(f"{address}/check")
    browser.post(f"{address}/run")
    installation.run_jobs()
    assert counts(last_run(installation)) == (1, 0, 0, 0, 1)
    assert "damaged" in browser.get(f"{address}/report").get_data(as_text=True)
