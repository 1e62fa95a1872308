"""A backup made while the site serves is one moment of it, and comes back whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.backup import restoring
from core.backup.archive import BackupError, Reader
from core.backup.making import LEFT_OUT, make_backup, new_backup_path
from core.backup.restoring import restore
from core.backup.upgrading import upgrade
from core.config import Config
from core.database import migrations
from core.database.engine import Database, reading
from core.database.word_index import real_tables
from core.jobs.models import JOBS
from core.jobs.queue import enqueue
from core.mail.models import IN_DOUBT, MAILS
from core.mail.outbox import send_mail
from core.records.attachments.chores import YOUNG
from core.records.attachments.storage import Storage
from core.records.seals.anchor import anchor_file, read_anchor
from core.records.seals.digest import key_ring
from core.records.seals.verifying import verify
from core.site.lifecycle import CORE_FOLDER
from core.site.runtime import Runtime
from core.testing.installation import TestInstallation

# Tables that a restore leaves empty or writes to by itself.
OWN = LEFT_OUT | {"core_audit", "core_audit_seal", "core_job", "core_mail"}
ROOT = Path(__file__).parents[2]

Empty = Callable[..., Config]


def contents(config: Config) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, comparable across databases."""
    database = Database(config)
    try:
        with reading(), database.engine.connect() as connection:
            found = sa.MetaData()
            found.reflect(connection, only=real_tables(sa.inspect(connection).get_table_names()), resolve_fks=False)
            return {
                name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
                for name, table in found.tables.items()
                if not name.startswith("alembic_version_")
            }
    finally:
        database.dispose()


def tables(config: Config) -> list[str]:
    if config.is_sqlite and not config.instance.exists():
        return []
    database = Database(config)
    try:
        with database.autocommit() as connection:
            return sa.inspect(connection).get_table_names()
    finally:
        database.dispose()


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_everything_comes_back_on_either_database(full: TestInstallation, empty: Empty, target: str) -> None:
    path = new_backup_path(full.config)
    before = contents(full.config)
    made = make_backup(full.config, path)

    there = empty(target, full.config)
    restored = restore(there, path)

    assert path.stat().st_mode & 0o777 == 0o600
    after = contents(there)
    assert {name: rows for name, rows in after.items() if name not in OWN} == {
        name: rows for name, rows in before.items() if name not in OWN
    }
    assert (made.attachments, len(restored.manifest.attachments)) == (1, 1)
    (sha256,) = restored.manifest.attachments
    assert Storage(there.attachments).path(sha256).read_bytes() == b"%PDF-1.4 hello"
    assert all(after[name] == [] for name in LEFT_OUT if name not in ("core_process",))
    verified(there)
    next_records(there)


def verified(config: Config) -> None:
    """The audit is what was sealed before the backup, and the restore is the newest row of it."""
    database = Database(config)
    with database.engine.connect() as connection:
        verdict = verify(connection, key_ring([config.secret_key]), read_anchor(anchor_file(config)))
        last = connection.execute(sa.text("SELECT action, record_type FROM core_audit ORDER BY id DESC LIMIT 1")).one()
    database.dispose()
    assert (verdict.problem, verdict.unsealed, verdict.seals) == ("", 0, 2)
    assert tuple(last) == ("restored", "core.backup")


def next_records(config: Config) -> None:
    """New records get numbers that nobody has, and the words of old ones are found."""
    from plugins.contacts.models import Person

    made = TestInstallation(config, Runtime(config))
    with made.acting() as session:
        ids = set(session.scalars(sa.select(Person.id)))
        person = Person(first_name="New", last_name="One")
        session.add(person)
        session.commit()
        assert person.id > max(ids)
    made.close()


def test_the_keys_go_with_it_only_when_asked(full: TestInstallation, empty: Empty, monkeypatch: Any) -> None:
    monkeypatch.delenv("PEYVAND_SECRET_KEY", raising=False)
    plain, complete = new_backup_path(full.config, "plain"), new_backup_path(full.config, "complete")
    make_backup(full.config, plain)
    make_backup(full.config, complete, with_keys=True)
    with zipfile.ZipFile(plain) as archive:
        assert full.config.secret_key not in b"".join(archive.read(name) for name in archive.namelist())

    there = empty("sqlite", full.config, secret_key=b"0123456789abcdef" * 4)
    restore(there, complete)

    assert (there.instance / "secret_key").read_bytes().strip() == full.config.secret_key
    verified(dataclasses.replace(there, secret_key=full.config.secret_key))


def test_a_backup_taken_while_people_write_is_one_moment(full: TestInstallation, empty: Empty) -> None:
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with full.runtime.database.engine.begin() as connection:
                values = {"name": f"pair {number}", "value": number, "at": "2026-01-01 00:00:00"}
                for name in ("a", "b"):
                    row = values | {"name": f"{name} {number}"}
                    connection.execute(
                        sa.text("INSERT INTO core_setting (name, value, changed_at) VALUES (:name, '1', :at)"), row
                    )

    writer = threading.Thread(target=work)
    writer.start()
    try:
        path = new_backup_path(full.config)
        make_backup(full.config, path)
    finally:
        stop.set()
        writer.join()
    there = empty("sqlite", full.config)
    restore(there, path)

    names = [row[0] for row in contents(there)["core_setting"]]
    assert {name[2:] for name in names if name[0] == "a"} == {name[2:] for name in names if name[0] == "b"}


@pytest.mark.parametrize("part", ["tables/core_role.jsonl", "tables/core_plugin.jsonl", "manifest.json"])
def test_a_damaged_file_is_refused_before_anything_is_touched(
    damaged_source: tuple[Path, Config], empty: Empty, part: str, tmp_path: Path
) -> None:
    source, like = damaged_source
    data = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as archive:
        info = archive.getinfo(part)
    # The content begins after the local header, whose last two fields tell the length of name and extra field.
    lengths = data[info.header_offset + 26 : info.header_offset + 30]
    start = info.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    data[start + info.compress_size // 2] ^= 0x10
    path = tmp_path / "damaged.zip"
    path.write_bytes(data)
    there = empty("sqlite", like)

    with pytest.raises(BackupError, match=r"damaged|no backup"):
        restore(there, path)
    assert tables(there) == []


def test_a_file_that_was_cut_off_is_refused(damaged_source: tuple[Path, Config], empty: Empty, tmp_path: Path) -> None:
    source, like = damaged_source
    path = tmp_path / "cut.zip"
    path.write_bytes(source.read_bytes()[:-3000])

    with pytest.raises(BackupError, match="cut off"):
        restore(empty("sqlite", like), path)


@pytest.fixture
def damaged_source(make_site: Any) -> tuple[Path, Config]:
    site = make_site("contacts")
    path = new_backup_path(site.config)
    make_backup(site.config, path)
    return path, site.config


def changed(source: Path, into: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same backup with another manifest."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(into, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                manifest = json.loads(data)
                change(manifest)
                data = json.dumps(manifest).encode()
            new.writestr(name, data)
    return into


def test_a_backup_of_a_newer_version_is_refused(
    damaged_source: tuple[Path, Config], empty: Empty, tmp_path: Path
) -> None:
    source, like = damaged_source

    def newer(manifest: dict[str, Any]) -> None:
        manifest["revisions"]["contacts"] = "contacts_9999"

    there = empty("sqlite", like)
    with pytest.raises(BackupError, match="newer version: its tables of contacts are at contacts_9999"):
        restore(there, changed(source, tmp_path / "newer.zip", newer))
    later = changed(source, tmp_path / "later.zip", lambda manifest: manifest.update(format=99))
    with pytest.raises(BackupError, match="newer version of Peyvand"):
        restore(there, later)
    assert tables(there) == []


def test_a_part_that_would_be_written_elsewhere_is_refused(
    damaged_source: tuple[Path, Config], empty: Empty, tmp_path: Path
) -> None:
    source, like = damaged_source
    path = tmp_path / "evil.zip"
    shutil.copy(source, path)
    name = "instance/../../evil"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        manifest["parts"][name] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        for part in old.namelist():
            new.writestr(part, json.dumps(manifest) if part == "manifest.json" else old.read(part))
        new.writestr(name, "x")

    with pytest.raises(BackupError, match="impossible name"):
        restore(empty("sqlite", like), path)
    assert not list(tmp_path.rglob("evil"))


def test_an_installation_with_data_is_left_as_it_is(full: TestInstallation) -> None:
    path = new_backup_path(full.config)
    make_backup(full.config, path)
    before = contents(full.config)

    with pytest.raises(BackupError, match="has data already"):
        restore(full.config, path)
    assert contents(full.config) == before


def test_a_backup_of_an_older_version_is_brought_up(empty: Empty, make_site: Any, dialect: str) -> None:
    site = make_site(dialect=dialect)
    old = empty(dialect, site.config)
    old.instance.mkdir()
    database = Database(old)
    with migrations.schema_change(database) as connection:
        migrations.upgrade(connection, "core", CORE_FOLDER, "core_0009")
        connection.exec_driver_sql("INSERT INTO core_installation (id, generation, key) VALUES (1, 1, 'old')")
        connection.execute(
            sa.text(
                "INSERT INTO core_audit (at, actor_name, source, address, reason, record_type, action, changes)"
                " VALUES ('2026-01-01 00:00:00', 'Ada', 'web', '', '', 'core.test', 'changed', '{}')"
            )
        )
    database.dispose()
    path = new_backup_path(old)
    make_backup(old, path)

    there = empty(dialect, site.config)
    restore(there, path)

    database = Database(there)
    with database.engine.connect() as connection:
        assert migrations.current_revision(connection, "core") == migrations.check_history("core", CORE_FOLDER)
        assert connection.scalar(sa.text("SELECT actor_name FROM core_audit ORDER BY id LIMIT 1")) == "Ada"
    database.dispose()


def test_what_was_under_way_is_not_done_again(full: TestInstallation, empty: Empty) -> None:
    with full.acting() as session:
        send_mail(session, key="one", address="sara@example.com", subject="Hello", text="Hello")
        enqueue("core.seal_audit")
        session.commit()
    path = new_backup_path(full.config)
    make_backup(full.config, path)
    there = empty("sqlite", full.config)
    restore(there, path)

    database = Database(there)
    with reading(), database.engine.connect() as connection:
        assert set(connection.scalars(sa.select(MAILS.c.state))) == {IN_DOUBT}
        assert "queued" not in set(connection.scalars(sa.select(JOBS.c.status)))
    database.dispose()


def test_a_plugin_that_is_gone_is_named_and_can_be_left_out(
    full: TestInstallation, empty: Empty, tmp_path: Path
) -> None:
    path = new_backup_path(full.config)
    make_backup(full.config, path)

    def gone(manifest: dict[str, Any]) -> None:
        manifest["revisions"]["gone"] = "gone_0001"

    there = empty("sqlite", full.config)
    with pytest.raises(BackupError, match="--without gone"):
        restore(there, changed(path, tmp_path / "gone.zip", gone))
    restore(there, tmp_path / "gone.zip", without=frozenset({"gone"}))
    assert "sales_deal" in tables(there)
    left_out = empty("sqlite", full.config)
    restore(left_out, path, without=frozenset({"sales"}))
    assert "sales_deal" not in tables(left_out)
    assert [row[0] for row in contents(left_out)["core_plugin"]] == ["contacts"]


def test_files_that_are_missing_already_are_named(full: TestInstallation, empty: Empty) -> None:
    storage = Storage(full.config.attachments)
    (sha256,) = storage.kept(-YOUNG)
    storage.path(sha256).write_bytes(b"damaged")
    path = new_backup_path(full.config)

    assert make_backup(full.config, path).missing == (sha256,)
    with Reader(path) as archive:
        archive.check()
        assert archive.manifest.missing == [sha256]


def test_own_plugins_and_words_of_the_installation_come_back(full: TestInstallation, empty: Empty) -> None:
    mine = full.config.instance / "templates" / "nova" / "help.html"
    mine.parent.mkdir(parents=True)
    mine.write_text("ours")
    path = new_backup_path(full.config)
    make_backup(full.config, path)
    there = empty("sqlite", full.config)
    other = there.instance / "templates" / "nova" / "help.html"
    other.parent.mkdir(parents=True)
    other.write_text("another")
    with pytest.raises(BackupError, match="move it away"):
        restore(there, path)
    other.unlink()

    restore(there, path)
    assert other.read_text() == "ours"


CHILD = """
import sys
from core.config import Config
{work}
"""


def child(config: Config, work: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Do something to an installation in a process of its own."""
    environment = {**os.environ, **config.environment()}
    command = [sys.executable, "-c", CHILD.format(work=work), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120, **options
    )


def test_a_full_disk_leaves_no_half_backup(make_site: Any) -> None:
    # On PostgreSQL, whose files are not this process's: the limit is for the backup alone.
    site = make_site("contacts", "sales", dialect="postgresql")
    work = (
        "from core.backup.making import make_backup\nfrom core.errors import PeyvandError\nfrom pathlib import Path\n"
        "try:\n    make_backup(Config.load(), Path(sys.argv[1]))\n"
        "except PeyvandError as error:\n    print(error)\n"
    )
    path = new_backup_path(site.config)

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    done = child(site.config, work, str(path), preexec_fn=small_files)
    assert "cannot be written: File too large" in done.stdout, done.stderr
    assert list(path.parent.iterdir()) == []


def test_a_restore_killed_anywhere_leaves_an_empty_database_and_can_be_repeated(
    full: TestInstallation, empty: Empty, dialect: str
) -> None:
    path = new_backup_path(full.config)
    make_backup(full.config, path)
    there = empty(dialect, full.config)
    for step in ("_place_keys", "_expected", "_compare", "_leave_alone"):
        killed = os.fork()
        if killed == 0:
            setattr(restoring, step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            with contextlib.suppress(BaseException):
                restore(there, path)
            os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(killed, 0)[1])
        assert tables(there) == []
    restore(there, path)
    assert "sales_deal" in tables(there)


def test_an_upgrade_makes_a_backup_first(empty: Empty, make_site: Any) -> None:
    site = make_site()
    old = empty("sqlite", site.config)
    old.instance.mkdir()
    with pytest.raises(BackupError, match="nothing to back up"):
        upgrade(old)
    database = Database(old)
    with migrations.schema_change(database) as connection:
        migrations.upgrade(connection, "core", CORE_FOLDER, "core_0009")
    database.dispose()

    done = upgrade(old)

    with Reader(done.backup) as archive:
        assert archive.manifest.revisions == {"core": "core_0009"}
    database = Database(old)
    with database.autocommit() as connection:
        assert migrations.current_revision(connection, "core") == migrations.check_history("core", CORE_FOLDER)
    database.dispose()
