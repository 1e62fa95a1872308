"""Files of a record through its page: adding, downloading, taking away, and what must never happen."""

import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from core.accounts.actor import as_system
from core.config import Config
from core.errors import ValidationError
from core.records.attachments.chores import draw_thumbnail, sweep_attachments
from core.records.attachments.models import Attachment
from core.records.attachments.storage import Storage
from tests.admin.toy_site import Browser, Toys
from tests.admin.toys import Kite, person
from tests.attachments.test_kinds import huge_png, picture

HX = {"HX-Request": "true"}


class Quiet:
    """A progress that nobody watches."""

    def report(self, *_given: Any) -> None:
        """Say nothing."""


@pytest.fixture
def kite(toys: Toys) -> str:
    """The address of a kite, and somebody signed in."""
    (toys.person,) = toys.add(person("Sara Ahmadi", "sara@example.com"))
    (number,) = toys.add(Kite(name="Red"))
    return f"/toys/kite/{number}"


def storage(toys: Toys) -> Storage:
    return Storage(toys.site.runtime.config.attachments)


def add(browser: Browser, kite: str, *files: tuple[str, bytes], headers: Any = None) -> Any:
    """Post files to the record, as its form does."""
    posted = [(io.BytesIO(content), name) for name, content in files]
    return browser.post(f"{kite}/files", {"file": posted}, content_type="multipart/form-data", headers=headers or {})


def rows(toys: Toys) -> list[Attachment]:
    with toys.work() as session:
        found = session.scalars(sa.select(Attachment).order_by(Attachment.id)).all()
        session.expunge_all()
        return list(found)


def run(toys: Toys, job: Any, **arguments: Any) -> Any:
    """Perform a job in the toy application."""
    with toys.app.app_context(), as_system("test"):
        done = job(Quiet(), **arguments)
        toys.database.session().commit()
        return done


def age(toys: Toys) -> None:
    """Let every stored file be two hours old."""
    for path in storage(toys).folder.rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)


def test_several_files_are_added_at_once_and_stand_in_the_story(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("notes.txt", b"hello"), ("<b>.png", picture()))
    page = browser.get(kite).text
    assert "notes.txt" in page
    assert "&lt;b&gt;.png" in page
    assert "added a file" in browser.get(f"{kite}?show=files").text
    assert [(row.name, row.content_type, row.size) for row in rows(toys)][0] == ("notes.txt", "text/plain", 5)


def test_a_download_is_always_saved_and_never_shown(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("گزارش\".txt", b"hello"))
    answer = browser.get(f"{kite}/files/{rows(toys)[0].id}")
    assert answer.data == b"hello"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''%DA%AF" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "content",
    [b"<!doctype html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
     b"MZ" + b"\0" * 99, b""],
)  # fmt: skip
def test_pages_programs_and_nothing_are_refused_whatever_they_are_called(
    toys: Toys, browser: Browser, kite: str, content: bytes
) -> None:
    refused = add(browser, kite, ("photo.png", content), headers=HX)
    assert refused.status_code == 422
    assert refused.mimetype == "text/plain"
    assert rows(toys) == []
    assert [path for path in storage(toys).folder.rglob("*") if path.is_file() and path.name != "lock"] == []


def test_one_that_is_refused_costs_no_other(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("bad.html", b"<html>"), ("good.txt", b"good"))
    assert [row.name for row in rows(toys)] == ["good.txt"]
    assert [kind for kind, _text in browser.flashed()] == ["success", "danger"]


def test_a_name_tells_what_the_content_is(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("invoice.pdf", picture()), ("../../x; filename=y", b"text"))
    assert [row.name for row in rows(toys)] == ["invoice.pdf.png", "x; filename=y.txt"]
    answer = browser.get(f"{kite}/files/{rows(toys)[1].id}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="x; filename=y.txt"'


def test_a_file_over_the_limit_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = Storage(tmp_path / "attachments")
    with pytest.raises(ValidationError):
        kept.take_in(io.BytesIO(b"x" * 11), 10)
    assert kept.take_in(io.BytesIO(b"x" * 10), 10).size == 10
    assert len(list(kept.folder.glob("incoming/*"))) == 1


def test_an_administrator_says_which_kinds_are_welcome(tmp_path: Path) -> None:
    settings = {"PEYVAND_INSTANCE": str(tmp_path), "PEYVAND_ATTACHMENT_KINDS": "pdf"}
    toys = Toys(Config.load(settings))
    (number,) = toys.add(Kite(name="Red"))
    browser = toys.browser()
    assert add(browser, f"/toys/kite/{number}", ("notes.txt", b"hello"), headers=HX).status_code == 422
    assert add(browser, f"/toys/kite/{number}", ("small.pdf", b"%PDF-1.7"), headers=HX).status_code == 204
    toys.database.dispose()


def test_a_file_is_reached_only_through_its_record_and_its_rights(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("notes.txt", b"hello"))
    (row,) = rows(toys)
    (other,) = toys.add(Kite(name="Other"))
    assert browser.get(f"/toys/kite/{other}/files/{row.id}").status_code == 404
    assert browser.post(f"/toys/kite/{other}/files/{row.id}/delete").status_code == 404
    toys.permissions -= {"toys.kite.edit"}
    assert add(browser, kite, ("more.txt", b"more")).status_code == 404
    assert browser.post(f"{kite}/files/{row.id}/delete").status_code == 404
    assert browser.get(f"{kite}/files/{row.id}").status_code == 200
    toys.permissions -= {"toys.kite.see"}
    assert browser.get(f"{kite}/files/{row.id}").status_code == 404


def test_a_deleted_file_is_gone_until_it_is_put_back(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("notes.txt", b"hello"))
    address = f"{kite}/files/{rows(toys)[0].id}"
    browser.post(f"{address}/delete")
    ((kind, _text),) = browser.flashed()[-1:]
    assert browser.get(address).status_code == 404
    assert "deleted a file" in browser.get(kite).text
    browser.post(kind.removeprefix("undo "))
    assert browser.get(address).data == b"hello"


def test_an_image_gets_a_thumbnail_that_its_rights_guard(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("photo.jpg", picture("JPEG", (2000, 1000))))
    (row,) = rows(toys)
    address = f"{kite}/files/{row.id}/thumbnail"
    assert browser.get(address).status_code == 404
    assert run(toys, draw_thumbnail, attachment_id=row.id) == {"made": True}
    answer = browser.get(address)
    assert (answer.mimetype, Image.open(io.BytesIO(answer.data)).size) == ("image/webp", (320, 160))
    assert address in browser.get(kite).text
    toys.permissions -= {"toys.kite.see"}
    assert browser.get(address).status_code == 404


def test_an_image_with_a_huge_header_is_kept_and_never_decoded(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("bomb.png", huge_png()))
    for row in rows(toys):
        assert run(toys, draw_thumbnail, attachment_id=row.id) == {"made": False}
    assert browser.get(kite).status_code == 200


def test_the_same_bytes_lie_there_once_and_go_with_the_last_row(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("a.txt", b"same"), ("b.txt", b"same"))
    place = storage(toys).path(hashlib.sha256(b"same").hexdigest())
    assert len(list(storage(toys).folder.glob("files/*/*"))) == 1
    with toys.work() as session:
        session.delete(session.scalars(sa.select(Attachment)).first())
    age(toys)
    assert run(toys, sweep_attachments)["removed"] == 0
    assert place.exists()
    with toys.work() as session:
        session.delete(session.scalars(sa.select(Kite)).one())
    assert rows(toys) == []
    assert run(toys, sweep_attachments)["removed"] == 1
    assert not place.exists()


def test_what_a_crash_left_is_swept_and_what_is_young_is_not(toys: Toys, browser: Browser, kite: str) -> None:
    kept = storage(toys)
    kept.keep(kept.take_in(io.BytesIO(b"nobody's"), 99))
    kept.take_in(io.BytesIO(b"half"), 99)
    assert run(toys, sweep_attachments) == {"removed": 0, "abandoned": 0}
    age(toys)
    assert run(toys, sweep_attachments) == {"removed": 1, "abandoned": 1}


def test_what_was_taken_away_long_ago_goes_for_good(toys: Toys, browser: Browser, kite: str) -> None:
    add(browser, kite, ("notes.txt", b"hello"))
    browser.post(f"{kite}/files/{rows(toys)[0].id}/delete")
    run(toys, sweep_attachments)
    assert len(rows(toys)) == 1
    with toys.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE core_attachment SET removed_at = '2020-01-01 00:00:00'")
    age(toys)
    run(toys, sweep_attachments)
    assert rows(toys) == []
    assert list(storage(toys).folder.glob("files/*/*")) == []
