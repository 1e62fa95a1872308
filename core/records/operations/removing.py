"""Removing records for good, many in a few statements, with all that is theirs and nothing that is others'.

    its own       parts, its links to many, rows of plugins that the database removes with it
    a reference   a record that points to it, a record of another that is marked with it, a note somebody else wrote

What is referred to is not removed. The statements go past the session, so what the gate asks is asked here first:
the right to delete each record and the ``before_delete`` hooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.database.base import METADATA, all_mappers
from core.database.bulk import among, insert_all
from core.records.attachments.models import Attachment
from core.records.audit import Audit, audit_row
from core.records.belongings import forget_belongings
from core.records.catalog import current_catalog
from core.records.events import alike
from core.records.followers import Follower
from core.records.note import Note
from core.records.policy import current_hooks, require
from core.records.privacy.models import Hold
from core.records.record import Part, Record

# Tables that tell of records and go on telling of them when they are gone.
LOGS = frozenset(
    {"core_audit", "core_event", "core_operation", "core_operation_problem", "core_import", "core_duplicate",
     "core_merge", "core_notification", "core_submission", "core_erased"}
)  # fmt: skip


def remove_records(session: Session, records: Sequence[Record], *, operation: str | None) -> dict[int, str]:
    """Remove records of one class for good, unless something refers to them.

    Args:
        session: the unit of work, in whose transaction it happens.
        records: records of one class, held by the session.
        operation: what was noted on the records as part of this operation is theirs.

    Returns:
        The ids of those that were not removed, with the reason.

    Raises:
        Forbidden: the actor may not delete one of them.
        Blocked: a plugin refuses.
    """
    if not records:
        return {}
    session.flush()
    model = type(records[0])
    hooks = current_hooks()
    for record in records:
        require(f"{model.__record_type__}.delete", record)
        hooks.veto("before_delete", record=record)
    kept = referred(session, model, [record.id for record in records], operation=operation)
    gone = [record for record in records if record.id not in kept]
    ids = [record.id for record in gone]
    connection, dialect = session.connection(), session.connection().dialect
    if ids:
        for column in _own(connection, model):
            connection.execute(sa.delete(column.table).where(among(column, ids, dialect)))
        forget_belongings(session, model.__record_type__, ids)
        table = sa.inspect(model).local_table
        connection.execute(sa.delete(table).where(among(table.c.id, ids, dialect)))
    for record in gone:
        session.expunge(record)
    _tell(session, model.__record_type__, ids)
    return kept


def referred(session: Session, model: type[Record], ids: Sequence[int], *, operation: str | None) -> dict[int, str]:
    """Which of the records something refers to, with a sentence that says what."""
    kept: dict[int, str] = {}
    connection = session.connection()
    dialect = connection.dialect
    statements = [
        (sa.select(column).where(among(column, ids, dialect)), label)
        for column, label in [*_references(connection, model), *_unmapped(connection, model)]
    ]
    statements += [(_told(table, model, ids, operation, dialect), label) for table, label in _about(connection)]
    for statement, label in statements:
        for number in connection.execute(statement.distinct()).scalars():
            kept.setdefault(number, _("It is referred to by: %(what)s", what=label))
    return kept


def _told(
    table: sa.Table, model: type[Record], ids: Sequence[int], operation: str | None, dialect: sa.Dialect
) -> sa.Select[Any]:
    statement = sa.select(table.c.record_id).where(
        table.c.record_type == model.__record_type__, among(table.c.record_id, ids, dialect)
    )
    return statement.where(table.c.operation.is_distinct_from(operation)) if "operation" in table.c else statement


def _tables(connection: sa.Connection) -> list[sa.Table]:
    """The mapped tables that are there: a plugin whose data was deleted stays mapped until the process ends."""
    there = set(sa.inspect(connection).get_table_names())
    return [table for name, table in METADATA.tables.items() if name in there]


def _keys(connection: sa.Connection, model: type[Record]) -> Iterator[tuple[sa.Column[Any], bool]]:
    """The foreign keys of all tables to the table of ``model``, and whether the row belongs to the record."""
    target = sa.inspect(model).local_table
    mappers = all_mappers()
    classes = {mapper.local_table: mapper.class_ for mapper in mappers if not mapper.inherits}
    associations = {prop.secondary for mapper in mappers for prop in mapper.relationships if prop.secondary is not None}
    own = {prop.secondary for prop in sa.inspect(model).relationships}
    for table in _tables(connection):
        for column in table.columns:
            keys = [key for key in column.foreign_keys if key.column.table is target]
            if not keys:
                continue
            mapped = classes.get(table)
            if table in associations:
                # An association that is no field of this record marks another record with this one.
                yield column, table in own
            elif mapped is not None and issubclass(mapped, Record):
                yield column, False
            else:
                part = mapped is not None and issubclass(mapped, Part)
                yield column, part or any(key.ondelete == "CASCADE" for key in keys)


def _own(connection: sa.Connection, model: type[Record]) -> list[sa.Column[Any]]:
    return [column for column, own in _keys(connection, model) if own]


def _references(connection: sa.Connection, model: type[Record]) -> list[tuple[Any, str]]:
    return [(column, _title(column.table.name)) for column, own in _keys(connection, model) if not own]


def _unmapped(connection: sa.Connection, model: type[Record]) -> list[tuple[Any, str]]:
    """References from tables of plugins that are off: their classes are not there, but their rows are."""
    inspector = sa.inspect(connection)
    found: list[tuple[Any, str]] = []
    for name in inspector.get_table_names():
        if name in METADATA.tables:
            continue
        for key in inspector.get_foreign_keys(name):
            if key["referred_table"] == sa.inspect(model).local_table.name and len(key["constrained_columns"]) == 1:
                column: sa.ColumnClause[Any] = sa.column(key["constrained_columns"][0], sa.BigInteger)
                found.append((sa.table(name, column).c[column.name], name))
    return found


def _about(connection: sa.Connection) -> list[tuple[sa.Table, str]]:
    """Tables whose rows are about records of any type, such as notes."""
    return [
        (table, _title(table.name))
        for table in _tables(connection)
        if "record_type" in table.c and "record_id" in table.c and table.name not in LOGS | {Follower.__tablename__}
    ]


def _title(table: str) -> str:
    """What the rows of a table are called."""
    if table == Note.__tablename__:
        return _("Notes")
    if table == Attachment.__tablename__:
        return _("Files")
    if table == Hold.__tablename__:
        return _("Hold")
    for entry in current_catalog():
        if sa.inspect(entry.model).local_table.name == table:
            return str(entry.plural)
    return table.partition("_")[2].replace("_", " ")


def _tell(session: Session, record_type: str, ids: Sequence[int]) -> None:
    """Audit rows and events, as the gate writes them for one record."""
    if not ids:
        return
    told = audit_row(record_type, None, "purged", {})
    names = [name for name in told if name != "record_id"]
    fixed = [told[name] for name in names]
    facts = ((number, ()) for number in ids)
    audit: Any = Audit.__table__
    history = (audit, [*names, "record_id"], ([*fixed, number] for number in ids))
    insert_all(session.connection(), (history, alike(session, f"{record_type}.purged", record_type, facts)))
