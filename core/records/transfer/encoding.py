"""Which encoding and which separator a text table was written with."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path

from charset_normalizer import from_bytes
from flask_babel import gettext as _

from core.records.transfer.limits import TableUnreadable

CHUNK = 1 << 20
SAMPLE = 256 * 1024
SEPARATORS = (",", ";", "\t", "|")
SAMPLE_ROWS = 50
# What a file that is not Unicode can be: the Persian and Arabic page of Windows, and the western one.
LEGACY = ("cp1256", "cp1252")
ENCODINGS = ("utf-8", "utf-16", *LEGACY)

_CONTROL = re.compile("[\x01-\x08\x0e-\x1f]")
_CONTROL_BYTES = re.compile(b"[\x01-\x08\x0e-\x1f]")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: its byte order mark, else UTF-8 if all of it is, else UTF-16, else a Windows page.

    Raises:
        TableUnreadable: the file is not text.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" in head:
        return _unmarked_utf16(head)
    if len(_CONTROL_BYTES.findall(head)) * 100 > len(head):
        raise TableUnreadable(_("This file is not a table: save it as CSV or XLSX and try again."))
    if _is_utf8(path):
        return "utf-8"
    return _legacy(head)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _unmarked_utf16(head: bytes) -> str:
    """Little or big endian, told by the half in which the zero bytes of separators and line ends stand."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(name, errors="replace")
    if even == odd or "\ufffd" in text[:-1] or _CONTROL.search(text):
        raise TableUnreadable(_("This file is not a table: save it as CSV or XLSX and try again."))
    return name


def _legacy(head: bytes) -> str:
    """Windows-1256 or Windows-1252.

    Both give every byte a letter, so only the neighbourhood tells: Persian words are runs of high bytes, while an
    accented letter of a western word stands between plain ones.
    """
    in_runs = alone = 0
    run = 0
    for byte in (*head, 0):
        if byte >= 0x80:
            run += 1
            continue
        if run > 1:
            in_runs += run
        else:
            alone += run
        run = 0
    if in_runs > 2 * alone:
        return "cp1256"
    if alone > 2 * in_runs:
        return "cp1252"
    best = from_bytes(head, cp_isolation=list(LEGACY)).best()
    return best.encoding if best is not None and best.encoding in LEGACY else "cp1256"


def detect_separator(path: Path, encoding: str) -> str:
    """The separator that cuts the first rows into the most equal number of columns.

    A first line ``sep=;``, which Excel writes and obeys, decides.
    """
    with path.open("r", encoding=encoding, errors="replace", newline="") as file:
        sample = file.read(SAMPLE)
        whole = not file.read(1)
    first = sample.split("\n", 1)[0].strip().lower()
    if first.startswith("sep=") and len(first) == 5:
        return first[4]
    if first == "sep=":  # a tab, which strip() took away
        return "\t"
    best, separator = (0.0, 0), ","
    for candidate in SEPARATORS:
        counts = _column_counts(sample, candidate, whole)
        if not counts:
            continue
        columns, times = counts.most_common(1)[0]
        score = (times / counts.total(), columns)
        if columns > 1 and (score[0] >= 0.5 or columns > best[1]) and _better(score, best):
            best, separator = score, candidate
    return separator


def _better(score: tuple[float, int], best: tuple[float, int]) -> bool:
    """Regularity first; among nearly equally regular cuts, the finer one."""
    if abs(score[0] - best[0]) < 0.1:
        return score[1] > best[1]
    return score[0] > best[0]


def _column_counts(sample: str, separator: str, whole: bool) -> Counter[int]:
    counts: list[int] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                counts.append(len(row))
            if len(counts) > SAMPLE_ROWS:
                break
    except csv.Error:
        return Counter()
    if not whole and len(counts) <= SAMPLE_ROWS and len(counts) > 1:
        counts.pop()  # the sample's last row is cut off
    return Counter(counts)
