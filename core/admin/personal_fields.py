"""The personal fields of a record, as its file shows them and as an erasure empties them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext as _

from core.admin.formatters import plain
from core.parts import EMPTIED, Label, PersonalData
from core.records.catalog import current_catalog
from core.records.gate import described
from core.records.record import Record


def personal_fields(
    record: Record, title: Label, *, also: Iterable[str] = (), empty: Callable[[], None] | None = None
) -> PersonalData:
    """What ``record`` itself holds about a person: its fields that are marked as personal, in one row.

    Args:
        record: a record of a type with a screen.
        title: how the part is headed.
        also: further fields that tell of a person although they are not personal by themselves, such as the employer.
        empty: empties them; left out, every one of them is emptied.
    """
    entry = current_catalog().of(type(record)) or described(type(record))
    wanted = {name for name, field in entry.all_fields.items() if field.personal} | set(also)
    fields = [field for name, field in entry.fields.items() if name in wanted]
    return PersonalData(
        name=record.__record_type__,
        title=title,
        columns={field.name: field.label for field in fields},
        rows=[{field.name: plain(field, getattr(record, field.name), record) for field in fields}],
        fate=EMPTIED,
        outcome=_("These fields are emptied."),
        erase=empty or (lambda: empty_fields(record, wanted)),
        records={record.__record_type__: (record.id,)},
        own=record,
    )


def empty_fields(record: Any, names: Iterable[str]) -> None:
    """Empty fields of ``record``; the flush checks rights and writes the history.

    Args:
        record: the record.
        names: its fields; those that must not be empty become an empty text.
    """
    fields = described(type(record)).all_fields
    for name in names:
        field = fields[name]
        if field.kind in ("links", "children"):
            getattr(record, name).clear()
        elif field.kind != "link" and field.column is not None and not field.column.nullable:
            setattr(record, name, "")
        else:
            setattr(record, name, None)
