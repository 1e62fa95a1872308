"""XLSX workbooks, read cell by cell. A workbook is a zip archive: it is weighed before it is opened."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from flask_babel import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils.exceptions import InvalidFileException

from core.records.transfer.limits import (
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_RATIO,
    MAX_SHARED_TEXT,
    MAX_UNPACKED,
    RATIO_MATTERS,
    TableUnreadable,
)

# What openpyxl and zipfile raise at damaged files.
_DAMAGE = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, OSError, EOFError,
           IndexError, AttributeError, zlib.error)  # fmt: skip
_MIDNIGHT = dt.time()


def check_workbook(path: Path) -> None:
    """Refuse an archive that is no workbook, or that unpacks to more than it should.

    The sizes that the archive declares bind: zipfile never unpacks more of a part than its declared size.

    Raises:
        TableUnreadable: with the reason.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names and "[Content_Types].xml" not in names:
                raise TableUnreadable(_("This file is not a table: save it as CSV or XLSX and try again."))
            heavy = any(
                part.file_size > RATIO_MATTERS and part.file_size > MAX_RATIO * max(part.compress_size, 1)
                for part in parts
            )
            shared = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
            if (
                heavy
                or len(parts) > MAX_PARTS
                or shared > MAX_SHARED_TEXT
                or sum(part.file_size for part in parts) > MAX_UNPACKED
            ):
                raise TableUnreadable(_("The workbook is too large when unpacked. Save the sheet as CSV instead."))
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels")):
                    _refuse_declarations(archive, part)
    except _DAMAGE as error:
        raise _damaged() from error


def _refuse_declarations(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """No program writes a document type into a workbook; what does is an attempt to expand entities."""
    with archive.open(part) as file:
        head = file.read(4096).replace(b"\x00", b"").upper()
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise _damaged()


def workbook_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first visible sheet that has any, with the values that formulas had when the file was saved.

    Raises:
        TableUnreadable: the file is damaged.
    """
    # openpyxl goes by the name of a path, and uploads have none.
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings():
                # It warns of styles and extensions, none of which is read here.
                warnings.simplefilter("ignore")
                book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except _DAMAGE as error:
            raise _damaged() from error
        try:
            yield from _sheet_rows(book)
        except _DAMAGE as error:
            raise _damaged() from error
        finally:
            book.close()


def _sheet_rows(book: Workbook) -> Iterator[tuple[int, list[str]]]:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    for sheet in sheets:
        # A file may claim a million by sixteen thousand cells and hold three.
        sheet.reset_dimensions()  # type: ignore[attr-defined]
        found = False
        for number, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True), start=1):
            cells = [_text(value) for value in row]
            found = found or any(cells)
            yield number, cells
        if found:
            return


def _text(value: Any) -> str:
    """A cell as text: whole numbers without a point, dates in ISO 8601, an error such as #N/A as nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "" if value in ERROR_CODES else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _damaged() -> TableUnreadable:
    return TableUnreadable(_("The workbook is damaged. Save it again as XLSX or CSV and try again."))
