"""Each mail is sent once, whatever the server or the process does in between."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from core import now
from core.jobs.models import FAILED as JOB_FAILED
from core.jobs.models import JOBS, QUEUED
from core.mail.models import DONE, FAILED, IN_DOUBT, MAILS, STARTED
from core.mail.outbox import send_mail
from core.serve.doctor import examine
from core.testing.installation import TestInstallation


def write(installation: TestInstallation, key: str = "one", **values: Any) -> bool:
    """Write a mail down."""
    with installation.acting() as work:
        mail = {"address": "sara@example.com", "subject": "Good morning", "text": "Hello", "html": "<p>Hello</p>"}
        written = send_mail(work, key=key, **(mail | values))
        work.commit()
        return written


def states(installation: TestInstallation) -> dict[str, str]:
    """Every mail's state by its address."""
    with installation.runtime.database.engine.connect() as connection:
        return {row.address: row.state for row in connection.execute(sa.select(MAILS))}


def make_due(installation: TestInstallation) -> None:
    """Let the pause before another attempt be over."""
    with installation.runtime.database.engine.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.status == QUEUED).values(run_after=None))


def test_a_mail_arrives_once_as_text_and_html(installation: TestInstallation, postman: Any) -> None:
    assert write(installation, subject="Hello\r\nBcc: spy@example.com", language="fa", html="<p>سلام</p>")
    assert not write(installation)
    installation.run_jobs()
    (mail,) = postman.mails
    assert postman.recipients == ["sara@example.com"]
    assert mail["Subject"] == "Hello Bcc: spy@example.com"
    assert mail["Bcc"] is None
    assert mail["From"] == "Peyvand <crm@company.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(("plain",)).get_content().strip() == "Hello"
    assert 'dir="rtl"' in mail.get_body(("html",)).get_content()
    assert states(installation) == {"sara@example.com": DONE}


def test_a_bad_address_harms_no_other(installation: TestInstallation, postman: Any) -> None:
    postman.rcpt["gone@example.com"] = "550 5.1.1 No such user"
    for address in ("gone@example.com", "sara@example.com", "no address at all"):
        write(installation, key=address, address=address)
    installation.run_jobs()
    assert states(installation) == {
        "gone@example.com": FAILED, "sara@example.com": DONE, "no address at all": FAILED,
    }  # fmt: skip
    assert postman.recipients == ["sara@example.com"]


@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_what_the_server_puts_off_is_tried_again_after_a_pause(
    installation: TestInstallation, postman: Any, place: str
) -> None:
    if place == "rcpt":
        postman.rcpt["sara@example.com"] = "451 4.7.1 Greylisted"
    else:
        postman.data = "452 4.3.1 Full"
    write(installation)
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": QUEUED}
    with installation.runtime.database.engine.connect() as connection:
        (job,) = connection.execute(sa.select(JOBS).where(JOBS.c.name == "core.send_mail")).all()
    assert job.status == QUEUED
    assert job.run_after > now() + dt.timedelta(seconds=30)
    postman.rcpt.clear()
    postman.data = ""
    make_due(installation)
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": DONE}
    assert len(postman.mails) == 1


def test_a_server_that_is_away_is_waited_for(installation: TestInstallation, server: Any, postman: Any) -> None:
    server.stop()
    write(installation)
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": QUEUED}
    server.start()
    make_due(installation)
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": DONE}


def test_a_lost_answer_leaves_the_mail_in_doubt_and_nobody_sends_it_again(
    installation: TestInstallation, postman: Any
) -> None:
    postman.hangs_up = True
    write(installation)
    installation.run_jobs()
    make_due(installation)
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": IN_DOUBT}
    assert len(postman.mails) == 1


def test_a_process_that_was_killed_in_the_middle_leaves_the_mail_in_doubt(
    installation: TestInstallation, postman: Any
) -> None:
    write(installation)
    with installation.runtime.database.engine.begin() as connection:
        connection.execute(sa.update(MAILS).values(state=STARTED))
    installation.run_jobs()
    assert states(installation) == {"sara@example.com": IN_DOUBT}
    assert postman.mails == []


def test_a_mail_is_written_with_its_cause_or_not_at_all(installation: TestInstallation, postman: Any) -> None:
    with installation.acting() as work:
        send_mail(work, key="never", address="sara@example.com", subject="Never", text="Never")
        work.rollback()
    installation.run_jobs()
    assert postman.mails == []


def test_administrators_see_what_did_not_arrive_and_try_it_again(
    installation: TestInstallation, postman: Any
) -> None:
    postman.data = "554 5.7.1 Spam"
    browser = installation.browser("administrator")
    browser.get("/admin/mail/")
    assert browser.post("/admin/mail/test").status_code == 303
    installation.run_jobs()
    page = browser.get("/admin/mail/?show=failed").get_data(as_text=True)
    assert "554 5.7.1 Spam" in page
    assert "127.0.0.1" in page
    postman.data = ""
    with installation.runtime.database.engine.connect() as connection:
        number = connection.scalar(sa.select(MAILS.c.id))
    assert browser.post(f"/admin/mail/{number}/again").status_code == 303
    assert browser.post(f"/admin/mail/{number}/again").status_code == 404
    installation.run_jobs()
    assert len(postman.mails) == 1
    user = installation.browser("user")
    assert user.get("/admin/mail/").status_code == 404
    assert user.post("/admin/mail/test").status_code == 404


def test_the_doctor_tells_whether_mail_can_be_sent(
    installation: TestInstallation, server: Any, make_site: Any
) -> None:
    def told(config: Any) -> tuple[bool, str]:
        return next((finding.good, finding.sentence) for finding in examine(config) if finding.subject == "mail")

    assert told(installation.config) == (True, f"127.0.0.1:{server.port} answers.")
    write(installation)
    with installation.runtime.database.engine.begin() as connection:
        connection.execute(sa.update(MAILS).values(state=IN_DOUBT))
    assert told(installation.config)[0] is False
    with installation.runtime.database.engine.begin() as connection:
        connection.execute(sa.delete(MAILS))
    server.stop()
    assert told(installation.config)[0] is False
    assert told(make_site().config)[0] is True


def test_without_a_mail_server_nothing_is_sent(make_site: Any) -> None:
    installation = make_site()
    write(installation)
    installation.run_jobs()
    with installation.runtime.database.engine.connect() as connection:
        assert connection.scalar(sa.select(JOBS.c.status).where(JOBS.c.name == "core.send_mail")) == JOB_FAILED
    browser = installation.browser("administrator")
    assert "Mail is off." in browser.get("/admin/mail/").get_data(as_text=True)
    assert browser.post("/admin/mail/test").status_code == 404
