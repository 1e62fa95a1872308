"""Tables to which rows are added and never changed: the database itself refuses anything else.

Whoever owns the database can take the triggers away again; they are against mistakes and against statements slipped in
through the program. What the owner does is found by other means (``core.records.seals``).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def make_append_only(connection: Connection, table: str, opening: str) -> None:
    """Have the database refuse updates and deletes of ``table``; for migrations.

    A migration that rebuilds the table on SQLite loses the triggers, and calls this once more.

    Args:
        connection: inside the migration's transaction.
        table: a table with a key ``id``.
        opening: a table with a column ``last_id``; while it has a row, rows up to that id may be deleted.
    """
    written = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    for statement in written(table, opening):
        connection.exec_driver_sql(statement)


def is_append_only(connection: Connection, table: str) -> bool:
    """Whether the triggers are there and on."""
    if connection.dialect.name == "postgresql":
        asked = "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgenabled = 'O'"
        wanted = {f"{table}_kept_rows", f"{table}_kept_whole"}
    else:
        asked = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        wanted = {f"{table}_kept_update", f"{table}_kept_delete"}
    return wanted <= set(connection.scalars(sa.text(asked), {"table": table}))


def _postgresql(table: str, opening: str) -> list[str]:
    return [
        # S608: our own names of tables.
        f"""CREATE OR REPLACE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF EXISTS (SELECT 1 FROM {opening} WHERE last_id >= OLD.id) THEN RETURN OLD; END IF;
            END IF;
            RAISE EXCEPTION '{table} is append-only';
        END $$""",  # noqa: S608
        f"DROP TRIGGER IF EXISTS {table}_kept_rows ON {table}",
        f"DROP TRIGGER IF EXISTS {table}_kept_whole ON {table}",
        f"CREATE TRIGGER {table}_kept_rows BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_keep()",
        f"CREATE TRIGGER {table}_kept_whole BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep()",
    ]


def _sqlite(table: str, opening: str) -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    closed = f"(SELECT 1 FROM {opening} WHERE last_id >= OLD.id)"  # noqa: S608 - our own names
    return [
        f"DROP TRIGGER IF EXISTS {table}_kept_update",
        f"DROP TRIGGER IF EXISTS {table}_kept_delete",
        f"CREATE TRIGGER {table}_kept_update BEFORE UPDATE ON {table} {refuse}",
        f"CREATE TRIGGER {table}_kept_delete BEFORE DELETE ON {table} WHEN NOT EXISTS {closed} {refuse}",
    ]
