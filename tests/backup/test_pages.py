"""Backups in the browser, every day, and everything as open files."""

from __future__ import annotations

import datetime as dt
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.backup.archive import BackupError
from core.backup.exporting import export_all
from core.backup.keeping import DAILY_BACKUP, KEPT, MADE_DAILY, backup_files
from core.backup.making import backup_folder
from core.cli import main
from core.jobs.queue import enqueue
from core.records.audit import Audit
from core.testing.installation import TestInstallation


@pytest.fixture
def site(make_site: Any) -> TestInstallation:
    return make_site("contacts")


def acts(site: TestInstallation) -> list[str]:
    with site.acting() as session:
        about = sa.select(Audit.action).where(Audit.record_type == "core.backup").order_by(Audit.id)
        return list(session.scalars(about))


def test_one_is_made_by_a_job_downloaded_and_removed_and_all_of_it_is_audited(site: TestInstallation) -> None:
    browser = site.browser("administrator")
    assert "No backup yet" in browser.get("/admin/backups/").get_data(as_text=True)

    assert browser.post("/admin/backups/").status_code == 303
    browser.post("/admin/backups/")
    assert "A backup is being made" in browser.get("/admin/backups/").get_data(as_text=True)
    site.run_jobs()

    (file,) = backup_files(site.config)
    assert file.name in browser.get("/admin/backups/").get_data(as_text=True)
    assert browser.get("/admin/backups/progress").headers["HX-Refresh"] == "true"
    answer = browser.post(f"/admin/backups/{file.name}/download")
    assert answer.status_code == 200
    assert len(answer.data) == file.size
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.close()
    assert browser.post(f"/admin/backups/{file.name}/remove").status_code == 303
    assert backup_files(site.config) == []
    assert acts(site) == ["made", "downloaded", "deleted"]


def test_nobody_else_finds_them_and_no_name_leads_elsewhere(site: TestInstallation) -> None:
    folder = backup_folder(site.config)
    folder.mkdir()
    (folder / "peyvand-20260101-000000.zip").write_bytes(b"x")
    (site.config.instance / "secret").write_text("secret")
    user = site.browser("user")
    for method, path in (("get", ""), ("post", ""), ("post", "peyvand-20260101-000000.zip/download")):
        assert getattr(user, method)(f"/admin/backups/{path}").status_code == 404

    browser = site.browser("administrator")
    for name in ("secret", "..%2fsecret", "peyvand-20260101-000000.zip.x", "peyvand-1.zip"):
        assert browser.post(f"/admin/backups/{name}/download").status_code == 404
    assert browser.get("/admin/backups/peyvand-20260101-000000.zip/download").status_code == 405


def test_one_is_made_every_day_and_the_last_ones_are_kept(site: TestInstallation) -> None:
    browser = site.browser("administrator")
    assert browser.post("/admin/backups/settings", data={"daily": "1", "kept": "0"}).status_code == 422
    assert browser.post("/admin/backups/settings", data={"daily": "1", "kept": "۲"}).status_code == 303
    with site.acting() as session:
        assert (MADE_DAILY.read(session), KEPT.read(session)) == (1, 2)
    folder = backup_folder(site.config)
    folder.mkdir()
    for name in ("20260101-000000-daily", "20260102-000000-daily", "20260103-000000"):
        (folder / f"peyvand-{name}.zip").write_bytes(b"x")
    draft = folder / ".peyvand-20260101-000000.zip.abc"
    draft.write_bytes(b"x")
    long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()
    os.utime(draft, (long_ago, long_ago))

    with site.acting() as session:
        enqueue(DAILY_BACKUP)
        session.commit()
    site.run_jobs()

    names = [file.name for file in backup_files(site.config)]
    assert len(names) == 3
    assert names[0].endswith("-daily.zip")
    assert names[1:] == ["peyvand-20260103-000000.zip", "peyvand-20260102-000000-daily.zip"]
    assert not draft.exists()


def test_without_the_setting_none_is_made(site: TestInstallation) -> None:
    with site.acting() as session:
        enqueue(DAILY_BACKUP)
        session.commit()
    site.run_jobs()

    assert backup_files(site.config) == []


def test_everything_is_written_as_open_files(full: TestInstallation, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with full.acting() as session:
        counts = export_all(full.config, session, full.site.catalog, folder)

    people = [json.loads(line) for line in (folder / "records/contacts.person.jsonl").read_text().splitlines()]
    assert counts["records/contacts.person.jsonl"] == len(people) == 30
    assert people[0]["first_name"] == "نام 0"
    assert people[0]["company"]["name"] == "Karimi & Sons"
    (note,) = (folder / "notes.jsonl").read_text().splitlines()
    assert json.loads(note)["record_id"] == people[0]["id"]
    assert [path.read_bytes() for path in folder.rglob("offer.pdf")] == [b"%PDF-1.4 hello"]
    assert "contacts.person: People" in (folder / "README.txt").read_text()
    assert "password" not in (folder / "users.jsonl").read_text()
    with pytest.raises(BackupError, match="name a new folder"), full.acting() as session:
        export_all(full.config, session, full.site.catalog, folder)


def test_the_commands_of_the_documentation_walk_from_one_installation_to_another(
    site: TestInstallation, tmp_path: Path, monkeypatch: Any
) -> None:
    def peyvand(*words: str) -> str:
        done = CliRunner().invoke(main, list(words))
        assert done.exit_code == 0, done.output
        return done.output

    for name, value in site.config.environment().items():
        monkeypatch.setenv(name, value)
    copy = tmp_path / "peyvand-copy.zip"
    assert "0 attached files" in peyvand("backup", "--with-keys", "--to", str(copy))
    assert zipfile.is_zipfile(copy)
    assert "README.txt" in peyvand("export-all", str(tmp_path / "open"))
    assert "A backup from before" in peyvand("upgrade")
    assert acts(site) == ["made", "exported", "made"]

    monkeypatch.setenv("PEYVAND_INSTANCE", str(tmp_path / "trial"))
    monkeypatch.delenv("PEYVAND_DATABASE_URL")
    monkeypatch.delenv("PEYVAND_SECRET_KEY")
    told = peyvand("restore", str(copy))
    assert "Restored the backup of" in told
    assert str(tmp_path / "trial" / "secret_key") in told
    assert "agree" in peyvand("audit", "verify")
    refused = CliRunner().invoke(main, ["restore", str(copy)])
    assert refused.exit_code == 1
    assert "has data already" in refused.output
