"""Files as streams of rows: every cell text, every row numbered as the file's owner sees it in a spreadsheet."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import gettext as _

from core.records.transfer.encoding import detect_encoding, detect_separator
from core.records.transfer.limits import MAX_COLUMNS, MAX_ROWS, TableUnreadable
from core.records.transfer.spelling import FORMULA
from core.records.transfer.vcards import Unreadable, card_rows, is_vcard
from core.records.transfer.workbook import check_workbook, workbook_rows

NumberedRow = tuple[int, list[str]]

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Table:
    """An opened table. ``header`` are the titles of its columns; ``rows()`` starts from the top each time."""

    path: Path
    kind: str
    header: tuple[str, ...]
    _open: Callable[[], Iterator[NumberedRow]] = field(repr=False)
    encoding: str = ""
    separator: str = ""

    def rows(self) -> Iterator[NumberedRow]:
        """The rows after the header that hold anything, cut or filled to the header's width.

        Raises:
            TableUnreadable: the file breaks off, or has more rows than are accepted.
        """
        width = len(self.header)
        for number, cells in self._data():
            if isinstance(cells, Unreadable):
                yield number, Unreadable(cells, cells.reason)
                continue
            # Only a text table needs formulas disarmed, so only there they are armed again.
            row = cells[:width]
            if self.kind == "csv":
                row = [_rearmed(cell) if cell.startswith("'") else cell for cell in row]
            yield number, row + [""] * (width - len(row))

    def sample(self, rows: int) -> list[NumberedRow]:
        """The first few rows."""
        return list(itertools.islice(self.rows(), rows))

    def count(self) -> int:
        """How many rows there are; reads the whole file."""
        return sum(1 for _row in self._data())

    def _data(self) -> Iterator[NumberedRow]:
        """The rows after the header, as they stand in the file."""
        for number, cells in itertools.islice(self._filled(), 1, None):
            if number - 1 > MAX_ROWS:
                raise TableUnreadable(_("The file has more than %(limit)s rows.", limit=f"{MAX_ROWS:,}"))
            yield number, cells

    def _filled(self) -> Iterator[NumberedRow]:
        return ((number, cells) for number, cells in self._open() if any(map(str.strip, cells)))


def open_table(path: Path, *, encoding: str | None = None, separator: str | None = None) -> Table:
    """Open a CSV, XLSX or VCF file, told apart by content, never by name.

    Args:
        path: the file.
        encoding: the encoding of a text file; detected if not given.
        separator: the separator of a text file; detected if not given.

    Raises:
        TableUnreadable: the file is no table, is empty, or breaks a limit.
    """
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise TableUnreadable(_("The file is empty."))
    if head.startswith(_OLD_OFFICE):
        raise TableUnreadable(_("This is an old or a protected Excel file: save it as XLSX or CSV without a password."))
    if head.startswith(_ZIP):
        check_workbook(path)
        return _with_header(Table(path, "xlsx", (), lambda: workbook_rows(path)))
    if is_vcard(path):
        return _with_header(Table(path, "vcf", (), lambda: card_rows(path)))
    if head.startswith((b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")):
        raise TableUnreadable(_("This file is not a table: save it as CSV or XLSX and try again."))
    encoding = encoding or detect_encoding(path)
    separator = separator or detect_separator(path, encoding)
    return _with_header(
        Table(path, "csv", (), lambda: _text_rows(path, encoding, separator), encoding=encoding, separator=separator)
    )


def _with_header(table: Table) -> Table:
    first = next(table._filled(), None)
    if first is None:
        raise TableUnreadable(_("The file is empty."))
    titles = [cell.strip() for cell in first[1]]
    while titles and not titles[-1]:
        titles.pop()
    if len(titles) > MAX_COLUMNS:
        raise TableUnreadable(_("The file has more than %(limit)s columns.", limit=MAX_COLUMNS))
    header = tuple(title or _("Column %(number)s", number=n) for n, title in enumerate(titles, start=1))
    return Table(table.path, table.kind, header, table._open, table.encoding, table.separator)


def _text_rows(path: Path, encoding: str, separator: str) -> Iterator[NumberedRow]:
    number = 0
    with path.open("r", encoding=encoding, newline="") as file:
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=separator), start=1):
                if number == 1 and _is_separator_line(cells):
                    continue
                yield number, cells
        except csv.Error:
            raise TableUnreadable(
                _("Row %(number)s cannot be read: a quotation mark is not closed, or a cell is too long.",
                  number=number + 1)
            ) from None
        except UnicodeError:
            raise TableUnreadable(
                _("After row %(number)s the file is not in the encoding %(encoding)s. Choose another one.",
                  number=number, encoding=encoding)
            ) from None


def _is_separator_line(cells: Sequence[str]) -> bool:
    return bool(cells) and cells[0].strip().lower().startswith("sep=") and not any(cells[1:])


def _rearmed(cell: str) -> str:
    """A formula that an export disarmed with an apostrophe, as the text it was."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell
