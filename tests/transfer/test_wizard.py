"""The import wizard, from the file to the report, with real contacts."""

import datetime as dt
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.accounts import users
from core.accounts.models import now
from core.jobs.models import JobRecord
from core.records.transfer import models, running, uploads
from core.records.transfer.models import ImportRun
from core.testing.installation import PASSWORD, Browser, TestInstallation
from plugins.contacts.models import Person

MakeSite = Callable[..., TestInstallation]
SAMPLES = Path(__file__).parent / "samples"
START = "/import/contacts.person"


@pytest.fixture
def installation(make_site: MakeSite) -> TestInstallation:
    return make_site("contacts")


@pytest.fixture
def on_either(make_site: MakeSite, dialect: str) -> TestInstallation:
    """For what the database itself must keep: transactions, claims, savepoints."""
    return make_site("contacts", dialect=dialect)


def upload(browser: Browser, content: bytes | Path, name: str = "people.csv") -> str:
    """Send a file; the address of the import that began, without its last step."""
    browser.get(START)
    data = content.read_bytes() if isinstance(content, Path) else content
    answer = browser.post(START, data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location.removesuffix("/columns")


def chosen(page: str) -> dict[str, str]:
    """What the form of the columns would send as it stands."""
    form = {}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        selected = re.search(r'<option value="([^"]*)" selected', options)
        form[name] = selected[1] if selected else re.search(r'<option value="([^"]*)"', options)[1]  # type: ignore[index]
    return form


def imports(installation: TestInstallation) -> list[ImportRun]:
    with installation.acting() as session:
        return list(session.scalars(sa.select(ImportRun).order_by(ImportRun.id)))


def people(installation: TestInstallation) -> int:
    with installation.acting() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Person)) or 0


def through(installation: TestInstallation, browser: Browser, address: str, **changes: str) -> str:
    """From the columns to the report; the report's text."""
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    answer = browser.post(f"{address}/columns", data=chosen(page) | changes)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert browser.get(answer.location).status_code == 200
    assert browser.post(f"{address}/run").status_code == 303
    assert browser.get(f"{address}/run").status_code == 200
    installation.run_jobs()
    assert browser.get(f"{address}/progress").headers["HX-Redirect"] == f"{address}/report"
    return browser.get(f"{address}/report").get_data(as_text=True)


def test_a_file_of_google_becomes_people(on_either: TestInstallation) -> None:
    browser = on_either.browser("user")
    address = upload(browser, SAMPLES / "google_contacts_new.csv", "contacts.csv")
    through(on_either, browser, address, region="GB")
    (run,) = imports(on_either)
    assert (run.status, run.created_count, run.failed_count, run.total) == ("done", 3, 0, 3)
    assert people(on_either) == 3
    assert not (on_either.config.uploads / run.stored_path).exists()
    user_id = on_either.user("user").id
    with on_either.acting() as session:
        assert session.scalars(sa.select(Person.owner_id)).first() == user_id


def test_the_check_shows_every_error_and_writes_nothing(on_either: TestInstallation) -> None:
    browser = on_either.browser("user")
    address = upload(browser, SAMPLES / "persian_windows_1256.csv")
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    assert "نام خانوادگ" in page
    browser.post(f"{address}/columns", data=chosen(page))
    text = browser.get(f"{address}/check").get_data(as_text=True)
    for reason in ("Not a phone number", "Not an e-mail address", "no such day"):
        assert reason in text
    assert "May 21, 1990" in text or "21 May 1990" in text  # the Jalali date as it was read
    assert people(on_either) == 0


def test_failed_rows_come_back_as_a_file_that_can_be_imported(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = upload(browser, b"name,mobile,city\nAda,12,=1+1\nBen,09120001111,\n")
    report = through(installation, browser, address)
    assert "Not a phone number" in report
    answer = browser.get(f"{address}/failed-rows", buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    text = answer.get_data().decode("utf-8-sig")
    assert text.splitlines()[1].startswith("Ada,12,'=1+1,2,")
    again = upload(browser, text.replace("Ada,12,", "Ada,0912 000 2222,").encode())
    through(installation, browser, again)
    assert people(installation) == 2


def test_a_second_click_starts_no_second_job(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = upload(browser, b"name,mobile\nAda,09120001111\n")
    for _click in range(3):
        assert browser.post(f"{address}/run").status_code == 303
    installation.run_jobs()
    assert browser.post(f"{address}/run").status_code == 303
    installation.run_jobs()
    assert people(installation) == 1
    assert imports(installation)[0].created_count == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"%PDF-1.4", "not a table"), (b"x" * 100_001, "larger than")],
)
def test_what_is_no_table_is_refused_and_not_kept(
    installation: TestInstallation, content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 100_000)
    browser = installation.browser("user")
    browser.get(START)
    answer = browser.post(START, data={"file": (io.BytesIO(content), "a.csv")}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert reason in answer.get_data(as_text=True)
    assert imports(installation) == []
    assert list(installation.config.uploads.rglob("*.*")) == []


def test_a_choice_that_cannot_be_is_explained(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = upload(browser, b"a,b\n1,2\n")
    browser.get(f"{address}/columns")
    for data, reason in (
        ({}, "at least one column"),
        ({"column-0": "city", "column-1": "city"}, "cannot both become"),
        ({"column-0": "password", "column-9": "city"}, "at least one column"),
    ):
        answer = browser.post(f"{address}/columns", data=data)
        assert answer.status_code == 422
        assert reason in answer.get_data(as_text=True)
    assert imports(installation)[0].mapping == {}


def test_an_import_is_its_owners_and_the_administrators(installation: TestInstallation) -> None:
    owner = installation.browser("user")
    address = upload(owner, b"name\nAda\n")
    with installation.acting() as session:
        users.create_user(session, "other@example.com", "Other", PASSWORD, "user")
        session.commit()
    other = installation.browser()
    other.get("/sign-in")
    other.post("/sign-in", data={"email": "other@example.com", "password": PASSWORD})
    other.get("/")
    for step in ("columns", "check", "run", "report", "progress", "failed-rows"):
        assert other.get(f"{address}/{step}").status_code == 404, step
    assert other.post(f"{address}/run").status_code == 404
    assert imports(installation)[0].status == models.UPLOADED
    assert installation.browser("administrator").get(f"{address}/columns").status_code == 200
    assert installation.browser().get(f"{address}/columns").status_code in (302, 401, 404)


@pytest.mark.parametrize(
    "path", ["contacts.phone_number", "contacts.nothing", "core.user", "contacts.person/99999999999999999999/run"]
)
def test_what_cannot_be_imported_is_not_found(installation: TestInstallation, path: str) -> None:
    assert installation.browser("administrator").get(f"/import/{path}").status_code == 404


def test_names_of_files_and_cells_are_text(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    evil = "<script>alert(1)</script>"
    address = upload(browser, f"name,{evil}\n{evil},x\n".encode(), f"{evil}.csv")
    page = browser.get(f"{address}/columns").get_data(as_text=True)
    browser.post(f"{address}/columns", data=chosen(page))
    assert evil not in page + browser.get(f"{address}/check").get_data(as_text=True)


def test_a_job_that_died_goes_on_where_it_committed(
    on_either: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 10)
    browser = on_either.browser("user")
    rows = "".join(f"Ada {n},{'soon' if n % 7 == 0 else '1990-01-01'}\n" for n in range(35))
    address = upload(browser, f"name,birthday\n{rows}".encode())
    browser.post(f"{address}/run")
    write, batches = running._as_planned, []

    def die_in_the_third_batch(*arguments: object) -> object:
        outcomes = write(*arguments)  # type: ignore[arg-type]
        batches.append(len(outcomes))
        if len(batches) == 3:
            raise SystemExit("killed")
        return outcomes

    monkeypatch.setattr(running, "_as_planned", die_in_the_third_batch)
    with on_either.site.app.app_context(), on_either.acting(), pytest.raises(SystemExit):
        running.run_import(Silent(), imports(on_either)[0].id)
    on_either.session.rollback()
    assert imports(on_either)[0].checkpoint == 21
    monkeypatch.setattr(running, "_as_planned", write)
    on_either.run_jobs()
    (run,) = imports(on_either)
    assert (run.status, run.created_count, run.failed_count, run.seen) == ("done", 30, 5, 35)
    assert people(on_either) == 30
    leftovers = browser.get(f"{address}/failed-rows", buffered=True).get_data().decode("utf-8-sig")
    assert len(leftovers.splitlines()) == 6


def given_up(installation: TestInstallation, monkeypatch: pytest.MonkeyPatch) -> tuple[Browser, str]:
    """Somebody whose import was killed in its second batch until the job gave up; the address of the import."""
    monkeypatch.setattr(running, "BATCH", 10)
    browser = installation.browser("user")
    address = upload(browser, ("name\n" + "".join(f"Ada {n}\n" for n in range(35))).encode())
    browser.post(f"{address}/run")
    write, batches = running._as_planned, []

    def die_in_the_second_batch(*arguments: object) -> object:
        batches.append(1)
        if len(batches) == 2:
            raise SystemExit("killed")
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "_as_planned", die_in_the_second_batch)
    with installation.acting("user"), pytest.raises(SystemExit):
        running.run_import(Silent(), imports(installation)[0].id)
    installation.session.rollback()
    monkeypatch.setattr(running, "_as_planned", write)
    with installation.acting() as session:
        session.execute(sa.update(JobRecord).where(JobRecord.name == running.RUN_IMPORT).values(status="failed"))
        session.commit()
    return browser, address


def test_an_import_that_was_given_up_goes_on_from_its_report(
    on_either: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, address = given_up(on_either, monkeypatch)
    page = browser.get(f"{address}/report").get_data(as_text=True)
    again = re.search(r'action="(/jobs/\w+/retry)"', page)
    assert again is not None
    assert browser.post(again[1]).status_code == 303
    on_either.run_jobs()
    (run,) = imports(on_either)
    assert (run.status, run.created_count, people(on_either)) == ("done", 35, 35)
    assert "/retry" not in browser.get(f"{address}/report").get_data(as_text=True)


def test_an_import_that_was_given_up_can_be_undone_and_then_does_not_go_on(
    on_either: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, address = given_up(on_either, monkeypatch)
    assert people(on_either) == 10
    undo = re.search(r'href="(/operations/\w+/undo)"', browser.get(f"{address}/report").get_data(as_text=True))
    assert undo is not None
    assert browser.get(undo[1]).status_code == 200
    with on_either.acting() as session:
        (job_id,) = session.scalars(sa.select(JobRecord.id).where(JobRecord.name == running.RUN_IMPORT))
    browser.post(undo[1])
    on_either.run_jobs()
    assert people(on_either) == 0
    assert "/retry" not in browser.get(f"{address}/report").get_data(as_text=True)
    browser.post(f"/jobs/{job_id}/retry")
    on_either.run_jobs()
    assert (imports(on_either)[0].status, people(on_either)) == (models.STOPPED, 0)
    assert "This has been undone already." in browser.get(f"{address}/report").get_data(as_text=True)


class Silent:
    """A progress that nobody watches."""

    def report(self, done: int, total: int | None = None, message: str = "") -> None:
        """Take the word."""


def test_a_stopped_import_keeps_what_it_wrote(on_either: TestInstallation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH", 5)
    browser = on_either.browser("user")
    address = upload(browser, ("name\n" + "".join(f"Ada {n}\n" for n in range(20))).encode())
    browser.post(f"{address}/run")

    class StopAfterOne(Silent):
        def report(self, done: int, total: int | None = None, message: str = "") -> None:
            browser.post(f"{address}/stop")
            with on_either.acting() as session:
                session.execute(sa.update(ImportRun).values(status=models.CANCELLING))
                session.commit()

    with on_either.acting():
        running.run_import(StopAfterOne(), imports(on_either)[0].id)
    (run,) = imports(on_either)
    assert (run.status, run.created_count) == (models.CANCELLED, 5)
    assert people(on_either) == 5
    assert "stopped" in browser.get(f"{address}/report").get_data(as_text=True)


def test_stopping_before_it_began_writes_nothing(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = upload(browser, b"name\nAda\n")
    browser.post(f"{address}/run")
    browser.post(f"{address}/stop")
    installation.run_jobs()
    assert (imports(installation)[0].status, people(installation)) == (models.CANCELLED, 0)


def test_one_bad_row_does_not_spoil_its_batch(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    address = upload(browser, b"name,tags\nAda,VIP\nBen,\n")
    with installation.acting() as session:
        session.execute(sa.text("CREATE TRIGGER no_ben BEFORE INSERT ON contacts_contact WHEN NEW.name = 'Ben' "
                                "BEGIN SELECT RAISE(ABORT, 'no Ben'); END"))  # fmt: skip
        session.commit()
    browser.post(f"{address}/run")
    installation.run_jobs()
    (run,) = imports(installation)
    assert (run.created_count, run.failed_count) == (1, 1)
    assert "refused this row" in browser.get(f"{address}/report").get_data(as_text=True)


def test_a_file_that_breaks_off_stops_with_a_reason(
    installation: TestInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH", 2)
    browser = installation.browser("user")
    rows = "".join(f"Ada {n}\n" for n in range(300))  # longer than the look that an upload gets
    address = upload(browser, f'name\n{rows}"Ben'.encode() + b"x" * 200_000)
    browser.post(f"{address}/run")
    installation.run_jobs()
    assert imports(installation)[0].status == models.STOPPED
    assert "Row 302" in browser.get(f"{address}/report").get_data(as_text=True)


def test_uploads_nobody_went_on_with_are_forgotten(installation: TestInstallation) -> None:
    browser = installation.browser("user")
    upload(browser, b"name\nAda\n")
    with installation.acting() as session:
        session.execute(sa.update(ImportRun).values(created_at=now() - dt.timedelta(days=2)))
        session.commit()
    upload(browser, b"name\nBen\n")
    assert len(imports(installation)) == 1
    assert len([path for path in installation.config.uploads.rglob("*") if path.is_file()]) == 1
