"""Notifications by mail: at once, or once a day in the reader's morning."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from core import User, notify, now
from core.notifications import choices
from core.notifications.models import Notification
from core.testing.installation import TestInstallation
from core.web.notification_mail import send_digests
from plugins.contacts.models import Person


def person(installation: TestInstallation, **values: object) -> int:
    with installation.acting("administrator") as work:
        made = Person(**{"first_name": "Leila", "last_name": "<b>Sadeghi</b>", **values})
        work.add(made)
        work.commit()
        return made.id


def choose(installation: TestInstallation, channel: str, **values: str) -> int:
    """Let the test user hear of mentions through ``channel``; the user's id."""
    reader = installation.user("user").id
    with installation.acting() as work:
        choices.choose(work, reader, {"core.mentioned": channel})
        user = work.get_one(User, reader)
        for name, value in values.items():
            setattr(user, name, value)
        work.commit()
    return reader


def tell(installation: TestInstallation, reader: int, record: int, key: str) -> None:
    with installation.acting() as work:
        data = {"actor": "Omid"}
        notify(work, [reader], "core.mentioned", key=key, record=("contacts.person", record), data=data)
        work.commit()


def zone_where_it_is(hour: int) -> str:
    """A time zone in which it is about this hour of the day."""
    offset = (hour - now().hour + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def test_a_notification_is_mailed_at_once_in_the_language_of_its_reader(
    installation: TestInstallation, postman: Any
) -> None:
    reader = choose(installation, "mail", language="fa")
    record = person(installation)
    tell(installation, reader, record, "first")
    installation.run_jobs()
    (mail,) = postman.mails
    assert "Omid در یادداشتی" in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert 'dir="rtl"' in html
    assert "&lt;b&gt;Sadeghi" in html
    assert f"https://crm.company.com/office/contacts/person/{record}" in html
    assert f"https://crm.company.com/office/contacts/person/{record}" in mail.get_body(("plain",)).get_content()
    assert "https://crm.company.com/office/profile/#notifications" in html
    installation.run_jobs()
    assert len(postman.mails) == 1


def test_a_record_that_was_hidden_since_is_not_named_in_the_mail(installation: TestInstallation, postman: Any) -> None:
    reader = choose(installation, "mail")
    record = person(installation)
    tell(installation, reader, record, "first")
    with installation.acting("administrator") as work:
        work.get_one(Person, record).private = True
        work.commit()
    installation.run_jobs()
    (mail,) = postman.mails
    assert "Sadeghi" not in mail.as_string()


def test_a_digest_comes_once_a_day_in_the_reader_s_morning(installation: TestInstallation, postman: Any) -> None:
    reader = choose(installation, "digest", timezone=zone_where_it_is(5))
    record = person(installation)
    for number in range(3):
        tell(installation, reader, record, f"mention-{number}")
    installation.run_jobs()
    assert postman.mails == []
    with installation.acting() as work:
        assert send_digests(None) == 0
        work.get_one(User, reader).timezone = zone_where_it_is(11)
        work.execute(sa.update(Notification).where(Notification.key == "mention-2").values(read_at=now()))
        work.commit()
        assert send_digests(None) == 1
    tell(installation, reader, record, "later")
    with installation.acting():
        assert send_digests(None) == 0
    installation.run_jobs()
    (mail,) = postman.mails
    assert mail.get_body(("plain",)).get_content().count("Omid mentioned you") == 2
    with installation.acting() as work:
        waiting = work.scalars(sa.select(Notification.key).where(Notification.mailed_at.is_(None)))
        assert list(waiting) == ["later"]


def test_old_news_is_not_mailed(installation: TestInstallation) -> None:
    reader = choose(installation, "digest", timezone=zone_where_it_is(11))
    tell(installation, reader, person(installation), "old")
    with installation.acting() as work:
        work.execute(sa.update(Notification).values(created_at=now() - dt.timedelta(days=9)))
        work.commit()
        assert send_digests(None) == 0
