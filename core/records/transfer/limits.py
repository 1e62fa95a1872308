"""What an imported file may be, and the one error a reader raises."""

from __future__ import annotations

from core.errors import PeyvandError

MAX_UPLOAD = 50 * 1024 * 1024  # bytes
MAX_COLUMNS = 200
MAX_ROWS = 1_000_000
MAX_UNPACKED = 1024 * 1024 * 1024  # bytes of a workbook's parts together
MAX_SHARED_TEXT = 200 * 1024 * 1024  # bytes of a workbook's text table, the only part that is held in memory
MAX_RATIO = 250  # unpacked to packed; real workbooks stay under 60
RATIO_MATTERS = 1024 * 1024  # bytes under which a part may be packed as tightly as it likes
MAX_PARTS = 5_000


class TableUnreadable(PeyvandError):
    """The file is no table this program reads, or is larger than it accepts; the text is a sentence for its owner."""
