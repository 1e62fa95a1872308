"""Making one record of two or three: chosen values, all rows and tags, and everything that points to them.

One transaction. The merged-in records keep what is theirs and go to the recycle bin, with a pointer to the one that
stays; so undoing the operation (``core.records.operations``) restores them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.database.base import all_mappers
from core.errors import Blocked
from core.records.archive import archive
from core.records.audit import part_row
from core.records.catalog import current_catalog
from core.records.duplicates.models import Merged
from core.records.operations.models import LABEL_LENGTH, MERGE, Operation
from core.records.operations.restoring import fields_of, typed
from core.records.operations.running import operation
from core.records.policy import require
from core.records.record import Record

MOST = 3  # records merged at once
ALL = "all"  # of rows and links: those of all records
BATCH = 500


def merge(
    session: Session, keep: Record, others: Sequence[Record], choices: Mapping[str, int | str], *, id: str | None = None
) -> Operation:
    """Merge ``others`` into ``keep``; the caller commits.

    Args:
        session: the unit of work.
        keep: the record that stays.
        others: one or two records of the same class.
        choices: field to the id of the record whose value is taken; ``ALL`` for fields of rows and links.
        id: the operation's id, which makes it happen once.

    Raises:
        Forbidden: the actor may not edit the one or delete the others.
        Blocked: they are not of one class, or too many.
        ValidationError: the outcome breaks a rule.
    """
    if not 1 <= len(others) < MOST or any(type(one) is not type(keep) or one is keep for one in others):
        raise Blocked(_("Choose two or three records of one kind."))
    name = keep.__record_type__
    require(f"{name}.edit", keep)
    for other in others:
        require(f"{name}.delete", other)
    label = _("%(names)s into %(name)s", names=", ".join(map(str, others)), name=str(keep))[:LABEL_LENGTH]
    with operation(session, kind=MERGE, record_type=name, label=label, id=id) as op, session.no_autoflush:
        records = {record.id: record for record in (keep, *others)}
        for field_name, choice in choices.items():
            _take(keep, others, field_name, choice, records)
        session.flush()
        for other in others:
            # Whoever may merge two records must not leave a third pointing into the bin, also one that he cannot see.
            with as_system("merge"):
                _move_references(session, other, keep)
            archive(other)
            session.add(Merged(operation=op.id, record_type=name, merged_id=other.id, into_id=keep.id))
        session.flush()
        op.total = op.size = len(records)
    return op


def _take(
    keep: Record, others: Sequence[Record], name: str, choice: int | str, records: Mapping[int, Record]
) -> None:
    field = fields_of(type(keep))[name]
    if field.kind == "links":
        if choice == ALL:
            present = list(getattr(keep, name))
            more = [row for other in others for row in getattr(other, name) if row not in present]
            setattr(keep, name, [*present, *dict.fromkeys(more)])
        elif choice != keep.id:
            setattr(keep, name, list(getattr(records[int(choice)], name)))
    elif field.kind == "children":
        if choice != ALL and choice != keep.id:
            setattr(keep, name, [])
        sources = others if choice == ALL else [] if choice == keep.id else [records[int(choice)]]
        for source in sources:
            _copy_parts(keep, source, name)
    elif choice != keep.id:
        setattr(keep, name, getattr(records[int(choice)], name))


def _copy_parts(keep: Record, source: Record, name: str) -> None:
    """Copies of the source's rows that the record does not have yet; the source keeps its own."""
    present = {str(row) for row in getattr(keep, name)}
    for row in getattr(source, name):
        if str(row) in present:
            continue
        columns = sa.inspect(type(row)).columns
        values = part_row(row)["values"]
        getattr(keep, name).append(type(row)(**{key: typed(columns[key], value) for key, value in values.items()}))


def _move_references(session: Session, other: Record, keep: Record) -> None:
    model = type(other)
    for reference in current_catalog().references(model):
        column = reference.field.column
        if column is None:
            continue
        mapper = sa.inspect(reference.record_type.model)
        key = getattr(reference.record_type.model, mapper.get_property_by_column(column).key)
        for record in _batches(session, reference.record_type.model, key == other.id):
            setattr(record, reference.field.name, keep)
    for entry in current_catalog():
        for field in entry.fields.values():
            target: Any = field.target
            if field.kind == "links" and target is not None and issubclass(model, target):
                marked = getattr(entry.model, field.name).any(target.id == other.id)
                for record in _batches(session, entry.model, marked):
                    rest = [row for row in getattr(record, field.name) if row is not other]
                    setattr(record, field.name, rest if keep in rest else [*rest, keep])
    for about in _about_records():
        criterion = sa.and_(about.record_type == model.__record_type__, about.record_id == other.id)
        for record in _batches(session, about, criterion):
            record.record_id = keep.id


def _about_records() -> list[Any]:
    """Record classes whose rows are about a record of any type, such as activities."""
    return [
        mapper.class_
        for mapper in all_mappers()
        if issubclass(mapper.class_, Record) and {"record_type", "record_id"} <= set(mapper.column_attrs.keys())
    ]


def _batches(session: Session, model: type[Any], criterion: Any) -> Iterator[Any]:
    after = 0
    while True:
        statement = sa.select(model).where(criterion, model.id > after).order_by(model.id).limit(BATCH)
        found = session.scalars(statement.execution_options(include_archived=True)).unique().all()
        yield from found
        session.flush()
        if len(found) < BATCH:
            return
        after = found[-1].id
