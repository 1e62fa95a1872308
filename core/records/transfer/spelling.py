"""Values as the text of an exported file: plain, and such that an import reads them back."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from core.calendars import Calendar, format_date
from core.records.colors import COLOR_LABELS
from core.records.fields import Field

ISO, JALALI = "iso", "jalali"
LABELS, CODES = "labels", "codes"
CALENDARS: dict[str, Calendar] = {ISO: "gregorian", JALALI: "jalali"}
NUMBERS = frozenset({"integer", "decimal", "money"})
# What a spreadsheet would take for a formula; plain numbers, and several of +989121234567, are safe.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(; \+[0-9]+)*")
REMEMBERED = 10_000
# Kinds of which a column holds few different values, or that are dear to spell.
_REPEATED = frozenset({"choice", "color", "boolean", "date"})

Spell = Callable[[Any], str]


@dataclass(frozen=True)
class Style:
    """How values are written: dates ``iso`` or ``jalali``, choices and links by ``labels`` or ``codes``, and moments in
    which time zone (an IANA name)."""

    dates: str = ISO
    values: str = LABELS
    timezone: str = "UTC"

    @property
    def codes(self) -> bool:
        return self.values == CODES


def spelling(field: Field, style: Style) -> Spell:
    """The function that writes a value of ``field``; labels are translated now, not while the file is written."""
    special = _spelling(field, style)
    return lambda value: "" if value is None else special(value)


def spelled(field: Field, style: Style) -> Callable[[Sequence[Any]], list[str | None]]:
    """The function that writes a whole column of values of ``field``; nothing stays None."""
    special = _spelling(field, style)
    if field.kind in _REPEATED:
        known = _Remembered(special)
        return lambda values: [*map(known.__getitem__, values)]
    return lambda values: [None if value is None else special(value) for value in values]


def _spelling(field: Field, style: Style) -> Spell:
    if field.kind == "choice" and not style.codes:
        labels = {option.code: str(option.label) for option in field.options}
        return lambda value: labels.get(value, str(value))
    if field.kind == "color" and not style.codes:
        names = {code: str(label) for code, label in COLOR_LABELS.items()}
        return lambda value: names.get(value, str(value))
    if field.kind == "boolean":
        yes, no = ("true", "false") if style.codes else (_("Yes"), _("No"))
        return lambda value: yes if value else no
    if field.kind == "date":
        return _day(style)
    if field.kind == "datetime":
        return _moment(style)
    if field.kind in ("decimal", "money"):
        return _amount
    if field.kind == "json":
        return lambda value: json.dumps(value, ensure_ascii=False)
    return str


class _Remembered(dict[Any, str | None]):
    """Spelled values by value: what comes again is looked up, which no call of Python's costs."""

    def __init__(self, spell: Spell) -> None:
        super().__init__({None: None})
        self._spell = spell

    def __missing__(self, value: Any) -> str:
        text = self._spell(value)
        if len(self) < REMEMBERED:
            self[value] = text
        return text


def _day(style: Style) -> Spell:
    if style.dates == ISO:
        return dt.date.isoformat
    known = _Remembered(lambda value: format_date(value, CALENDARS[style.dates], "en", "short"))
    return known.__getitem__  # type: ignore[return-value]


def _moment(style: Style) -> Spell:
    day, zone = _day(style), ZoneInfo(style.timezone)

    def iso(value: dt.datetime) -> str:
        local = value if zone.key == "UTC" else value.astimezone(zone)
        return local.isoformat(" ")[: 19 if local.second else 16]

    def spell(value: dt.datetime) -> str:
        local = value.astimezone(zone)
        clock = local.time().isoformat("seconds" if local.second else "minutes")
        return f"{day(local.date())} {clock}"

    return iso if style.dates == ISO else spell


def _amount(value: Any) -> str:
    return format(value if isinstance(value, Decimal) else Decimal(str(value)), "f")


def safe(text: str) -> str:
    """``text`` so that no spreadsheet runs it as a formula. An import takes the apostrophe off again."""
    if text.startswith(("+", "-")) and text[1:].isdecimal() and text.isascii():
        return text  # a number, which most that begin with a sign are
    acts = text.lstrip("'").startswith(FORMULA)
    return f"'{text}" if acts and not _PLAIN_NUMBER.fullmatch(text) else text
