"""The official holidays of Iran that lie on a fixed day of the solar year.

Those of the lunar year move by eleven days a year and are announced by sight of the moon; they are not known here.
Source: the official calendar of the Institute of Geophysics, University of Tehran.
"""

from __future__ import annotations

import datetime as dt

from flask_babel import lazy_gettext as _l

from core.calendars import Calendar, year_month_day
from core.parts import Label

SOLAR: dict[tuple[int, int], Label] = {
    (1, 1): _l("Nowruz"),
    (1, 2): _l("Nowruz"),
    (1, 3): _l("Nowruz"),
    (1, 4): _l("Nowruz"),
    (1, 12): _l("Islamic Republic Day"),
    (1, 13): _l("Nature Day"),
    (3, 14): _l("Passing of Imam Khomeini"),
    (3, 15): _l("Uprising of 15 Khordad"),
    (11, 22): _l("Victory of the Revolution"),
    (12, 29): _l("Oil Nationalisation Day"),
}


def holiday(date: dt.date, calendar: Calendar) -> Label | None:
    """The name of the holiday on ``date`` for a reader of the Jalali calendar, or None."""
    if calendar != "jalali":
        return None
    _year, month, day = year_month_day(date, calendar)
    return SOLAR.get((month, day))
