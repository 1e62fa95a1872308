"""The file of rows that were not written: the original columns, and a last one that says why."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from flask_babel import gettext as _

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A phone number or an amount begins with a sign too, and does nothing in a spreadsheet.
_HARMLESS = re.compile(r"[+-][\d\s().,/-]*")


def disarm(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; the reader of imports takes the apostrophe off again."""
    if cell.startswith(_FORMULA) and not _HARMLESS.fullmatch(cell):
        return f"'{cell}"
    return cell


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

    def append(self, rows: Sequence[tuple[Sequence[str], str]]) -> int:
        """Write rows with their reasons to disk and return the new size, to be committed with their batch."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        if self.size == 0:
            buffer.write("\ufeff")  # or Excel reads Persian as Windows-1256
            writer.writerow([*map(disarm, self._header), _("Reason")])
        for cells, reason in rows:
            writer.writerow([*map(disarm, cells), disarm(reason)])
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
