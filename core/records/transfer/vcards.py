"""Address cards (vCard 2.1, 3.0 and 4.0) as rows of a table, one card a row; pictures and sounds are left out.

Cards are cut out of the file one by one, so that a broken one is reported and the others are read, and memory does not
grow with the file.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vobject
from flask_babel import gettext as _
from vobject.base import ParseError, VObjectError

from core.records.transfer.encoding import detect_encoding

LONGEST_CARD = 2_000_000  # characters; pictures are in the cards
HEADER = (
    "First name", "Middle name", "Last name", "Full name", "Organization name", "Job title",
    "Mobile phone", "Work phone", "Home phone", "Fax", "Phone", "Email",
    "Address", "City", "Province", "Postal code", "Country", "Birthday", "Notes", "Website", "Categories",
)  # fmt: skip
JOINT = " ::: "
_BEGIN, _END = re.compile(r"\s*BEGIN:VCARD\s*", re.IGNORECASE), re.compile(r"\s*END:VCARD\s*", re.IGNORECASE)
# Long, and of no use here.
_LEFT_OUT = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|X-MS-[\w-]*)[;:]", re.IGNORECASE)
_PHONES = (("fax", "Fax"), ("cell", "Mobile phone"), ("mobile", "Mobile phone"), ("work", "Work phone"),
           ("home", "Home phone"))  # fmt: skip
_MARK = re.compile(r"^tel:|^mailto:", re.IGNORECASE)


class Unreadable(list[str]):
    """The cells of a row that cannot be read, as far as they are known, and why."""

    def __init__(self, cells: Any, reason: str) -> None:
        super().__init__(cells)
        self.reason = reason


def is_vcard(path: Path) -> bool:
    """Whether a file begins like an address card."""
    with path.open("rb") as file:
        head = file.read(200).replace(b"\x00", b"").removeprefix(codecs.BOM_UTF8).lstrip(b"\xff\xfe")
    return head.lstrip()[:11].upper() == b"BEGIN:VCARD"


def card_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header and then each card, numbered as a table of cards would be.

    Raises:
        TableUnreadable: the file is no text.
    """
    yield 1, list(HEADER)
    for number, text in enumerate(_cards(path), start=2):
        yield number, _row(text)


def _cards(path: Path) -> Iterator[str]:
    """The text of each card, without pictures; of one that never ends what there is of it."""
    with path.open("r", encoding=detect_encoding(path), errors="replace", newline=None) as file:
        lines: list[str] = []
        size, skipping = 0, False
        for line in file:
            if _BEGIN.fullmatch(line):
                if lines:
                    yield "".join(lines)
                lines, size, skipping = [line], 0, False
            elif lines:
                skipping = (skipping and (line[:1] in " \t" or not line.strip())) or bool(_LEFT_OUT.match(line))
                if skipping or size > LONGEST_CARD:
                    continue
                lines.append(line)
                size += len(line)
                if _END.fullmatch(line):
                    yield "".join(lines)
                    lines = []
        if lines:
            yield "".join(lines)


def _row(text: str) -> list[str]:
    try:
        card = vobject.readOne(text, allowQP=True)
        cells = _cells(card)
    # The library lets errors of the card's own making through as they come.
    except (ParseError, VObjectError, ValueError, LookupError, TypeError, AttributeError, StopIteration):
        name = re.search(r"^FN[^:\n]*:(.*)$", text, re.MULTILINE | re.IGNORECASE)
        known = dict.fromkeys(HEADER, "") | {"Full name": name[1].strip() if name else ""}
        return Unreadable(known.values(), _("This address card is damaged."))
    return [cells.get(title, "") for title in HEADER]


def _cells(card: Any) -> dict[str, str]:
    found: dict[str, list[str]] = {}

    def put(title: str, value: Any) -> None:
        text = _text(value)
        if text and text not in found.setdefault(title, []):
            found[title].append(text)

    for name in card.contents.get("n", ())[:1]:
        put("First name", name.value.given)
        put("Middle name", name.value.additional)
        put("Last name", name.value.family)
    for line in card.contents.get("fn", ())[:1]:
        put("Full name", line.value)
    for line in card.contents.get("org", ())[:1]:
        put("Organization name", line.value[0] if isinstance(line.value, list) and line.value else line.value)
    for line in card.contents.get("title", ())[:1]:
        put("Job title", line.value)
    for line in card.contents.get("tel", ()):
        put(_phone_title(line), _MARK.sub("", _text(line.value)))
    for line in card.contents.get("email", ()):
        put("Email", _MARK.sub("", _text(line.value)))
    for line in card.contents.get("adr", ())[:1]:
        put("Address", line.value.street)
        put("City", line.value.city)
        put("Province", line.value.region)
        put("Postal code", line.value.code)
        put("Country", line.value.country)
    for title, key in (("Birthday", "bday"), ("Notes", "note"), ("Website", "url")):
        for line in card.contents.get(key, ())[:1]:
            put(title, line.value)
    for line in card.contents.get("categories", ()):
        for word in line.value if isinstance(line.value, list) else str(line.value).split(","):
            put("Categories", word)
    joints = {"Categories": ",", "Notes": "\n"}
    return {title: joints.get(title, JOINT).join(texts) for title, texts in found.items()}


def _phone_title(line: Any) -> str:
    kinds = {str(kind).lower() for values in line.params.values() for value in values for kind in str(value).split(",")}
    kinds |= {str(kind).lower() for kind in line.singletonparams}
    return next((title for kind, title in _PHONES if kind in kinds), "Phone")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(filter(None, map(_text, value)))
    return str(value or "").strip()
