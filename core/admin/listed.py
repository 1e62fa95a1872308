"""What lists and boards read of their records where columns say it all: a row of them costs a third of an object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Bundle

from core.records.fields import Field
from core.records.record import Record


class ListedRecord:
    """A record as its list or board reads it: id, name and what is shown of it, called like its fields."""

    id: int
    name: str | None

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values

    def __str__(self) -> str:
        return str(self.name or f"#{self.id}")


class Listed(Bundle[Any]):
    """Columns that SQLAlchemy reads as one :class:`ListedRecord`, called like them."""

    inherit_cache = True

    def create_row_processor(
        self, _query: Any, procs: Sequence[Callable[[Any], Any]], labels: Sequence[str]
    ) -> Callable[[Any], ListedRecord]:
        """What makes a record of a row; called by SQLAlchemy."""

        def listed(row: Any) -> ListedRecord:
            return ListedRecord(dict(zip(labels, [read(row) for read in procs], strict=True)))

        return listed


def listed(statement: sa.Select[Any], model: type[Record], fields: Sequence[Field]) -> sa.Select[Any] | None:
    """``statement``, which selects ``model``, for no more than the cells of ``fields`` need, as :class:`ListedRecord`.

    None where only the objects tell that: their class writes their names, or has others below it whose pages lie
    elsewhere, or a field is none of their columns.
    """
    mapper = sa.inspect(model)
    names = ["id", "name"]
    for field in fields:
        names += [field.name, *(name for name in (field.currency, field.record_id) if name)]
    if model.__str__ is not Record.__str__ or len(mapper.self_and_descendants) > 1:
        return None
    if any(name not in mapper.column_attrs for name in names):
        return None
    columns = [getattr(model, name) for name in dict.fromkeys(names)]
    return statement.with_only_columns(Listed("record", *columns), maintain_column_froms=True)
