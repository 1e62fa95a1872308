"""The inbox, the bell and the choices, through the whole Site."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa

from core import notify, now
from core.notifications import inbox
from core.notifications.models import Notification


def tell(office: Any, name: str, count: int = 1, *, first: int = 0) -> None:
    """Tell somebody that work has ended, ``count`` times."""
    reader = office.id_of(name)
    with office.installation.acting() as work:
        for number in range(first, first + count):
            notify(work, [reader], "core.job_ended", key=f"job-{number}", text="done", data={"job": "core.run_import"})
        work.commit()


def rows(office: Any, name: str) -> list[Notification]:
    reader = office.id_of(name)
    with office.installation.acting() as work:
        query = sa.select(Notification).where(Notification.user_id == reader).order_by(Notification.id)
        return list(work.scalars(query))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_inbox_speaks_the_language_of_its_reader(small_office: Any, language: str) -> None:
    tell(small_office, "sara")
    sara = small_office.browser("sara")
    sara.post("/profile/choose", data={"language": language, "next": "/"})
    text = sara.get("/notifications/").get_data(as_text=True)
    assert ("“Import records” is finished." if language == "en" else "» به پایان رسید.") in text


def test_the_bell_counts_what_is_new_up_to_a_limit(small_office: Any) -> None:
    sara = small_office.browser("sara")
    assert sara.get("/notifications/bell").get_data(as_text=True) == ""
    tell(small_office, "sara", 3)
    assert "3 new notifications" in sara.get("/notifications/bell").get_data(as_text=True)
    tell(small_office, "sara", 110, first=3)
    assert "99+" in sara.get("/notifications/bell").get_data(as_text=True)


def test_reading_one_and_reading_all(small_office: Any) -> None:
    tell(small_office, "sara", 3)
    sara = small_office.browser("sara")
    first, second, third = rows(small_office, "sara")
    answer = sara.post(f"/notifications/{first.id}/open")
    assert (answer.status_code, answer.location) == (303, "/jobs")
    sara.post(f"/notifications/{second.id}/mark", data={"as": "read"})
    assert [row.read_at is None for row in rows(small_office, "sara")] == [False, False, True]
    sara.post(f"/notifications/{second.id}/mark", data={"as": "new"})
    assert len(re.findall('class="ntf new ', sara.get("/notifications/?show=unread").get_data(as_text=True))) == 2
    tell(small_office, "sara", 1, first=3)
    sara.post("/notifications/read", data={"upto": third.id})
    assert [row.read_at is None for row in rows(small_office, "sara")] == [False, False, False, True]


def test_what_is_snoozed_comes_back(small_office: Any) -> None:
    tell(small_office, "sara")
    sara, reader = small_office.browser("sara"), small_office.id_of("sara")
    (row,) = rows(small_office, "sara")
    assert sara.post(f"/notifications/{row.id}/snooze", data={"until": "never"}).status_code == 400
    for until in ("3h", "tomorrow", "week"):
        assert sara.post(f"/notifications/{row.id}/snooze", data={"until": until}).status_code == 303
    assert "Import records" not in sara.get("/notifications/").get_data(as_text=True)
    with small_office.installation.acting() as work:
        assert inbox.unread_count(work, reader) == 0
        work.get_one(Notification, row.id).snoozed_until = now() - dt.timedelta(minutes=1)
        work.commit()
        assert inbox.unread_count(work, reader) == 1


def test_a_kind_can_be_muted_in_the_inbox_and_chosen_on_the_profile(small_office: Any) -> None:
    tell(small_office, "sara")
    sara = small_office.browser("sara")
    (row,) = rows(small_office, "sara")
    sara.post(f"/notifications/{row.id}/mute", data={"what": "type"})
    tell(small_office, "sara", 1, first=1)
    assert len(rows(small_office, "sara")) == 1
    page = sara.get("/profile/").get_data(as_text=True)
    assert "Mail is not set up in this installation" in page
    assert sara.post("/notifications/choices", data={"on-core.job_ended": "digest"}).status_code == 303
    tell(small_office, "sara", 1, first=2)
    assert rows(small_office, "sara")[-1].channel == "digest"
    for data in ({"on-core.nonsense": "app"}, {"on-core.job_ended": "pigeon"}):
        assert sara.post("/notifications/choices", data=data).status_code == 400


def test_the_inbox_is_its_owner_s_alone(small_office: Any) -> None:
    tell(small_office, "sara")
    (row,) = rows(small_office, "sara")
    omid = small_office.browser("omid")
    assert "Import records" not in omid.get("/notifications/").get_data(as_text=True)
    for act, data in (("open", {}), ("mark", {"as": "read"}), ("snooze", {"until": "3h"}), ("mute", {"what": "type"})):
        assert omid.post(f"/notifications/{row.id}/{act}", data=data).status_code == 404
    omid.post("/notifications/read", data={"upto": row.id})
    assert rows(small_office, "sara")[0].read_at is None
    assert small_office.installation.browser().get("/notifications/").status_code == 401


def test_a_long_inbox_is_read_on_page_by_page(small_office: Any) -> None:
    tell(small_office, "sara", 60)
    sara = small_office.browser("sara")
    text = sara.get("/notifications/").get_data(as_text=True)
    assert text.count('class="ntf ') == 50
    more = re.search(r'href="(/notifications/\?before=[0-9]+)"', text)
    assert more is not None
    assert sara.get(more[1]).get_data(as_text=True).count('class="ntf ') == 10
    assert sara.get("/notifications/?before=x").status_code == 400
    assert sara.get("/notifications/?show=all").status_code == 400


def test_an_inbox_page_asks_the_database_a_bounded_number_of_times(small_office: Any) -> None:
    tell(small_office, "sara", 40)
    sara = small_office.browser("sara")
    sara.get("/notifications/")
    asked: list[str] = []
    engine = small_office.installation.runtime.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    sara.get("/notifications/")
    assert len([statement for statement in asked if not statement.startswith(("BEGIN", "PRAGMA"))]) <= 8
