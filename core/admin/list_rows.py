"""The rows of a list: values as HTML, and what is the same in every row rendered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from core.admin.formatters import drawn_values, leading_link, record_folder, record_url
from core.admin.listed import ListedRecord
from core.admin.patterns import Pattern, plain_html
from core.records.fields import Field

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


@dataclass(frozen=True)
class Row:
    """A record as the table shows it: its values as HTML, in the order of the columns."""

    id: int
    name: str
    cells: Sequence[Markup]


def cell_mark(number: int) -> Markup:
    """What stands for the cell of column ``number`` in a pattern."""
    return Markup(f"-cell-{number}-")  # noqa: S704 - a number


def filled(pattern: Markup, rows: Sequence[Row]) -> Markup:
    """``pattern``, the HTML of one row, once for each of ``rows``, with what differs between them put in.

    ``-id-`` and ``-name-`` stand for the record's, ``cell_mark()`` for a value.
    """
    if not rows:
        return Markup()
    places = {"-id-": 0, "-name-": 1} | {str(cell_mark(number)): number + 2 for number in range(len(rows[0].cells))}
    row_html = Pattern(str(escape(pattern)), places)
    drawn = [row_html.filled((str(row.id), plain_html(row.name), *map(plain_html, row.cells))) for row in rows]
    return Markup("".join(drawn))  # noqa: S704 - every part is escaped


def rows_of(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> list[Row]:
    """The records of a page as rows with the named columns."""
    if not records:
        return []
    columns = columns_of(view, records, names)
    return [Row(record.id, str(record), cells) for record, *cells in zip(records, *columns, strict=True)]


def columns_of(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> list[list[Markup]]:
    """The cells of some records, column by column; what is computed is loaded once for all records.

    The first column leads to the record.
    """
    together = view.query.beside(view.session, names)
    found = together.read(view.session, [record.id for record in records]) if together else {}
    columns = []
    for name in names:
        computed = view.computed.get(name)
        if computed is not None:
            loaded = found[name] if name in found else computed.load(records)
            field = Field(name=name, label="", kind=computed.kind)
            values = [loaded.get(record.id) for record in records]
        elif name in found:
            links = found[name]
            columns.append([_side_by_side(links.get(record.id, ())) for record in records])
            continue
        else:
            field = view.record_type.field(name)
            values = [getattr(record, name) for record in records]
        columns.append(drawn_values(field, values, records))
    if columns:
        columns[0] = _leading(view, records, columns[0])
    return columns


def _side_by_side(links: Sequence[Markup]) -> Markup:
    return links[0] if len(links) == 1 else Markup(" ").join(links)


def _leading(view: RecordView, records: Sequence[Any], cells: Sequence[Markup]) -> list[Markup]:
    """The first cells of some rows, which lead to the records; a phone or an address leads where it does by itself."""
    folder = record_folder(view.model) if isinstance(records[0], ListedRecord) else None
    drawn = []
    for record, cell in zip(records, cells, strict=True):
        if "<a " not in cell:
            text = cell.striptags() if "<" in cell or "&" in cell else str(cell)
            url = f"{folder}{record.id}" if folder is not None else record_url(record)
            cell = leading_link(url, text or str(record))
        drawn.append(cell)
    return drawn


def label_of(view: RecordView, name: str) -> Any:
    """The heading of a column."""
    computed = view.computed.get(name)
    return computed.label if computed else view.record_type.field(name).label


def address(path: str, arguments: Mapping[str, Any]) -> str:
    """``path`` with ``arguments``; much cheaper than building the address from its endpoint again."""
    return _address(path, *((name, str(value)) for name, value in arguments.items())) if arguments else path


@lru_cache(maxsize=1_000)  # the same pages lead to the same places
def _address(path: str, *arguments: tuple[str, str]) -> str:
    return f"{path}?{urlencode(arguments)}"
