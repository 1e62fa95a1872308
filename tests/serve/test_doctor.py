"""The doctor finds what is wrong and says what to do about it."""

import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa

from core.accounts.models import now
from core.config import Config
from core.jobs.models import JOBS
from core.processes import process_id
from core.records.privacy.models import RetentionRule
from core.records.seals.digest import ROWS
from core.records.seals.sealing import seal_audit
from core.serve import doctor
from core.site.state import PluginState, Process, bump_generation


def _bad(config):
    return {finding.subject: finding.sentence for finding in doctor.examine(config) if not finding.good}


@pytest.fixture
def healthy(make_site):
    """An installation with an administrator and, as far as the database tells, all its processes."""
    site = make_site()
    site.user("administrator")
    site.config.instance.chmod(0o700)
    _beat(site)
    return site


def _beat(site, **values):
    with site.runtime.database.engine.begin() as connection:
        connection.execute(sa.delete(Process))
        for kind in ("web", "worker", "scheduler"):
            row = {"id": process_id() if kind == "web" else f"elsewhere:{kind}:1", "kind": kind, "started_at": now()}
            row |= {"seen_at": now(), "generation": site.site.generation, "mapped": [], "observed": {}, **values}
            connection.execute(sa.insert(Process).values(row))


def test_a_healthy_installation_has_only_good_findings(healthy):
    findings = doctor.examine(healthy.config)

    assert [finding for finding in findings if not finding.good] == []
    assert {"database", "Redis", "disk", "queue", "administrator", "plugins"} <= {f.subject for f in findings}


def test_a_new_instance_is_told_to_be_initialised(tmp_path, redis_server):
    config = Config.load({"PEYVAND_INSTANCE": str(tmp_path / "new"), "PEYVAND_REDIS_URL": redis_server.url})

    assert _bad(config)["database"].endswith("peyvand init")
    assert not (tmp_path / "new" / "peyvand.db").exists()


def test_a_database_that_is_away_is_named_without_its_password(healthy):
    away = dataclasses.replace(healthy.config, database_url="postgresql+psycopg://crm:secret1@127.0.0.1:1/crm")

    sentence = _bad(away)["database"]

    assert "PEYVAND_DATABASE_URL" in sentence
    assert "secret1" not in sentence


def test_tables_behind_the_code_are_told(healthy):
    with healthy.runtime.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version_core SET version_num = 'core_0000'"))

    assert "core_0000" in _bad(healthy.config)["database"]


def test_a_redis_that_is_away_is_told(healthy, tmp_path):
    away = dataclasses.replace(healthy.config, redis_url=f"unix://{tmp_path}/nobody.sock")

    assert "PEYVAND_REDIS_URL" in _bad(away)["Redis"]


def test_files_open_to_others_are_told(healthy):
    key = healthy.config.instance / "secret_key"
    key.write_text("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
    key.chmod(0o644)
    healthy.config.instance.chmod(0o755)

    bad = _bad(healthy.config)

    assert f"chmod 600 {key}" in bad["secret key"]
    assert "chmod 700" in bad["instance folder"]


def test_a_full_disk_is_told(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "ROOM", 2**62)

    assert "make room" in _bad(healthy.config)["disk"]


def test_an_installation_that_is_not_running_is_told(healthy):
    with healthy.runtime.database.engine.begin() as connection:
        connection.execute(sa.delete(Process))

    assert _bad(healthy.config) == {"processes": "None is running; start them with: peyvand serve"}


def test_a_process_that_was_not_heard_of_counts_as_dead(healthy):
    _beat(healthy, seen_at=now() - dt.timedelta(minutes=10))

    assert set(_bad(healthy.config)) == {"worker process", "scheduler process"}


def test_a_process_on_an_older_generation_is_told(healthy):
    with healthy.runtime.database.engine.begin() as connection:
        bump_generation(connection)

    assert "restart it" in _bad(healthy.config)["web process"]


def test_jobs_that_wait_too_long_are_told(healthy):
    row = {"id": "1", "name": "core.deliver_events", "plugin": "core", "queue": "system", "arguments": {}}
    row |= {"created_at": now() - dt.timedelta(hours=1), "status": "queued"}
    with healthy.runtime.database.engine.begin() as connection:
        connection.execute(sa.insert(JOBS).values(row))

    assert _bad(healthy.config)["queue"].startswith("1 jobs wait")


def test_an_installation_without_administrator_is_told(make_site):
    site = make_site()

    assert "peyvand init" in _bad(site.config)["administrator"]


def test_a_plugin_that_does_not_run_is_told(healthy):
    with healthy.runtime.database.engine.begin() as connection:
        connection.execute(sa.insert(PluginState).values(name="gone", state="enabled", version="1.0.0"))

    assert "peyvand plugin disable gone" in _bad(healthy.config)["plugin gone"]


def test_safe_mode_is_told(healthy):
    assert "PEYVAND_SAFE" in _bad(dataclasses.replace(healthy.config, safe=True))["plugins"]


def _act(site, record_type, action, at):
    with site.runtime.database.engine.begin() as connection:
        row = {"at": at, "record_type": record_type, "action": action, "changes": {}}
        connection.execute(sa.insert(ROWS).values(row))


def test_rows_that_nobody_seals_are_told(healthy):
    _act(healthy, "core.test", "changed", now() - dt.timedelta(hours=1))

    assert "peyvand audit seal" in _bad(healthy.config)["audit"]


def test_an_audit_that_was_cut_off_or_unlocked_is_told(healthy):
    seal_audit(healthy.runtime.database, healthy.config)
    with healthy.runtime.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM core_audit_seal")
    assert "peyvand audit verify" in _bad(healthy.config)["audit"]

    with healthy.runtime.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER core_audit_kept_update")
    assert "no longer refuses" in _bad(healthy.config)["audit"]


def test_an_old_backup_and_none_at_all_are_told(healthy):
    _act(healthy, "core.test", "changed", now() - dt.timedelta(days=30))
    seal_audit(healthy.runtime.database, healthy.config)
    assert _bad(healthy.config)["backup"].startswith("None was ever made. Make one with: peyvand backup")

    _act(healthy, "core.backup", "made", now() - dt.timedelta(days=20))
    assert "The last one was made on" in _bad(healthy.config)["backup"]

    _act(healthy, "core.backup", "made", now())
    assert "backup" not in _bad(healthy.config)


def test_a_clock_behind_what_is_stored_is_told(healthy):
    _act(healthy, "core.test", "changed", now() + dt.timedelta(hours=3))

    assert "NTP" in _bad(healthy.config)["clock"]


@pytest.mark.parametrize(
    ("settings", "subject", "advice"),
    [
        ({"public_url": "http://crm.example.com"}, "address", "PEYVAND_PUBLIC_URL"),
        ({"public_url": "https://crm.example.com"}, "proxies", "PEYVAND_TRUSTED_PROXIES"),
        ({"redis_url": "redis://127.0.0.1:1/0"}, "Redis access", "PEYVAND_REDIS_URL"),
    ],
)
def test_what_is_open_to_others_is_told(healthy, settings, subject, advice):
    assert advice in _bad(dataclasses.replace(healthy.config, **settings))[subject]


@pytest.mark.parametrize(
    "settings",
    [
        {"public_url": "https://crm.example.com", "trusted_proxies": 1},
        {"public_url": "http://localhost:8000"},
        {"redis_url": "redis://:secret1@127.0.0.1:1/0"},
    ],
)
def test_what_is_closed_is_no_fault(healthy, settings):
    findings = doctor.examine(dataclasses.replace(healthy.config, **settings))

    assert not {"address", "proxies", "Redis access"} & {found.subject for found in findings if not found.good}
    assert "secret1" not in str(findings)


def test_jobs_that_failed_and_rules_that_do_not_run_are_told(healthy):
    row = {"id": "1", "name": "core.deliver_events", "plugin": "core", "queue": "system", "arguments": {}}
    row |= {"created_at": now(), "finished_at": now() - dt.timedelta(days=1), "status": "failed"}
    rule = {"name": "Old ones", "record_type": "contacts.person", "condition": {}, "way": "erase", "problem": "owner"}
    with healthy.runtime.database.engine.begin() as connection:
        connection.execute(sa.insert(JOBS).values(row))
        connection.execute(sa.insert(RetentionRule.__table__).values(active=True, **rule))

    bad = _bad(healthy.config)

    assert bad["failed jobs"].startswith("1 failed within a week")
    assert "Rules of retention" in bad["rule “Old ones”"]
