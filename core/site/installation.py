"""The first start of an installation, and every start after it, before anything serves."""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from core.accounts.actor import as_system
from core.accounts.users import seed_roles
from core.config import Config
from core.database import migrations
from core.site.lifecycle import CORE_FOLDER, started
from core.site.runtime import Runtime
from core.site.state import Installation

CORE = "core"


def prepare(config: Config) -> list[str]:
    """Bring the database to the installed code and clear up after a crash; sentences for the person at the console."""
    runtime = Runtime(config, kind="command")
    try:
        prepare_core(runtime)
        with started(runtime) as lifecycle, as_system("start", source="command"):
            sentences = lifecycle.recover()
            lifecycle.upgrade_all()
        return sentences
    finally:
        runtime.database.dispose()


def is_prepared(runtime: Runtime) -> bool:
    """Whether the core's tables are there, in whatever version."""
    with runtime.database.autocommit() as connection:
        return sa.inspect(connection).has_table(Installation.__tablename__)


def prepare_core(runtime: Runtime) -> None:
    """The core's own tables, its one row and the built-in roles."""
    with migrations.schema_change(runtime.database) as connection:
        migrations.upgrade(connection, CORE, CORE_FOLDER)
        table = Installation.__table__
        if connection.execute(sa.select(table.c.id)).first() is None:
            connection.execute(sa.insert(table).values(id=1, generation=1, key=secrets.token_hex(8)))  # type: ignore[arg-type]
        with runtime.database.sessions(bind=connection, join_transaction_mode="create_savepoint") as session:
            with as_system("start", source="command"):
                seed_roles(session)
            session.commit()
