"""The rows of a list: values as HTML, and what is the same in every row rendered once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from core.admin.formatters import drawn_values, record_link
from core.records.fields import Field

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_MARK = re.compile("(-id-|-name-|-cell-[0-9]+-)")


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

    ``-id-`` and ``-name-`` stand for the record's, ``cell_mark()`` for a value. A page has 25 rows of a dozen cells
    and a menu; drawing each by the template took a third of the page's time.
    """
    # Texts and marks by turns, found once: a name that looks like a mark stays a name.
    pieces = _MARK.split(str(escape(pattern)))
    texts, marks = pieces[::2], pieces[1::2]
    drawn: list[str] = []
    for row in rows:
        words = {"-id-": str(row.id), "-name-": str(escape(row.name))}
        words |= {str(cell_mark(number)): str(escape(cell)) for number, cell in enumerate(row.cells)}
        for text, mark in zip(texts, marks, strict=False):
            drawn += (text, words.get(mark, mark))  # the name of a column may look like a mark
        drawn.append(texts[-1])
    return Markup("".join(drawn))  # noqa: S704 - every part is escaped


def rows_of(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> list[Row]:
    """The records of a page as rows with the named columns."""
    value = cell_values(view, records, names)
    return [Row(record.id, str(record), [value(record, name) for name in names]) for record in records]


def cell_values(view: RecordView, records: Sequence[Any], names: Sequence[str]) -> Callable[[Any, str], Markup]:
    """The function that gives the cell of a record and a column; computed columns are loaded once for all records."""
    together = view.query.beside(view.session, names)
    found = together.read(view.session, [record.id for record in records]) if together and records else {}
    draw: dict[str, Callable[[Any], Markup]] = {}
    for name in names:
        computed = view.computed.get(name)
        if computed is not None:
            loaded = found[name] if name in found else computed.load(records) if records else {}
            field = Field(name=name, label="", kind=computed.kind)
            draw[name] = drawn_values(field, _of_loaded(loaded))
        elif name in found:
            draw[name] = _joined(found[name])
        else:
            draw[name] = drawn_values(view.record_type.field(name), attrgetter(name))
    main = names[0] if names else ""

    def value(record: Any, name: str) -> Markup:
        cell = draw[name](record)
        if name != main or "<a " in cell:
            return cell
        text = cell.striptags() or escape(str(record))
        return record_link(record, text, avatar=True)

    return value


def _joined(names: Mapping[int, Sequence[Markup]]) -> Callable[[Any], Markup]:
    return lambda record: Markup(" ").join(names.get(record.id, ()))


def _of_loaded(loaded: Mapping[int, Any]) -> Callable[[Any], Any]:
    return lambda record: loaded.get(record.id)


def label_of(view: RecordView, name: str) -> Any:
    """The heading of a column."""
    computed = view.computed.get(name)
    return computed.label if computed else view.record_type.field(name).label


def address(path: str, arguments: Mapping[str, Any]) -> str:
    """``path`` with ``arguments``; much cheaper than building the address from its endpoint again."""
    return f"{path}?{urlencode(arguments)}" if arguments else path
