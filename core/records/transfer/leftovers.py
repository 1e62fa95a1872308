"""The file of rows that were not written: the original columns, then the row's number and why it was refused.

Corrected, it can be imported like any other file: nothing is mapped to the two last columns.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from flask_babel import gettext as _

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A phone number or an amount begins with a sign too, and does nothing in a spreadsheet.
_HARMLESS = re.compile(r"[+-][\d\s().,/-]*")


def disarm(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; the reader of imports takes the apostrophe off again."""
    if cell.startswith(_FORMULA) and not _HARMLESS.fullmatch(cell):
        return f"'{cell}"
    return cell


class Leftover(NamedTuple):
    """A row that was not written: its number in the file, its cells as typed, and why."""

    number: int
    cells: Sequence[str]
    reason: str


class Leftovers:
    """Rows appended to a CSV file that only ever grows by what is committed.

    Args:
        path: the file.
        size: how many bytes of it are committed; what lies beyond was written by a run that was killed.
        header: the titles of the original columns.
    """

    def __init__(self, path: Path, size: int, header: Sequence[str]) -> None:
        self.path = path
        self.size = size
        self._header = header

    def append(self, rows: Sequence[Leftover]) -> int:
        """Write rows to disk and return the new size, to be committed with their batch."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        if self.size == 0:
            buffer.write("\ufeff")  # or Excel reads Persian as Windows-1256
            writer.writerow([*map(disarm, self._header), _("Row in the file"), _("Reason")])
        for row in rows:
            writer.writerow([*map(disarm, row.cells), row.number, disarm(row.reason)])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(self.size)
            file.seek(self.size)
            file.write(buffer.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
            self.size = file.tell()
        return self.size


def read_leftovers(path: Path, limit: int) -> list[Leftover]:
    """The first rows of such a file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            Leftover(int(cells[-2]), cells[:-2], cells[-1])
            for cells in islice(csv.reader(file), 1, limit + 1)
            if len(cells) > 1
        ]
