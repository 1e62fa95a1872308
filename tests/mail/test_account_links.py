"""Links that open an account, as they travel by mail."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from core.accounts.models import User, now
from core.database.secrets import SECRETS
from core.jobs.queue import enqueue
from core.mail.models import MAILS
from core.mail.outbox import send_mail
from core.testing.installation import TestInstallation
from core.testing.servers import RedisServer
from core.web.old_news import REMOVE_OLD_NEWS

CHOSEN = {"password": "a completely new secret", "password_confirm": "a completely new secret"}


@pytest.fixture(autouse=True)
def nobody_has_asked(redis_server: RedisServer) -> None:
    """Requests of other tests from this address count no more."""
    with redis.Redis.from_url(redis_server.url) as connection:
        connection.flushall()


def path_of(mail: Any, purpose: str) -> str:
    """The path of the link in a mail, below the address of the installation."""
    text = mail.get_body(("plain",)).get_content()
    return re.search(rf"https://crm\.company\.com/office(/{purpose}/[\w-]+)", text)[1]  # type: ignore[index]


def ask(installation: TestInstallation, email: str) -> Any:
    """Ask for a link as a visitor."""
    browser = installation.browser()
    browser.get("/forgot")
    answer = browser.post("/forgot", data={"email": email})
    installation.run_jobs()
    return answer


def test_forgotten_password_is_replaced_by_a_link(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    answer = ask(installation, " USER@example.com ")
    assert "a link is on its way" in answer.get_data(as_text=True)
    (mail,) = postman.mails
    assert postman.recipients == ["user@example.com"]
    path = path_of(mail, "reset")
    assert path in mail.get_body(("html",)).get_content()
    browser = installation.browser()
    browser.get(path)
    assert browser.post(path, data=CHOSEN).status_code == 302
    assert browser.get("/").status_code == 200


def test_answer_does_not_tell_who_has_an_account(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    with installation.acting() as work:
        work.execute(sa.update(User).where(User.email == "user@example.com").values(active=False))
        work.commit()
    installation.user("administrator")

    def seen(answer: Any) -> list[str]:
        page = answer.get_data(as_text=True).splitlines()
        return [str(answer.status_code), *(line for line in page if "csrf" not in line)]

    people = ("user@example.com", "nobody@example.com", "administrator@example.com")
    answers = [ask(installation, email) for email in people]
    assert seen(answers[0]) == seen(answers[1]) == seen(answers[2])
    assert postman.recipients == ["administrator@example.com"]


def test_request_does_the_same_work_for_everybody(installation: TestInstallation) -> None:
    installation.user("user")
    counted: dict[str, list[str]] = {}
    engine = installation.runtime.database.engine
    for email in ("user@example.com", "nobody@example.com"):
        browser = installation.browser()
        browser.get("/forgot")
        statements: list[str] = []
        listener = lambda *event, kept=statements: kept.append(event[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", listener)
        browser.post("/forgot", data={"email": email})
        sa.event.remove(engine, "before_cursor_execute", listener)
        counted[email] = statements
    assert counted["user@example.com"] == counted["nobody@example.com"]


def test_asking_often_is_slowed_down_and_fills_no_mailbox(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    statuses = [ask(installation, "user@example.com").status_code for _ in range(6)]
    assert statuses == [200] * 6
    assert len(postman.mails) == 3
    for number in range(4):
        ask(installation, f"nobody{number}@example.com")
    refused = ask(installation, "other@example.com")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.parametrize("odd", ["", "nobody", "x" * 5000 + "@example.com"])
def test_odd_addresses_are_refused_beside_the_field(installation: TestInstallation, odd: str) -> None:
    answer = ask(installation, odd)
    assert answer.status_code == 422
    assert 'id="f-email-h"' in answer.get_data(as_text=True)


def test_link_in_a_mail_is_kept_sealed_and_only_until_it_has_left(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    browser = installation.browser("administrator")
    browser.get("/admin/users/invitations/")
    form = {"name": "Reza <b>", "email": "reza@example.com", "role": "user"}
    page = browser.post("/admin/users/invitations/", data=form).get_data(as_text=True)
    token = re.search(r"/invitation/([\w-]+)", page)[1]  # type: ignore[index]
    assert "on its way to reza@example.com" in page

    def everything() -> str:
        with installation.runtime.database.engine.connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            return "".join(str(connection.execute(sa.text(f'SELECT * FROM "{table}"')).all()) for table in tables)

    def sealed() -> int:
        with installation.runtime.database.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(SECRETS)) or 0

    assert token not in everything()
    assert sealed() == 1
    installation.run_jobs()
    (mail,) = postman.mails
    assert path_of(mail, "invitation") == f"/invitation/{token}"
    assert "Reza &lt;b&gt;" in mail.get_body(("html",)).get_content()
    assert "Hello Reza <b>," in mail.get_body(("plain",)).get_content()
    assert "Administrator invites you" in mail.get_body(("plain",)).get_content()
    assert sealed() == 0
    assert token not in everything()


def test_private_mail_that_was_refused_is_not_sent_again(installation: TestInstallation, postman: Any) -> None:
    postman.data = "554 5.7.1 Spam"
    with installation.acting() as work:
        send_mail(work, key="one", address="sara@example.com", subject="Link", text="secret", private=True)
        work.commit()
    installation.run_jobs()
    browser = installation.browser("administrator")
    page = browser.get("/admin/mail/").get_data(as_text=True)
    assert "554 5.7.1 Spam" in page
    assert "Send again" not in page
    with installation.runtime.database.engine.connect() as connection:
        number = connection.scalar(sa.select(MAILS.c.id))
        assert connection.execute(sa.select(SECRETS)).all() == []
    assert browser.post(f"/admin/mail/{number}/again").status_code == 404


def test_link_that_never_left_is_forgotten_once_it_has_expired(installation: TestInstallation, server: Any) -> None:
    server.stop()
    for key in ("old", "new"):
        with installation.acting() as work:
            send_mail(work, key=key, address="sara@example.com", subject="Link", text="secret", private=True)
            work.commit()
    installation.run_jobs()
    with installation.runtime.database.engine.begin() as connection:
        aged = sa.update(SECRETS).where(SECRETS.c.row_key == "old")
        connection.execute(aged.values(changed_at=now() - dt.timedelta(days=8)))
    with installation.acting() as work:
        enqueue(REMOVE_OLD_NEWS)
        work.commit()
    installation.run_jobs()
    with installation.runtime.database.engine.connect() as connection:
        assert connection.scalars(sa.select(SECRETS.c.row_key)).all() == ["new"]


def test_mail_speaks_the_language_of_its_reader(installation: TestInstallation, postman: Any) -> None:
    installation.user("user")
    with installation.acting() as work:
        work.execute(sa.update(User).values(language="fa"))
        work.commit()
    ask(installation, "user@example.com")
    (mail,) = postman.mails
    assert mail["Content-Language"] == "fa"
    assert 'dir="rtl"' in mail.get_body(("html",)).get_content()
