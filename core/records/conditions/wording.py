"""The words of conditions: values, days, periods and lists as the reader writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.calendars import PeriodKind
from core.parts import Label
from core.records.colors import COLOR_LABELS
from core.records.conditions.periods import RelativeDay, Run, Span
from core.records.fields import Field
from core.site.formats import format_digits, format_local_date, format_number

PERIODS: Mapping[PeriodKind, Label] = {
    "today": _l("today"),
    "yesterday": _l("yesterday"),
    "tomorrow": _l("tomorrow"),
    "this_week": _l("this week"),
    "last_week": _l("last week"),
    "next_week": _l("next week"),
    "this_month": _l("this month"),
    "last_month": _l("last month"),
    "next_month": _l("next month"),
    "this_quarter": _l("this quarter"),
    "last_quarter": _l("last quarter"),
    "next_quarter": _l("next quarter"),
    "this_year": _l("this year"),
    "last_year": _l("last year"),
    "next_year": _l("next year"),
}
ONE_DAY = ("today", "yesterday", "tomorrow")


def period_words(span: Span) -> str:
    """A period as it stands in a sentence: this month, the last 7 days."""
    if not isinstance(span, Run):
        return str(next(label for name, label in PERIODS.items() if name == span))
    number = span.number
    count = format_number(number)
    if span.direction == "last":
        if span.unit == "days":
            return str(ngettext("the last %(count)s day", "the last %(count)s days", number, count=count))
        if span.unit == "weeks":
            return str(ngettext("the last %(count)s week", "the last %(count)s weeks", number, count=count))
        return str(ngettext("the last %(count)s month", "the last %(count)s months", number, count=count))
    if span.unit == "days":
        return str(ngettext("the next %(count)s day", "the next %(count)s days", number, count=count))
    if span.unit == "weeks":
        return str(ngettext("the next %(count)s week", "the next %(count)s weeks", number, count=count))
    return str(ngettext("the next %(count)s month", "the next %(count)s months", number, count=count))


def day_words(day: dt.date | RelativeDay) -> str:
    """A day as it stands in a sentence: 5 Azar 1405, tomorrow, 30 days ago."""
    if not isinstance(day, RelativeDay):
        return format_local_date(day)
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(day.offset)
    if near is not None:
        return period_words(near)
    number = abs(day.offset)
    count = format_number(number)
    if day.offset < 0:
        return str(ngettext("%(count)s day ago", "%(count)s days ago", number, count=count))
    return str(ngettext("%(count)s day from now", "%(count)s days from now", number, count=count))


def value_words(field: Field, value: Any) -> str:
    """One value of a field that is no link, as it stands in a sentence."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, (dt.date, RelativeDay)):
        return day_words(value)
    if field.kind in ("integer", "decimal", "money"):
        return format_number(value, None)
    if field.kind == "choice":
        option = field.option(value)
        return str(option.label) if option else str(value)
    if field.kind == "color":
        return str(COLOR_LABELS.get(value, value))
    if field.kind == "phone":
        return format_digits(value)
    return quoted(value)


def quoted(text: str) -> str:
    """``text`` between the quotation marks of the reader's language."""
    return str(_("“%(text)s”", text=text))


def listed(words: Sequence[str]) -> str:
    """Several values in a row."""
    return str(_(", ")).join(words)
