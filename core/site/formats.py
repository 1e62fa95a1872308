"""Numbers, money, dates and times as the reader of the moment wants them.

Three choices decide, each on its own: language (words), calendar, digits. Babel brings the words and the symbols; it
prints neither Persian digits nor Jalali dates, so those are put on here.
"""

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import dates, numbers
from flask_babel import gettext

from core import calendars
from core.site.reader import Preferences, preferences
from core.text import persian_digits

Number = int | float | Decimal

_TOMAN = "IRT"
_CURRENCY_WORDS = {"IRR": "ریال", _TOMAN: "تومان"}
"""Written after the number in Persian. IRT is no ISO 4217 code: programs in Iran write the toman, ten rials, so."""
_LEFT_TO_RIGHT = "\u200e"
# Patterns in which a whole number shows no decimals.
_WHOLE = frozenset({"#,##0", "#,##0.###"})
_NO_BREAK = "\u00a0"
_NEARLY_ONE = 0.85  # of a unit is said in it: 52 seconds are a minute


def format_digits(value: object) -> str:
    """Return ``value`` as text, its digits in the reader's family. Nothing is grouped: for years, codes, page numbers.

    Plain text only: in markup it would change the digits of addresses too.
    """
    text = "" if value is None else str(value)
    return persian_digits(text) if preferences().digits == "persian" else text


def format_number(value: Number | None, decimals: int | None = None) -> str:
    """Return a grouped number, 1,234.5 or ۱٬۲۳۴٫۵. ``decimals`` fixes their count; otherwise at most three show."""
    if value is None:
        return ""
    return _symbols(value, "#,##0.###" if decimals is None else _pattern(decimals))


def format_percent(fraction: Number | None, decimals: int = 0) -> str:
    """Return a share as per cent: 0.25 is 25% or ۲۵٪. ``decimals`` is their greatest count."""
    if fraction is None:
        return ""
    # Half a per cent rounds as a reader expects of the written number, so no binary float in between.
    percent = Decimal(str(fraction)) * 100
    text = _symbols(percent, "#,##0" + ("." + "#" * decimals if decimals else ""))
    return text + ("٪" if preferences().digits == "persian" else "%")


def format_money(amount: Number | tuple[Number, str] | None, currency: str | None = None) -> str:
    """Return an amount with its currency, in major units: $1,234.50, ۱٬۲۳۴ ریال. A whole amount shows no decimals.

    ``amount`` may be an ``(amount, currency)`` pair; ``currency`` is an ISO 4217 code, or IRT for tomans.
    """
    if isinstance(amount, tuple):
        amount, currency = amount
    if amount is None:
        return ""
    if not currency:
        return format_number(amount)
    return _money(amount, currency, preferences())


# The amounts of a board are the same for everybody who opens it.
@lru_cache(maxsize=4_096, typed=True)
def _money(amount: Number, currency: str, reader: Preferences) -> str:
    places, symbol = _currency(currency)
    rounded = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    # Most amounts are whole and stay as they are.
    if rounded != int(rounded):
        rounded = rounded.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    if rounded == int(rounded):
        places = 0
    if reader.language == "fa" and currency in _CURRENCY_WORDS:
        return f"{_symbols(rounded, _pattern(places), reader)}{_NO_BREAK}{_CURRENCY_WORDS[currency]}"
    if symbol == currency:
        return f"{_symbols(rounded, _pattern(places), reader)}{_NO_BREAK}{currency}"
    sign = "-" if rounded < 0 else ""
    lead = _LEFT_TO_RIGHT if reader.language == "fa" else ""
    return f"{lead}{sign}{symbol}{_symbols(abs(rounded), _pattern(places), reader)}"


def format_local_date(value: dt.date | None, style: calendars.Style = "medium") -> str:
    """Return a date in the reader's calendar, language and digits; ``short`` is what a date field shows.

    A moment is first moved to the reader's time zone; a plain date is never shifted.
    """
    if value is None:
        return ""
    date = to_reader_time(value).date() if isinstance(value, dt.datetime) else value
    return _day(date, preferences(), style)


@lru_cache(maxsize=4_096)
def _day(date: dt.date, reader: Preferences, style: calendars.Style) -> str:
    text = calendars.format_date(date, reader.calendar, reader.language, style)
    return persian_digits(text) if reader.digits == "persian" else text


def format_local_datetime(value: dt.datetime | None, style: calendars.Style = "medium") -> str:
    """Return a moment as date and 24-hour time in the reader's time zone."""
    if value is None:
        return ""
    reader = preferences()
    local = _aware(value).astimezone(ZoneInfo(reader.timezone))
    separator = "، " if reader.language == "fa" and style != "short" else " "
    date = calendars.format_date(local.date(), reader.calendar, reader.language, style)
    text = f"{date}{separator}{local.hour:02d}:{local.minute:02d}"
    return persian_digits(text) if reader.digits == "persian" else text


def format_ago(value: dt.date | None, now: dt.datetime | None = None) -> str:
    """Return how far a moment or a day is from ``now`` (aware; default this moment): "3 hours ago", "in 2 days"."""
    if value is None:
        return ""
    moment = now or dt.datetime.now(dt.UTC)
    locale = calendars.LOCALES[preferences().language]
    if isinstance(value, dt.datetime):
        return format_digits(_distance(_in_whole_units(_aware(value) - moment), locale))
    distance = value - to_reader_time(moment).date()
    if not distance:
        return str(gettext("today"))
    return format_digits(dates.format_timedelta(distance, granularity="day", add_direction=True, locale=locale))


def _in_whole_units(distance: dt.timedelta) -> int:
    """``distance`` in seconds, rounded to whole hours, days or what Babel would say it in: there are few of those."""
    seconds = distance.total_seconds()
    for _unit, length in dates.TIMEDELTA_UNITS:
        if abs(seconds) >= _NEARLY_ONE * length:
            return round(seconds / length) * length
    return (seconds > 0) - (seconds < 0)


@lru_cache(maxsize=1024)
def _distance(seconds: int, locale: str) -> str:
    """A story tells two dozen of these, and Babel takes longer for one than the database for its entry."""
    return dates.format_timedelta(dt.timedelta(seconds=seconds), threshold=1, add_direction=True, locale=locale)


def to_reader_time(moment: dt.datetime) -> dt.datetime:
    """Return an aware moment in the reader's time zone. One without a zone is taken as UTC, which is what is stored."""
    return _aware(moment).astimezone(ZoneInfo(preferences().timezone))


def reader_today() -> dt.date:
    """Return today's date where the reader is."""
    return to_reader_time(dt.datetime.now(dt.UTC)).date()


def reader_day(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return the moments in UTC at which ``day`` and the day after it begin where the reader is."""
    zone = ZoneInfo(preferences().timezone)
    start, end = (dt.datetime.combine(date, dt.time(), zone) for date in (day, day + dt.timedelta(days=1)))
    return start.astimezone(dt.UTC), end.astimezone(dt.UTC)


@lru_cache(maxsize=512)
def _currency(code: str) -> tuple[int, str]:
    """How many decimals a currency has, and its sign; Babel reads its tables anew each time."""
    places = 0 if code == _TOMAN else numbers.get_currency_precision(code)
    return places, numbers.get_currency_symbol(code, locale="en")


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment


def _pattern(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _symbols(value: Number, pattern: str, reader: Preferences | None = None) -> str:
    """Format with the separators that belong to the reader's digits, whatever the language."""
    persian = (reader or preferences()).digits == "persian"
    if pattern in _WHOLE and value == int(value):
        # What stands on a page a hundred times: Babel takes ten times as long for the same text.
        grouped = f"{int(value):,}"
        if not persian:
            return grouped
        return persian_digits((_LEFT_TO_RIGHT if value < 0 else "") + grouped.replace(",", "٬"))
    if not persian:
        return numbers.format_decimal(value, format=pattern, locale="en")
    text = persian_digits(numbers.format_decimal(value, format=pattern, locale="fa_IR", numbering_system="default"))
    # Without the mark a minus before Persian digits is drawn on their wrong side.
    return _LEFT_TO_RIGHT + text if text.startswith("-") else text
