"""Whoever changes, adds or takes away audit rows behind Peyvand's back is found out."""

import dataclasses
import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from core.accounts.models import now
from core.cli import main
from core.jobs.queue import enqueue
from core.records.audit import Audit, record_act
from core.records.operations.running import operation
from core.records.seals.anchor import anchor_file, read_anchor
from core.records.seals.digest import ROWS, key_ring
from core.records.seals.models import SEALS
from core.records.seals.retention import KEPT_DAYS, REMOVE_OLD_AUDIT, Tampered, remove_old
from core.records.seals.sealing import seal_audit
from core.records.seals.verifying import verify


@pytest.fixture
def place(make_site, dialect):
    """An installation with 30 audit rows under three seals, and two rows that are not sealed."""
    site = make_site(dialect=dialect)
    for count in (10, 12, 8):
        write(site, count)
        assert seal_audit(site.runtime.database, site.config).seals == 1
    write(site, 2)
    return site


def write(site, count):
    with site.acting() as session:
        for number in range(count):
            record_act(session, "core.test", "changed", {"number": (number, number + 1)})
        session.commit()


def look(site, anchor=None, keys=None):
    with site.runtime.database.engine.connect() as connection:
        known = anchor if anchor is not None else read_anchor(anchor_file(site.config))
        return verify(connection, keys or key_ring([site.config.secret_key]), known)


def tamper(site, *statements):
    """Do what only the owner of the database can: take the triggers away first."""
    with site.runtime.database.engine.begin() as connection:
        if site.runtime.database.is_sqlite:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS core_audit_kept_update")
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS core_audit_kept_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE core_audit DISABLE TRIGGER ALL")
        for statement in statements:
            connection.execute(statement)


def ids(site):
    with site.runtime.database.engine.connect() as connection:
        return list(connection.scalars(sa.select(ROWS.c.id).order_by(ROWS.c.id)))


def test_what_nobody_touched_verifies(place):
    verdict = look(place)

    assert (verdict.seals, verdict.rows, verdict.unsealed, verdict.problem) == (3, len(ids(place)) - 2, 2, "")
    assert read_anchor(anchor_file(place.config)).number == 3
    assert anchor_file(place.config).stat().st_mode & 0o777 == 0o600


def test_the_database_refuses_to_change_and_to_remove_rows(place):
    for statement in (sa.update(ROWS).values(reason="other"), sa.delete(ROWS)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), place.runtime.database.engine.begin() as connection:
            connection.execute(statement)
    assert look(place).problem == ""


def test_a_changed_row_is_named(place):
    row = ids(place)[13]
    tamper(place, sa.update(ROWS).where(ROWS.c.id == row).values(changes={"number": [1, 1000]}))

    assert look(place).problem.startswith("Seal 2 ")
    assert look(place).problem.endswith(f"row {row} was changed.")


def test_a_row_that_is_gone_is_named(place):
    before, row, after = ids(place)[12:15]
    tamper(place, sa.delete(ROWS).where(ROWS.c.id == row))

    assert look(place).problem.endswith(f"a row between {before} and {after} missing.")


def test_a_row_that_was_slipped_in_is_named(place):
    row = ids(place)[13]
    with place.runtime.database.engine.connect() as connection:
        values = connection.execute(sa.select(ROWS).where(ROWS.c.id == row)).one()._asdict()
    tamper(
        place,
        sa.delete(ROWS).where(ROWS.c.id == row - 1),
        sa.insert(ROWS).values(values | {"id": -5}),
    )

    assert look(place).problem.startswith("Seal 1 ")
    assert look(place).problem.endswith("row -5 was added.")


def test_rows_cut_off_at_the_end_are_missed_because_of_the_anchor(place):
    end = ids(place)[21]
    tamper(place, sa.delete(SEALS).where(SEALS.c.number == 3), sa.delete(ROWS).where(ROWS.c.id > end))

    assert "the end of the audit was cut off" in look(place).problem


def test_a_history_that_was_cut_off_and_sealed_again_differs_from_the_anchor(place):
    end = ids(place)[21]
    tamper(place, sa.delete(SEALS).where(SEALS.c.number == 3), sa.delete(ROWS).where(ROWS.c.id > end))
    write(place, 8)
    before = read_anchor(anchor_file(place.config))

    assert seal_audit(place.runtime.database, place.config).conflict
    assert read_anchor(anchor_file(place.config)) == before
    assert "Seal 3 is not the one that the anchor names" in look(place).problem


def test_a_seal_that_is_gone_is_named(place):
    tamper(place, sa.delete(SEALS).where(SEALS.c.number == 2))

    assert look(place).problem == "Seals 2 to 2 are missing."


def test_a_seal_made_without_the_key_is_found(place):
    stranger = dataclasses.replace(place.config, secret_key=b"f" * 20 + place.config.secret_key)
    tamper(place, sa.delete(SEALS).where(SEALS.c.number == 3))
    seal_audit(place.runtime.database, stranger)

    assert "another secret key" in look(place).problem
    both = key_ring([place.config.secret_key, stranger.secret_key])
    assert "not the one that the anchor names" in look(place, keys=both).problem


def test_a_writer_that_is_not_done_is_waited_for(make_site):
    site = make_site(dialect="postgresql")
    write(site, 3)
    database = site.runtime.database
    values = {"at": now(), "record_type": "core.test", "action": "late", "changes": {}}
    with database.engine.connect() as slow, slow.begin():
        slow.execute(sa.insert(ROWS).values(values))
        write(site, 3)
        assert seal_audit(database, site.config).busy
    assert seal_audit(database, site.config).rows >= 7
    assert look(site).problem == ""


def test_seals_of_several_writers_leave_no_row_out(place):
    def work():
        for _ in range(15):
            with place.runtime.database.engine.begin() as connection:
                values = {"at": now(), "record_type": "core.test", "action": "many", "changes": {"a": [1, 2]}}
                connection.execute(sa.insert(ROWS), [values] * 3)

    writers = [threading.Thread(target=work) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seal_audit(place.runtime.database, place.config)
    seal_audit(place.runtime.database, place.config)
    verdict = look(place)

    assert (verdict.problem, verdict.unsealed) == ("", 0)
    assert verdict.rows == len(ids(place))


def test_old_rows_go_when_the_setting_says_so_and_the_rest_verifies(place):
    kept = ids(place)[22:]
    with place.acting() as session:
        KEPT_DAYS.write(session, 30)
        session.commit()
    with place.runtime.database.engine.connect() as connection:
        cut = connection.scalar(sa.select(SEALS.c.at).where(SEALS.c.number == 3))

    done = remove_old(place.runtime.database, place.config, cut)

    assert done.removed == 22
    assert ids(place)[: len(kept)] == kept
    verdict = look(place)
    assert (verdict.problem, verdict.removed, verdict.seals) == ("", done.removed, 2)
    write(place, 3)
    seal_audit(place.runtime.database, place.config)
    with place.runtime.database.engine.connect() as connection:
        newest = connection.scalar(sa.select(sa.func.max(SEALS.c.at)))
    remove_old(place.runtime.database, place.config, newest)
    assert look(place).problem == ""
    assert look(place).seals == 2, "an empty mark is taken into the next one"


def test_rows_that_an_undo_needs_stay(make_site, dialect):
    site = make_site(dialect=dialect)
    with site.acting() as session:
        with operation(session, kind="edit", record_type="core.test"):
            record_act(session, "core.test", "changed", {"number": (1, 2)})
        record_act(session, "core.test", "changed", {"number": (2, 3)})
        session.commit()
    seal_audit(site.runtime.database, site.config)
    write(site, 1)
    seal_audit(site.runtime.database, site.config)

    done = remove_old(site.runtime.database, site.config, now() + dt.timedelta(days=1))

    assert done.kept == 1
    assert look(site).problem == ""
    with site.acting() as session:
        (stays,) = session.scalars(sa.select(Audit).where(Audit.operation.is_not(None)))
        assert stays.changes == {"number": [1, 2]}
    tamper(site, sa.update(ROWS).where(ROWS.c.operation.is_not(None)).values(reason="other"))
    assert "rows that were kept" in look(site).problem


def test_what_was_tampered_with_is_not_removed(place):
    row = ids(place)[3]
    tamper(place, sa.update(ROWS).where(ROWS.c.id == row).values(reason="other"))

    with pytest.raises(Tampered, match=f"row {row} was changed"):
        remove_old(place.runtime.database, place.config, now() + dt.timedelta(days=1))
    assert row in ids(place)


def test_the_jobs_of_the_schedule_seal_and_remove(place):
    assert {"core.seal_audit", REMOVE_OLD_AUDIT} <= {schedule.job for schedule in place.site.schedules}
    with place.acting() as session:
        enqueue("core.seal_audit")
        enqueue(REMOVE_OLD_AUDIT)
        session.commit()
    place.run_jobs()

    assert look(place).unsealed == 0
    assert look(place).problem == ""


def test_the_command_tells_and_ends_with_status_1(place, monkeypatch):
    for name, value in place.config.environment().items():
        monkeypatch.setenv(name, value)
    good = CliRunner().invoke(main, ["audit", "verify"])
    assert good.exit_code == 0, good.output
    assert "3 seals over" in good.output
    assert "2 rows are not sealed yet" in good.output
    assert CliRunner().invoke(main, ["audit", "seal"]).output == "2 rows were sealed.\n"

    row = ids(place)[13]
    tamper(place, sa.update(ROWS).where(ROWS.c.id == row).values(reason="other"))
    bad = CliRunner().invoke(main, ["audit", "verify"])
    assert bad.exit_code == 1
    assert "TAMPERED: Seal 2 " in bad.output
    assert f"row {row} was changed." in bad.output
    assert "its triggers are gone" in bad.output
