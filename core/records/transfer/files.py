"""Rows of an export as a file: CSV and JSON as a stream of texts, XLSX written to disk row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils import get_column_letter

from core.records.transfer.outgoing import Outgoing
from core.records.transfer.spelling import NUMBERS, safe

CSV, XLSX, JSON = "csv", "xlsx", "json"
TYPES = {
    CSV: "text/csv",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    JSON: "application/json",
}
LONGEST_CELL = 32_767  # characters that Excel keeps
_ACTING = frozenset("=+-@\t\r＝＋－＠'")
_FIRST = itemgetter(0)  # the first sign of a text
WIDTH = 22  # of a column, in characters

Batches = Iterable[Sequence[Sequence[Any]]]
"""Some thousand records at a time, as the columns of the file."""


def csv_chunks(columns: Sequence[Outgoing], batches: Batches) -> Iterator[str]:
    """The file in pieces; no cell of text can act as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe(str(column.label)) for column in columns])
    # The mark tells spreadsheet programs that the file is UTF-8.
    yield "\ufeff" + _taken(buffer)
    for batch in batches:
        cells = [
            found if column.kind in NUMBERS else harmless(found)
            for column, found in zip(columns, batch, strict=True)
        ]
        writer.writerows(zip(*cells, strict=True))
        yield _taken(buffer)


def harmless(cells: Sequence[Any]) -> Sequence[Any]:
    """A column of texts, empty ones among them, in which ``safe`` was asked about every cell that could act.

    Looked at cell by cell it took a third of the time of writing. Most columns hold nothing that acts, which the first
    signs tell together; and in one of phone numbers each plus has digits behind it.
    """
    acting = _ACTING.intersection(map(_FIRST, filter(None, cells)))
    if not acting:
        return cells
    if acting == {"+"}:
        numbers = [text for text in cells if text and text[0] == "+"]
        signs = "".join(numbers)
        digits = signs.replace("+", "")
        one_plus_each = len(signs) - len(digits) == len(numbers) and min(map(len, numbers)) > 1
        if one_plus_each and signs.isascii() and digits.isdecimal():
            return cells
    return [text if not text or text[0] not in _ACTING else safe(text) for text in cells]


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def json_chunks(columns: Sequence[Outgoing], batches: Batches) -> Iterator[str]:
    """A list of objects with the names of fields as keys, in pieces."""
    names = [column.name for column in columns]
    yield "["
    before = "\n"
    for batch in batches:
        objects = (json.dumps(_object(names, row), ensure_ascii=False) for row in zip(*batch, strict=True))
        yield before + ",\n".join(objects)
        before = ",\n"
    yield "\n]\n"


def _object(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    return {
        name: (str(value) if isinstance(value, Decimal) else None if value == "" else value)
        for name, value in zip(names, row, strict=True)
    }


def write_workbook(path: Path, title: str, columns: Sequence[Outgoing], batches: Batches) -> None:
    """A workbook of one sheet; texts are stored as texts, also those that begin like a formula."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_sheet_title(title))
    sheet.freeze_panes = "A2"
    for number in range(1, len(columns) + 1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDTH
    sheet.append([_cell(sheet, str(column.label)) for column in columns])
    for batch in batches:
        for row in zip(*batch, strict=True):
            sheet.append([_cell(sheet, value) for value in row])
    book.save(path)


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL]
    if text[:1] != "=":
        return text
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell


def _sheet_title(title: str) -> str:
    return "".join(sign for sign in title if sign not in "[]:*?/\\'")[:31] or "1"
