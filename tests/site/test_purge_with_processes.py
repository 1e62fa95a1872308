"""A purge waits until no process has the plugin's tables mapped; processes that have make room by themselves."""

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.site.state import Process
from core.testing.installation import Installations
from core.testing.serving import ServedInstallation


@pytest.mark.timeout(180)
def test_processes_that_mapped_the_tables_are_replaced_before_they_are_dropped(
    tmp_path: Path, installations: Installations
) -> None:
    installations.database("sqlite", ("contacts", "sales"), tmp_path / "instance")
    with ServedInstallation(tmp_path / "instance") as served:
        client = served.client()
        client.get("/sales/deal/board")
        assert client.status == 200
        deadline = time.monotonic() + 60  # worker and scheduler may still be starting on a busy machine
        while len(before := set(served.generations())) < 4 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(before) == 4
        for action in ("disable", "uninstall", "purge"):
            served.change(action, "sales")
            client.get("/contacts/person/")
            assert client.status == 200, action
        table = Process.__table__
        with served.runtime.database.autocommit() as connection:
            mapped = {row.id: row.mapped for row in connection.execute(sa.select(table))}
            names = sa.inspect(connection).get_table_names()
        alive = {name.split()[1] for name in served.generations()}
        assert all("sales" not in mapped[name] for name in alive)
        assert not [name for name in names if name.startswith("sales_")]
        assert set(served.generations()) & before == set()
        served.change("enable", "sales")
        client.get("/sales/deal/board")
        assert client.status == 200
