"""Cells as values: parse functions for the columns of a file.

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
from zoneinfo import ZoneInfo

from flask import current_app, has_app_context
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.calendars import LOCALES, DateUnreadable, NoSuchDay, parse_date
from core.database.types import DEFAULT_REGION, Option, is_email, parse_phone
from core.parts import untranslated
from core.text import clean, fold, latin_digits

DAY_FIRST, MONTH_FIRST = "day", "month"
# What the exports of address books put between several values in one cell.
_SEVERAL = re.compile(r"\s*(?::::|[;|،\n\r])\s*")
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"]+@[^@\s<>()\[\],;:\"]+\.[^@\s<>()\[\],;:\".]{2,}")
# Addresses that need no library: plain words around plain dots.
_SIMPLE_EMAIL = re.compile(r"(?!.{255})[A-Za-z0-9_+-]{1,40}(?:\.[A-Za-z0-9_+-]{1,10}){0,2}@[A-Za-z0-9.-]+", re.ASCII)
_NAMED_EMAIL = re.compile(r".*<([^<>]+)>")
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBERS = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})")
# A birthday without its year, and the date Outlook writes for none.
_NO_DATE = re.compile(r"--\d{2}-\d{2}|0{1,4}[-/.]0{1,2}[-/.]0{1,4}")


_CLOCK = re.compile(r"[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)? ?(Z|[+-]\d{2}:?\d{2})?$")
_YES = frozenset(map(fold, ("yes", "true", "1", "y", "t", "on", "x", "✓", "✔", "بله", "بلی", "آری", "دارد", "هست")))
_NO = frozenset(map(fold, ("no", "false", "0", "n", "f", "off", "خیر", "نه", "ندارد", "نیست")))
LISTED = 20  # choices named in an error


@dataclass(frozen=True)
class Conventions:
    """How ambiguous cells of one file are read: which of 3/4/1990 is the month, where a phone number without a
    country code is (ISO 3166 alpha-2), and in which zone a time without one is."""

    date_order: str = DAY_FIRST
    region: str = DEFAULT_REGION
    zone: dt.tzinfo = dt.UTC

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Conventions:
        """The conventions chosen in the wizard."""
        region = str(options.get("region") or DEFAULT_REGION).upper()
        return cls(
            date_order=MONTH_FIRST if options.get("date_order") == MONTH_FIRST else DAY_FIRST,
            region=region if re.fullmatch("[A-Z]{2}", region) else DEFAULT_REGION,
            zone=ZoneInfo(str(options["zone"])) if options.get("zone") else dt.UTC,
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
        # Most cells need no cleaning, and there are many of them.
        plain = cell if cell.isascii() and cell.isprintable() else clean(cell)
        value = " ".join(plain.split())
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
    if cell.isascii() and cell.lstrip("+").isdigit() and len(cell) < 16:
        parts = [cell]
    else:
        parts = several(cell)
    numbers = []
    for part in parts:
        try:
            numbers.append(parse_phone(part, region))
        except ValueError:
            raise ValueError(_("Not a phone number. Example: %(example)s", example="0912 123 4567")) from None
    return tuple(dict.fromkeys(numbers))


def emails(cell: str) -> tuple[str, ...]:
    """E-mail addresses in lower case; a cell may hold several, also as ``Name <address>``."""
    # One question for all who have theirs at the same domain.
    if _SIMPLE_EMAIL.fullmatch(cell) and is_email(f"a@{cell.rpartition('@')[2].lower()}"):
        return (cell.lower(),)
    addresses = []
    for part in several(cell.replace(",", ";")):
        named = _NAMED_EMAIL.fullmatch(part)
        addresses.append(_email(named[1] if named else part))
    return tuple(dict.fromkeys(addresses))


def email(cell: str) -> str:
    """One e-mail address; of several the first."""
    found = emails(cell)
    return found[0] if found else ""


def _email(text: str) -> str:
    address = clean(text).strip().lower()
    # Spaces, which the library allows inside quotes, are never meant.
    if not _EMAIL.fullmatch(address) or not is_email(address):
        raise ValueError(_("Not an e-mail address."))
    return address


def phone(cell: str) -> str:
    """One phone number in E.164; of several the first."""
    found = phones(cell)
    return found[0] if found else ""


def boolean(cell: str) -> bool:
    """Yes or no, in either language, as a number or as a tick."""
    word = fold(cell)
    if word in _YES or word in {fold(text) for text in in_every_language(_l("Yes"))}:
        return True
    if word in _NO or word in {fold(text) for text in in_every_language(_l("No"))}:
        return False
    raise ValueError(_("Write yes or no."))


def moment(cell: str) -> dt.datetime | None:
    """A day with or without a time; a time without a zone is of the zone chosen for the file."""
    plain = latin_digits(clean(cell)).strip()
    clock = _CLOCK.search(plain)
    day = date(plain[: clock.start()] if clock else plain)
    if day is None:
        return None
    if clock is None:
        return dt.datetime.combine(day, dt.time(), _conventions.get().zone).astimezone(dt.UTC)
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    try:
        time = dt.time(hour, minute, second)
    except ValueError:
        raise ValueError(_("There is no such time of day.")) from None
    zone: dt.tzinfo = _conventions.get().zone
    if offset := clock[4]:
        zone = dt.UTC if offset == "Z" else dt.datetime.strptime(offset.replace(":", ""), "%z").tzinfo or dt.UTC
    return dt.datetime.combine(day, time, zone).astimezone(dt.UTC)


def names(limit: int) -> Callable[[str], tuple[str, ...]]:
    """Names of several records in one cell, each with at most ``limit`` characters."""
    one = text(limit)

    def parse(cell: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one(part.lstrip("* ")) for part in several(cell.replace(",", ";"))))

    return parse


def url(cell: str) -> str:
    """A web address; ``example.com`` becomes ``https://example.com``."""
    address = several(clean(cell))[0] if several(clean(cell)) else ""
    if not re.match(r"https?://", address, re.IGNORECASE):
        address = f"https://{address}"
    if len(address) > 500 or not re.fullmatch(r"https?://[^\s/]+\.[^\s]+", address, re.IGNORECASE):
        raise ValueError(_("A web address begins with https:// or http://."))
    return address


def choice(options: Sequence[Option], synonyms: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """The code of an option, told by code, by label in either language, or by a synonym (word to code)."""
    known: dict[object, dict[str, str]] = {}

    def words() -> dict[str, str]:
        # Each Site has its own translations.
        site = current_app.extensions.get("peyvand") if has_app_context() else None
        generation = getattr(site, "generation", None)
        if generation not in known:
            known.clear()
            codes: dict[str, str] = {}
            for option in options:
                for word in (option.code, *in_every_language(option.label)):
                    codes.setdefault(fold(word), option.code)
            known[generation] = {fold(word): code for word, code in (synonyms or {}).items()} | codes
        return known[generation]

    def parse(cell: str) -> str:
        code = words().get(fold(cell))
        if code is None:
            labels = ", ".join(str(option.label) for option in options[:LISTED])
            raise ValueError(_("Not a valid choice. One of: %(labels)s", labels=labels))
        return code

    return parse


def in_every_language(label: Any) -> list[str]:
    """The texts of a label: as its author wrote it and in every language of the site."""
    texts = [untranslated(label)]
    for locale in LOCALES.values():
        with force_locale(locale):
            texts.append(str(label))
    return list(dict.fromkeys(texts))


def several(cell: str) -> list[str]:
    """The values of a cell that holds several, blank ones left out."""
    return [part.strip() for part in _SEVERAL.split(cell) if part.strip()]
