"""A database that is busy, full or without connections: the page says so at once, and afterwards all is as before."""

from __future__ import annotations

import contextlib
import io
import re
import resource
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from core.jobs.models import JOBS, QUEUED
from core.jobs.sweep import Sweeper
from core.testing.installation import Browser, TestInstallation


@pytest.fixture
def site(make_site: Any, dialect: str) -> TestInstallation:
    return make_site("contacts", dialect=dialect)


def save(browser: Browser, name: str, **more: str) -> Any:
    return browser.post("/contacts/person/new", data={"first_name": "A", "last_name": name, **more})


def names(site: TestInstallation) -> list[str]:
    with site.runtime.database.autocommit() as connection:
        asked = "SELECT last_name FROM contacts_contact ORDER BY id"
        return list(connection.scalars(sa.text(asked)))


@pytest.fixture
def browser(site: TestInstallation) -> Browser:
    browser = site.browser("administrator")
    browser.get("/contacts/person/new")
    return browser


@contextlib.contextmanager
def pragma(site: TestInstallation, text: str) -> Iterator[None]:
    """Every connection of the process begins with a PRAGMA; only inside the block."""
    engine = site.runtime.database.engine

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {text}")

    sa.event.listen(engine, "connect", prepare)
    site.runtime.database.dispose()
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", prepare)
        site.runtime.database.dispose()


def test_a_full_sqlite_is_said_and_keeps_what_it_acknowledged(make_site: Any) -> None:
    site = make_site("contacts", dialect="sqlite")
    browser = site.browser("administrator")
    browser.get("/contacts/person/new")
    assert save(browser, "before").status_code == 302
    with site.runtime.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    with pragma(site, f"max_page_count={pages + 4}"):
        answers = [save(browser, f"during {number} " + "x" * 80) for number in range(40)]
        full = next(answer for answer in answers if answer.status_code != 302)
        assert (full.status_code, full.headers["Retry-After"]) == (507, "60")
        assert "The disk is full" in full.get_data(as_text=True)
        assert browser.get("/contacts/person/").status_code == 200

    acknowledged = sum(answer.status_code == 302 for answer in answers)
    assert len(names(site)) == 1 + acknowledged
    assert save(browser, "after").status_code == 302


def test_a_full_folder_of_files_is_said_and_leaves_neither_row_nor_file(make_site: Any) -> None:
    site = make_site("contacts", dialect="postgresql")  # whose own files are another process's
    browser = site.browser("administrator")
    browser.get("/contacts/person/new")
    save(browser, "with files")
    page = browser.get("/contacts/person/1").get_data(as_text=True)
    assert "with files" in page
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        file = io.BytesIO(b"%PDF-" + b"x" * 200_000), "a.pdf"
        answer = browser.post("/contacts/person/1/files", data={"file": file})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert answer.status_code == 507, answer.status_code
    assert [path for path in site.config.attachments.rglob("*") if path.is_file() and path.name != "lock"] == []
    with site.runtime.database.autocommit() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM core_attachment")) == 0


def test_a_sqlite_that_somebody_else_writes_to_for_long_asks_to_try_again(make_site: Any) -> None:
    site = make_site("contacts", dialect="sqlite")
    browser = site.browser("administrator")
    browser.get("/contacts/person/new")
    other = sa.create_engine(site.config.database_url)
    with pragma(site, "busy_timeout=200"):
        with other.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            busy = save(browser, "busy")
            reading = browser.get("/contacts/person/")
            connection.exec_driver_sql("ROLLBACK")
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
        assert reading.status_code == 200
        assert save(browser, "then").status_code == 302
    other.dispose()
    assert names(site) == ["then"]


def test_without_a_free_connection_the_answer_comes_soon_and_says_so(make_site: Any) -> None:
    site = make_site("contacts", dialect="postgresql")
    browser = site.browser("administrator")
    browser.get("/contacts/person/new")
    pool: Any = site.runtime.database.engine.pool
    pool._timeout = 0.2
    held = [site.runtime.database.engine.connect() for _ in range(15)]
    answer = browser.get("/contacts/person/")
    for connection in held:
        connection.close()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert browser.get("/contacts/person/").status_code == 200


def test_a_full_redis_stops_no_save_and_the_sweeper_delivers_later(
    site: TestInstallation, browser: Browser, redis_server: Any
) -> None:
    client = redis.Redis.from_url(redis_server.url)
    client.config_set("maxmemory", 1)
    try:
        assert save(browser, "full").status_code == 302
    finally:
        client.config_set("maxmemory", 0)

    assert names(site) == ["full"]
    with site.runtime.database.autocommit() as connection:
        waiting = sa.select(JOBS.c.id).where(JOBS.c.name == "core.deliver_events", JOBS.c.status == QUEUED)
        (job,) = connection.scalars(waiting)
    deadline = time.monotonic() + 10
    while not any(job.encode() in key for key in client.scan_iter()):
        assert time.monotonic() < deadline, "the job was never delivered"
        time.sleep(0.3)
        Sweeper(site.runtime).sweep(site.site.jobs)
    client.close()


def test_a_form_sent_twice_makes_one_record(site: TestInstallation, browser: Browser) -> None:
    def key() -> str:
        page = browser.get("/contacts/person/new").get_data(as_text=True)
        return str(re.search(r'name="form_key" value="([0-9a-f]{32})"', page)[1])  # type: ignore[index]

    first = key()
    answers = [save(browser, "twice", form_key=first) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert names(site) == ["twice"]
    save(browser, "another", form_key=key())
    refused = save(browser, "", first_name="", form_key=key())
    assert refused.status_code == 422
    assert names(site) == ["twice", "another"]


def test_a_form_sent_twice_at_once_makes_one_record(site: TestInstallation, browser: Browser) -> None:
    page = browser.get("/contacts/person/new").get_data(as_text=True)
    key = str(re.search(r'name="form_key" value="([0-9a-f]{32})"', page)[1])  # type: ignore[index]
    answers: list[int] = []
    browsers = [site.browser("administrator") for _ in range(4)]

    def send(browser: Browser) -> None:
        answers.append(save(browser, "at once", form_key=key).status_code)

    threads = [threading.Thread(target=send, args=(entry,)) for entry in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [302] * 4
    assert names(site) == ["at once"]


def test_somebody_elses_key_makes_a_record_of_ones_own(site: TestInstallation, browser: Browser) -> None:
    key = "0123456789abcdef" * 2
    save(browser, "mine", form_key=key)
    other = site.browser("user")
    other.get("/contacts/person/new")

    answer = save(other, "theirs", form_key=key)

    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/contacts/person/")
    assert names(site) == ["mine"]
