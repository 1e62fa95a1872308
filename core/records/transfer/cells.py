"""Cells as values: parse functions for the columns of an ``ImportTarget``.

Each takes the text of a cell that is not blank and raises ``ValueError`` with a sentence for the file's owner.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from core.calendars import DateUnreadable, NoSuchDay, parse_date
from core.database.types import DEFAULT_REGION, Option, parse_phone
from core.text import clean, fold, latin_digits

DAY_FIRST, MONTH_FIRST = "day", "month"
# What the exports of address books put between several values in one cell.
_SEVERAL = re.compile(r"\s*(?::::|[;|،\n\r])\s*")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"]+@[^@\s<>()\[\],;:\"]+\.[^@\s<>()\[\],;:\".]{2,}")
_NAMED_EMAIL = re.compile(r".*<([^<>]+)>")
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBERS = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})")
# A birthday without its year, and the date Outlook writes for none.
_NO_DATE = re.compile(r"--\d{2}-\d{2}|0{1,4}[-/.]0{1,2}[-/.]0{1,4}")


@dataclass(frozen=True)
class Conventions:
    """How ambiguous cells of one file are read: which of 3/4/1990 is the month, and where a phone number without a
    country code is (ISO 3166 alpha-2)."""

    date_order: str = DAY_FIRST
    region: str = DEFAULT_REGION

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Conventions:
        """The conventions chosen in the wizard."""
        region = str(options.get("region") or DEFAULT_REGION).upper()
        return cls(
            date_order=MONTH_FIRST if options.get("date_order") == MONTH_FIRST else DAY_FIRST,
            region=region if re.fullmatch("[A-Z]{2}", region) else DEFAULT_REGION,
        )


_USUAL = Conventions()
_conventions: ContextVar[Conventions] = ContextVar("conventions", default=_USUAL)


@contextlib.contextmanager
def read_by(conventions: Conventions) -> Iterator[None]:
    """Cells parsed inside the block are read by these conventions."""
    token = _conventions.set(conventions)
    try:
        yield
    finally:
        _conventions.reset(token)


def text(limit: int) -> Callable[[str], str]:
    """Text of one line with at most ``limit`` characters."""

    def parse(cell: str) -> str:
        value = " ".join(clean(cell).split())
        if len(value) > limit:
            raise ValueError(_("At most %(limit)s characters.", limit=limit))
        return value

    return parse


def long_text(limit: int) -> Callable[[str], str]:
    """Text of several lines with at most ``limit`` characters."""

    def parse(cell: str) -> str:
        value = clean(cell.replace("\r\n", "\n")).strip()
        if len(value) > limit:
            raise ValueError(_("At most %(limit)s characters.", limit=limit))
        return value

    return parse


def date(cell: str) -> dt.date | None:
    """A date in either calendar. A birthday without its year, such as ``--05-21``, is no date and gives None."""
    plain = _TIME.sub("", latin_digits(clean(cell)).strip())
    if _NO_DATE.fullmatch(plain):
        return None
    if match := _COMPACT.fullmatch(plain):
        plain = "/".join(match.groups())
    elif match := _NUMBERS.fullmatch(plain):
        first, second, year = match.groups()
        if (int(second) > 12) or (int(first) <= 12 and _conventions.get().date_order == MONTH_FIRST):
            plain = f"{second}/{first}/{year}"
    try:
        return parse_date(plain)
    except NoSuchDay:
        raise ValueError(_("There is no such day in the calendar.")) from None
    except DateUnreadable:
        raise ValueError(_("Not a date. Examples: %(jalali)s, %(gregorian)s", jalali="1369/02/31",
                           gregorian="1990-05-21")) from None  # fmt: skip
    except ValueError:
        raise ValueError(_("The year is neither Jalali (1200–1599) nor Gregorian (1700–2999).")) from None


def names_month_first(cell: str) -> bool:
    """Whether a date can only be month/day/year."""
    match = _NUMBERS.fullmatch(_TIME.sub("", latin_digits(clean(cell)).strip()))
    return match is not None and int(match[1]) <= 12 < int(match[2])


def phones(cell: str) -> tuple[str, ...]:
    """Phone numbers in E.164; a cell may hold several."""
    region = _conventions.get().region
    numbers = []
    for part in several(cell):
        try:
            numbers.append(parse_phone(part, region))
        except ValueError:
            raise ValueError(_("Not a phone number. Example: %(example)s", example="0912 123 4567")) from None
    return tuple(dict.fromkeys(numbers))


def emails(cell: str) -> tuple[str, ...]:
    """E-mail addresses in lower case; a cell may hold several, also as ``Name <address>``."""
    addresses = []
    for part in several(cell.replace(",", ";")):
        named = _NAMED_EMAIL.fullmatch(part)
        address = clean(named[1] if named else part).strip().lower()
        if len(address) > 254 or not _EMAIL.fullmatch(address):
            raise ValueError(_("Not an e-mail address."))
        addresses.append(address)
    return tuple(dict.fromkeys(addresses))


def url(cell: str) -> str:
    """A web address; ``example.com`` becomes ``https://example.com``."""
    address = several(clean(cell))[0] if several(clean(cell)) else ""
    if not re.match(r"https?://", address, re.IGNORECASE):
        address = f"https://{address}"
    if len(address) > 500 or not re.fullmatch(r"https?://[^\s/]+\.[^\s]+", address, re.IGNORECASE):
        raise ValueError(_("A web address begins with https:// or http://."))
    return address


def choice(options: Sequence[Option], synonyms: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """The code of an option, told by code, by label in the reader's language, or by a synonym (word to code)."""

    def parse(cell: str) -> str:
        wanted = fold(cell)
        for option in options:
            if wanted in (fold(option.code), fold(str(option.label))):
                return option.code
        for word, code in (synonyms or {}).items():
            if fold(word) == wanted:
                return code
        labels = ", ".join(str(option.label) for option in options)
        raise ValueError(_("Not a valid choice. One of: %(labels)s", labels=labels))

    return parse


def several(cell: str) -> list[str]:
    """The values of a cell that holds several, blank ones left out."""
    return [part.strip() for part in _SEVERAL.split(cell) if part.strip()]
