"""The calendar of a screen: month, week, day and agenda of any date field, in the reader's calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from flask import abort, request
from flask_babel import gettext as _

from core import calendars
from core.admin.calendar import COUNTED, ROOM, CalendarQuery, Day, Mode, color_of, step, visible
from core.admin.formatters import COLOR_LABELS
from core.admin.holidays import holiday
from core.admin.ids import not_found
from core.admin.list_page import screen_links, screen_views
from core.admin.opened_view import Opened, open_view
from core.admin.view_bar import view_arguments, view_bar
from core.records.policy import may
from core.site.formats import format_digits, format_local_date, format_number, reader_today, to_reader_time
from core.site.reader import calendar_name, language

if TYPE_CHECKING:
    from core.admin.list_query import ListRequest
    from core.admin.record_view import RecordView
    from core.records.fields import Field

# What the address of a calendar says besides search and filters.
OWN = ("on", "mode", "at", "color", "id", "day", "version", "undo")
MODES: tuple[Mode, ...] = get_args(Mode)
FIRST_YEAR, LAST_YEAR = 1705, 2990  # a year that every calendar and every database can name, and its neighbours
MORNING = "09:00"  # when a new record of the day begins, where the field is a moment


@dataclass(frozen=True)
class CalendarRequest:
    """What the address of a calendar asks for; ``here`` are the arguments that lead back to it."""

    query: CalendarQuery
    mode: Mode
    at: dt.date
    opened: Opened
    asked: ListRequest
    here: Mapping[str, Any]


def read_calendar(view: RecordView) -> CalendarRequest:
    """``?on=`` a date field, ``?mode=`` month, week, day or agenda, ``?at=`` a day, ``?color=`` a field."""
    if not view.dates:
        not_found()
    on = _one_of(view.dates, request.values.get("on")) or next(iter(view.dates.values()))
    color = _one_of(view.colors, request.args.get("color")) or _usual_color(view)
    mode: Mode = next((mode for mode in MODES if mode == (request.args.get("mode") or "month")), "month")
    if request.args.get("mode") not in (None, "", *MODES):
        abort(400)
    at = _day(request.args.get("at"))
    listed = {name: value for name, value in request.args.items() if name not in OWN}
    opened = open_view(view, listed)
    asked = view.query.read(opened.arguments, view.page_size_options)
    usual = next(iter(view.dates))
    here: dict[str, Any] = {
        "on": on.name if on.name != usual else None,
        "mode": mode if mode != "month" else None,
        "at": at.isoformat() if at != reader_today() else None,
        "color": request.args.get("color") or None,
        **view_arguments(view, opened, asked),
    }
    query = CalendarQuery(view.record_type, on, color)
    return CalendarRequest(query, mode, at, opened, asked, {name: value for name, value in here.items() if value})


def _one_of(fields: Mapping[str, Field], name: str | None) -> Field | None:
    if not name:
        return None
    if name not in fields:
        abort(400)
    return fields[name]


def _usual_color(view: RecordView) -> Field | None:
    own = view.screen.board.lane if view.screen.board is not None else None
    return view.colors.get(own or "") or next(iter(view.colors.values()), None)


def _day(text: str | None) -> dt.date:
    if not text:
        return reader_today()
    try:
        day = calendars.parse_date(text)
    except ValueError:
        abort(400)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        abort(400)
    return day


def calendar_page(view: RecordView) -> Any:
    """The calendar."""
    asked = read_calendar(view)
    query, mode, at, calendar = asked.query, asked.mode, asked.at, calendar_name()
    period = visible(mode, at, calendar)
    days = query.days(view.session, view.query.matching(asked.asked), period, ROOM[mode])
    year, month, _date = calendars.year_month_day(at, calendar)

    def url(**changes: Any) -> str:
        return view.get_url(".calendar_view", **{**asked.here, **changes})

    kept = {name: asked.here[name] for name in OWN if name in asked.here}
    movable = is_movable(view, query.on)
    shown = [day_context(view, asked, day, movable, month if mode == "month" else None, url) for day in days]
    names = calendars.weekday_names(calendar, language())
    return view.render(
        "nova/calendar.html",
        title=_title(mode, at, period),
        screen_views=screen_views(view, "calendar", asked.asked, asked.opened),
        screen_links=screen_links(view),
        create_url=_add_url(view, asked, at, url()) if view.can_create else None,
        mode=mode,
        modes=[
            {"label": label, "url": url(mode=name if name != "month" else None), "active": name == mode}
            for name, label in _mode_labels().items()
        ],
        on_options=[
            {"label": str(entry.label), "url": url(on=name), "active": name == query.on.name}
            for name, entry in view.dates.items()
        ],
        on_label=str(query.on.label),
        color_options=[
            {"label": str(entry.label), "url": url(color=name), "active": entry is query.color}
            for name, entry in view.colors.items()
        ],
        color_label=str(query.color.label) if query.color is not None else "",
        legend=_legend(query, days),
        today_url=url(at=None),
        previous_url=url(at=step(mode, at, -1, calendar).isoformat()),
        next_url=url(at=step(mode, at, 1, calendar).isoformat()),
        at=at.isoformat(),
        weekdays=names,
        weeks=[shown[start : start + 7] for start in range(0, len(shown), 7)] if mode in ("month", "week") else [],
        days=shown if mode in ("day", "agenda") else [],
        empty=not any(day.count for day in days),
        move_url=view.get_url(".calendar_move_view", **asked.here) if movable else None,
        mini=_mini_month(at, calendar, url) if mode != "month" else None,
        **view_bar(view, asked.opened, asked.asked, ".calendar_view", kept),
    )


def is_movable(view: RecordView, on: Field) -> bool:
    """Whether the actor may change the day of entries: the field stands on the form, and is nobody's to keep."""
    return not on.managed and on.name in view.form_names and may(view.screen.permission("edit"))


def _mode_labels() -> dict[Mode, str]:
    return {"month": _("Month"), "week": _("Week"), "day": _("Day"), "agenda": _("Agenda")}


def _title(mode: Mode, at: dt.date, period: calendars.Period) -> str:
    if mode == "month":
        return format_local_date(at, "month")
    if mode == "day":
        return format_local_date(at, "full")
    return f"{format_local_date(period.first)} – {format_local_date(period.last)}"


def _add_url(view: RecordView, asked: CalendarRequest, day: dt.date, back: str) -> str:
    on = asked.query.on
    value = day.isoformat() if on.kind == "date" else f"{day.isoformat()} {MORNING}"
    return str(view.get_url(".create_view", **{on.name: value, "url": back}))


def day_context(
    view: RecordView, asked: CalendarRequest, day: Day, movable: bool, month: int | None, url: Any
) -> dict[str, Any]:
    """A day with its entries."""
    calendar = calendar_name()
    _year, own_month, number = calendars.year_month_day(day.date, calendar)
    free = holiday(day.date, calendar)
    more = ("" if day.count < COUNTED else "+") if day.more else None
    return {
        "date": day.date.isoformat(),
        "number": format_digits(number),
        "label": format_local_date(day.date, "full"),
        "outside": month is not None and own_month != month,
        "weekend": calendars.is_weekend(day.date, calendar),
        "holiday": str(free) if free is not None else "",
        "today": day.date == reader_today(),
        "count": day.count,
        "entries": [entry_context(view, asked.query, record, movable) for record in day.entries],
        "more": f"{format_number(day.more)}{more}" if more is not None else "",
        "url": url(mode="day", at=day.date.isoformat()),
        "add_url": _add_url(view, asked, day.date, url()) if view.can_create else None,
    }


def entry_context(view: RecordView, query: CalendarQuery, record: Any, movable: bool) -> dict[str, Any]:
    """An entry."""
    value = getattr(record, query.on.name)
    time = format_digits(to_reader_time(value).strftime("%H:%M")) if query.on.kind == "datetime" else ""
    return {
        "id": record.id,
        "title": str(record),
        "url": view.get_url(".details_view", id=record.id),
        "version": record.version,
        "time": time,
        "color": color_of(query.color, record),
        "color_name": _color_name(query, record),
        "movable": movable,
    }


def _color_name(query: CalendarQuery, record: Any) -> str:
    """What the colour says, for whoever does not see it."""
    value = getattr(record, query.color.name) if query.color is not None else None
    if value is None or query.color is None:
        return ""
    if query.color.kind == "choice":
        option = query.color.option(value)
        return str(option.label) if option is not None else str(value)
    return str(COLOR_LABELS.get(value, value)) if query.color.kind == "color" else str(value)


def _legend(query: CalendarQuery, days: list[Day]) -> list[dict[str, str]]:
    """The colours in sight with their names, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for day in days:
        for record in day.entries:
            key = (color_of(query.color, record), _color_name(query, record))
            counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts, key=lambda key: -counts[key])
    return [{"color": color, "label": label} for color, label in ordered[:8] if label]


def _mini_month(at: dt.date, calendar: calendars.Calendar, url: Any) -> dict[str, Any]:
    year, month, _day_number = calendars.year_month_day(at, calendar)
    return {
        "title": format_local_date(at, "month"),
        "names": calendars.weekday_names(calendar, language(), width="narrow"),
        "previous_url": url(at=calendars.add_months(at, -1, calendar).isoformat()),
        "next_url": url(at=calendars.add_months(at, 1, calendar).isoformat()),
        "weeks": [
            [
                {
                    "number": format_digits(calendars.year_month_day(day, calendar)[2]),
                    "label": format_local_date(day, "full"),
                    "url": url(at=day.isoformat()),
                    "outside": calendars.year_month_day(day, calendar)[1] != month,
                    "today": day == reader_today(),
                    "active": day == at,
                    "weekend": calendars.is_weekend(day, calendar),
                }
                for day in week
            ]
            for week in calendars.month_weeks(calendar, year, month)
        ],
    }
