"""The mail server that an administrator names in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from core.jobs.models import JOBS
from core.mail.models import MAILS
from core.records.audit import Audit
from core.testing.installation import TestInstallation

SECRET = "correct-mail-horse"


@pytest.fixture
def site(make_site: Callable[..., TestInstallation], dialect: str) -> TestInstallation:
    """An installation that may reach its own machine."""
    return make_site(dialect=dialect, private_hosts="127.0.0.1 smtp.office.lan")


def form(server: Any, **values: str) -> dict[str, str]:
    """The form as a browser sends it."""
    filled = {"host": "127.0.0.1", "port": str(server.port), "security": "none", "sender": "CRM <crm@company.com>"}
    return filled | {"user_name": "", "password": ""} | values


def told(site: TestInstallation) -> list[Any]:
    """The audit of the mail server."""
    with site.runtime.database.engine.connect() as connection:
        rows = connection.execute(sa.select(Audit.__table__).where(Audit.record_type == "core.mail_server"))
        return list(rows)


def test_mail_goes_through_the_server_that_was_named(site: TestInstallation, server: Any, postman: Any) -> None:
    browser = site.browser("administrator")
    page = browser.get("/admin/mail/").get_data(as_text=True)
    assert "Mail is off." in page
    browser.get("/admin/mail/server")
    assert browser.post("/admin/mail/server", data=form(server)).status_code == 303
    assert browser.post("/admin/mail/test").status_code == 303
    site.run_jobs()
    assert [mail["From"] for mail in postman.mails] == ["CRM <crm@company.com>"]
    assert browser.post("/admin/mail/server", data={"action": "remove"}).status_code == 303
    assert "Mail is off." in browser.get("/admin/mail/").get_data(as_text=True)
    assert [row.action for row in told(site)] == ["changed", "deleted"]


def test_password_is_stored_sealed_and_shown_nowhere(site: TestInstallation, server: Any) -> None:
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    typed = form(server, user_name="crm", password=SECRET)
    assert browser.post("/admin/mail/server", data=typed).status_code == 303
    wrong = browser.post("/admin/mail/server", data=typed | {"sender": "nobody"})
    assert wrong.status_code == 422
    pages = [wrong, browser.get("/admin/mail/server"), browser.get("/admin/mail/")]
    assert not [page for page in pages if SECRET in page.get_data(as_text=True)]
    assert "One is stored, encrypted" in pages[1].get_data(as_text=True)
    with site.runtime.database.engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.execute(sa.text(f'SELECT * FROM "{table}"')).all()
            assert SECRET not in str(rows), table
    (row,) = told(site)
    assert row.changes["password"] == [None, "set"]


def test_password_reaches_the_server(make_site: Any, server: Any, postman: Any) -> None:
    from core.mail.server import find_server

    site = make_site(private_hosts="127.0.0.1")
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    browser.post("/admin/mail/server", data=form(server, user_name="crm", password=SECRET))
    with site.runtime.database.engine.connect() as connection:
        found = find_server(connection, site.config)
    assert (found.user, found.password) == ("crm", SECRET)
    assert SECRET not in repr(found)


def test_stored_password_is_not_handed_to_another_server(site: TestInstallation, server: Any) -> None:
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    browser.post("/admin/mail/server", data=form(server, user_name="crm", password=SECRET))
    kept = form(server, user_name="crm", sender="Other <crm@company.com>")
    assert browser.post("/admin/mail/server", data=kept).status_code == 303
    for change in ({"host": "smtp.office.lan"}, {"port": "2525"}, {"user_name": "other"}):
        answer = browser.post("/admin/mail/server", data=kept | change)
        assert answer.status_code == 422, change
        assert 'id="f-password-h"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"host": ""}, "host"),
        ({"host": "http://evil.example/"}, "host"),
        ({"host": "169.254.169.254"}, "host"),
        ({"host": "10.0.0.7"}, "host"),
        ({"host": "::1"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "99999"}, "port"),
        ({"security": "ssl"}, "security"),
        ({"host": "smtp.example.com", "user_name": "crm", "password": "x"}, "security"),
        ({"sender": "crm"}, "sender"),
        ({"sender": "a@b.example\r\nBcc: c@d.example"}, "sender"),
    ],
)
def test_each_mistake_stands_beside_its_field(make_site: Any, server: Any, change: Any, field: str) -> None:
    site = make_site(private_hosts="127.0.0.1")
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    answer = browser.post("/admin/mail/server", data=form(server, **change))
    assert answer.status_code == 422
    assert f'id="f-{field}-h"' in answer.get_data(as_text=True)
    assert told(site) == []


def test_name_that_leads_inside_is_found_out_when_it_is_connected_to(
    make_site: Any, server: Any, postman: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(private_hosts="127.0.0.1")
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    browser.post("/admin/mail/server", data=form(server))
    browser.post("/admin/mail/test")
    object.__setattr__(site.config, "private_hosts", ())
    site.run_jobs()
    assert postman.mails == []
    with site.runtime.database.engine.connect() as connection:
        assert "private network" in connection.scalar(sa.select(MAILS.c.error))


def test_environment_wins_over_the_browser(installation: TestInstallation, server: Any) -> None:
    browser = installation.browser("administrator")
    page = browser.get("/admin/mail/server").get_data(as_text=True)
    assert "PEYVAND_SMTP_HOST" in page
    assert browser.post("/admin/mail/server", data=form(server)).status_code == 404


def test_page_is_for_whoever_looks_after_mail(site: TestInstallation, server: Any) -> None:
    browser = site.browser("user")
    assert browser.get("/admin/mail/server").status_code == 404
    assert browser.post("/admin/mail/server", data=form(server)).status_code == 404
    assert told(site) == []


def test_lost_key_is_told_and_the_mail_waits(make_site: Any, server: Any, postman: Any) -> None:
    site = make_site(private_hosts="127.0.0.1")
    browser = site.browser("administrator")
    browser.get("/admin/mail/server")
    typed = form(server, user_name="crm", password=SECRET)
    browser.post("/admin/mail/server", data=typed)
    site.config.encryption_key_file.unlink()
    assert browser.get("/admin/mail/server").status_code == 200
    answer = browser.post("/admin/mail/server", data=typed)
    assert answer.status_code == 422
    assert "encryption_key back" in answer.get_data(as_text=True)
    browser.post("/admin/mail/test")
    site.run_jobs()
    assert postman.mails == []
    with site.runtime.database.engine.connect() as connection:
        assert connection.scalar(sa.select(JOBS.c.error).where(JOBS.c.name == "core.send_mail"))
