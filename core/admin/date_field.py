"""Form fields for dates and moments, typed in either calendar and any digits, with or without JavaScript."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from wtforms.fields import DateField, DateTimeField
from wtforms.widgets import TextInput

from core.calendars import UNICODE_NAMES, NoSuchDay, YearOutOfRange, parse_date
from core.site.formats import format_digits, format_local_date, to_reader_time
from core.site.reader import preferences
from core.text import latin_digits

_EXAMPLE = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class LocalDateWidget(TextInput):
    """A text box that the page's script opens a calendar on; ``data-nv-date`` names the calendar (persian, gregory)."""

    def __call__(self, field: Any, **attributes: Any) -> Any:
        attributes.setdefault("data-nv-date", UNICODE_NAMES[preferences().calendar])
        attributes.setdefault("placeholder", format_local_date(_EXAMPLE.date(), "short"))
        return super().__call__(field, **_plain_entry(attributes))


class LocalDateTimeWidget(TextInput):
    """A text box for a date and a time of day; no calendar opens on it, since that would replace the time."""

    def __call__(self, field: Any, **attributes: Any) -> Any:
        attributes.setdefault("placeholder", _moment_text(_EXAMPLE))
        return super().__call__(field, **_plain_entry(attributes))


class LocalDateField(DateField):
    """A day. Shown in the reader's calendar and digits, read in either calendar, held as ``datetime.date``."""

    widget = LocalDateWidget()

    def _value(self) -> str:
        if self.raw_data:
            # What was typed stays in the box, also when it is refused.
            return " ".join(self.raw_data)
        return format_local_date(self.data, "short")

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = " ".join(valuelist).strip()
        if text:
            self.data = _read_date(text)


class LocalDateTimeField(DateTimeField):
    """A moment, as date and 24-hour time in the reader's calendar and time zone; held as an aware datetime in UTC."""

    widget = LocalDateTimeWidget()

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return _moment_text(to_reader_time(self.data)) if self.data else ""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = None
        text = " ".join(valuelist).strip()
        if not text:
            return
        day, _space, clock = text.rpartition(" ")
        time = _TIME.fullmatch(latin_digits(clock))
        if not day or not time:
            raise ValueError(_("Write a date and a time, for example %(example)s.", example=_moment_text(_EXAMPLE)))
        wall = dt.datetime.combine(_read_date(day), dt.time(int(time[1]), int(time[2])))
        self.data = moment_of(wall, ZoneInfo(preferences().timezone))


def _moment_text(local: dt.datetime) -> str:
    return f"{format_local_date(local.date(), 'short')} {format_digits(local.strftime('%H:%M'))}"


def moment_of(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the moment in UTC at which clocks of ``zone`` show ``wall``: the earlier of two in autumn."""
    moment = wall.replace(tzinfo=zone).astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise ValueError(_("Clocks were put forward that day, and this time was left out."))
    return moment


def _read_date(text: str) -> dt.date:
    """Return the date of ``text``. Raises ValueError with a message in the reader's language."""
    try:
        return parse_date(text)
    except NoSuchDay:
        message = _("There is no such day in the calendar.")
    except YearOutOfRange:
        message = _("Write the year with four digits, for example %(year)s.", year=_example()[:4])
    except ValueError:
        message = _("Write a date, for example %(example)s.", example=_example())
    raise ValueError(message)


def _example() -> str:
    return format_local_date(_EXAMPLE.date(), "short")


def _plain_entry(attributes: dict[str, Any]) -> dict[str, Any]:
    """Add what every date box has: written from left to right, a keyboard of numbers, no list of earlier entries."""
    return {"inputmode": "numeric", "autocomplete": "off", "dir": "ltr"} | attributes
