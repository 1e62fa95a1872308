"""Heartbeats tell who is alive, and those of the dead do not pile up."""

from collections.abc import Callable

import sqlalchemy as sa

from core.accounts.models import now
from core.processes import process_id
from core.site.state import Process
from core.testing.installation import TestInstallation


def test_a_new_process_forgets_those_that_ended_without_a_word(make_site: Callable[..., TestInstallation]) -> None:
    runtime = make_site().runtime
    table, host = Process.__table__, process_id().rsplit(":", 2)[0]
    with runtime.database.engine.begin() as connection:
        for name in (f"{host}:999999999:1", "elsewhere:12:1"):
            connection.execute(
                sa.insert(table).values(id=name, kind="web", started_at=now(), seen_at=now(), mapped=[], observed={})
            )
    runtime.heartbeat()
    with runtime.database.autocommit() as connection:
        names = set(connection.scalars(sa.select(table.c.id)))
    assert names == {process_id(), "elsewhere:12:1"}
    runtime.sign_off()
    with runtime.database.autocommit() as connection:
        assert process_id() not in set(connection.scalars(sa.select(table.c.id)))
