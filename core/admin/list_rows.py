"""The rows of a list: values as HTML, and what is the same in every row rendered once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from core.admin.formatters import record_link, shown
from core.records.fields import Field

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_MARK = re.compile("-id-|-name-|-value-")
NOTHING = Markup()


@dataclass(frozen=True)
class Row:
    """A record as the table shows it: its values as HTML, in the order of the columns."""

    id: int
    name: str
    cells: Sequence[Markup]

    def fill(self, pattern: Markup, value: Markup = NOTHING) -> Markup:
        """``pattern`` with what differs from row to row: ``-id-``, ``-name-`` and ``-value-``."""
        words = {"-id-": str(self.id), "-name-": str(escape(self.name)), "-value-": str(value)}
        # In one go, so that a name which looks like a mark stays a name.
        return Markup(_MARK.sub(lambda mark: words[mark[0]], str(escape(pattern))))  # noqa: S704 - parts are escaped


def rows_of(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> list[Row]:
    """The records of a page as rows with the named columns."""
    value = cell_values(view, records, names)
    return [Row(record.id, str(record), [value(record, name) for name in names]) for record in records]


def cell_values(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> Callable[[Any, str], Markup]:
    """The function that gives the cell of a record and a column; computed columns are loaded once for all records."""
    loaded: dict[str, Mapping[int, Any]] = {
        name: column.load(records) for name, column in view.computed.items() if name in names and records
    }
    main = names[0] if names else ""

    def value(record: Any, name: str) -> Markup:
        if name in loaded:
            cell = shown(Field(name=name, label="", kind=view.computed[name].kind), loaded[name].get(record.id), record)
        else:
            field = view.record_type.field(name)
            cell = shown(field, getattr(record, name), record)
        if name != main or "<a " in cell:
            return cell
        text = cell.striptags() or escape(str(record))
        return record_link(record, text, avatar=True)

    return value


def label_of(view: RecordView, name: str) -> Any:
    """The heading of a column."""
    computed = view.computed.get(name)
    return computed.label if computed else view.record_type.field(name).label


def address(path: str, arguments: Mapping[str, Any]) -> str:
    """``path`` with ``arguments``; much cheaper than building the address from its endpoint again."""
    return f"{path}?{urlencode(arguments)}" if arguments else path
