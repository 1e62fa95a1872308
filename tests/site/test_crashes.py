"""kill -9 at every statement of an installation and of a purge: afterwards it is all there or not at all.

The child is forked and counts the statements it sends; before the n-th it kills itself. Every n is tried. Looks at the
schema, two thirds of a purge's statements, are not counted: between two of them nothing is written.
"""

import os
import re
import signal
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.accounts.actor import as_system
from core.site.lifecycle import Lifecycle, started
from core.site.runtime import Runtime
from core.site.state import wanted_states
from core.testing.installation import Installations, TestInstallation

HERE = Path(__file__).parent
SURVIVED = 0
SCHEMA = re.compile(r"pg_catalog\.|\bpg_type\b|sqlite_master|PRAGMA (main|temp)\.")


def killed_at(installation: TestInstallation, statement: int, action: str) -> bool:
    """Do ``action`` to the plugin in a child that dies before its n-th statement; whether it did."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            runtime = Runtime(installation.config)
            runtime.current_site()
            left = statement

            @sa.event.listens_for(runtime.database.engine, "before_cursor_execute")
            def count(_connection: object, _cursor: object, sent: str, *_: object) -> None:
                nonlocal left
                left -= not SCHEMA.search(sent)
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            with started(runtime) as lifecycle, as_system("test"):
                lifecycle.apply(action, "parcels")
            status = SURVIVED
        finally:
            os._exit(status)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == SURVIVED, "the operation failed instead of being killed"
    return os.WIFSIGNALED(status)


def statements(installation: TestInstallation, action: str) -> int:
    """How many statements the whole operation takes."""
    count = 0

    def more(_connection: object, _cursor: object, sent: str, *_: object) -> None:
        nonlocal count
        count += not SCHEMA.search(sent)

    sa.event.listen(installation.runtime.database.engine, "before_cursor_execute", more)
    installation.change(action, "parcels")
    sa.event.remove(installation.runtime.database.engine, "before_cursor_execute", more)
    return count


def look(installation: TestInstallation) -> tuple[str | None, bool]:
    """The plugin's state and whether it has tables."""
    with installation.runtime.database.autocommit() as connection:
        row = wanted_states(connection).get("parcels")
        names = sa.inspect(connection).get_table_names()
    return (row.state if row else None, "parcels_parcel" in names)


@pytest.fixture
def parcels(installations: Installations, dialect: str) -> TestInstallation:
    """An installation with a small plugin in its own folder, not installed yet."""
    made = installations.make(dialect, (), (HERE / "parcels",))
    yield made
    installations.remove(made)


@pytest.mark.timeout(400)
def test_an_installation_killed_anywhere_is_whole_or_absent(
    installations: Installations, parcels: TestInstallation
) -> None:
    nothing = installations.keep(parcels)
    total = statements(parcels, "enable")
    for statement in range(1, total + 1):
        installations.put_back(parcels, nothing)
        killed_at(parcels, statement, "enable")
        with parcels.lifecycle() as lifecycle, as_system("test"):
            lifecycle.recover()
        state, tables = look(parcels)
        assert (state in ("disabled", "enabled")) == tables, f"half an installation after statement {statement}"
        assert state != "installing"
        parcels.change("enable", "parcels")
        assert look(parcels) == ("enabled", True)


@pytest.mark.timeout(400)
def test_a_purge_killed_anywhere_is_done_or_undone(installations: Installations, parcels: TestInstallation) -> None:
    for action in ("enable", "disable", "uninstall"):
        parcels.change(action, "parcels")
    removed = installations.keep(parcels)
    total = statements(parcels, "purge")
    for statement in range(1, total + 1):
        installations.put_back(parcels, removed)
        killed_at(parcels, statement, "purge")
        with parcels.lifecycle() as lifecycle, as_system("test"):
            lifecycle.recover()
        assert look(parcels) in ((None, False), ("removed", True)), f"half a purge after statement {statement}"
        if look(parcels)[0] == "removed":
            parcels.change("purge", "parcels")
        assert look(parcels) == (None, False)


def test_what_a_dead_process_announced_is_taken_back_with_a_sentence(parcels: TestInstallation) -> None:
    child = os.fork()
    if child == 0:
        runtime = Runtime(parcels.config)
        with runtime.database.engine.begin() as connection:
            Lifecycle(runtime)._announce(connection, "parcels", "installing", None)
        os._exit(0)
    os.waitpid(child, 0)
    assert look(parcels)[0] == "installing"
    with parcels.lifecycle() as lifecycle, as_system("test"):
        (sentence,) = lifecycle.recover()
    assert "Nothing was changed; you can try again." in sentence
    assert look(parcels) == (None, False)
