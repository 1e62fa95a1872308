"""Moving an entry to another day: by drag, by the form behind its menu, or by the same form as a page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Response, flash, redirect, request
from flask_admin.form import BaseForm
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

from core.admin.calendar_pages import CalendarRequest, entry_context, is_movable, read_calendar
from core.admin.date_field import LocalDateField, moment_of
from core.admin.form_pages import CONFLICT, REFUSED
from core.admin.forms import formdata, is_valid, refuse_undeclared, with_ids
from core.admin.ids import not_found
from core.admin.saving import Refused, commit
from core.site.formats import format_local_date, to_reader_time
from core.site.reader import preferences

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


class DayForm(BaseForm):  # type: ignore[misc]
    """The day an entry goes to."""

    day = LocalDateField(_l("New date"), validators=[InputRequired(_l("This field is required."))])


def move_entry(view: RecordView) -> Any:
    """The form that asks for the new day; a post moves the record there and keeps its time of day.

    A script that posts with ``drag`` gets 200 with the entry and how to undo, 409 or 422 with a sentence.
    """
    asked = read_calendar(view)
    record = view.record_or_404(request.values.get("id", ""))
    view.require("edit", record)
    if not is_movable(view, asked.query.on):
        not_found()
    if request.method == "GET":
        form = DayForm()
        form["day"].data = asked.query.day_of(record) if getattr(record, asked.query.on.name) else None
        return _form(view, asked, record, form)
    # An undo carries everything in its address.
    form = DayForm(formdata(request.form) if "day" in request.form else request.args)
    refuse_undeclared(form, request.form, extra=("id", "on", "drag"))
    if not is_valid(form):
        return _refused(view, asked, record, form, " ".join(form["day"].errors), REFUSED)
    version = request.values.get("version")
    if version and version != str(record.version):
        sentence = _("Somebody else changed this record in the meantime. Reload the calendar to see it.")
        return _refused(view, asked, record, form, sentence, CONFLICT)
    before = getattr(record, asked.query.on.name)
    try:
        after = _moved(before, form["day"].data, asked.query.on.kind)
        commit(view.session, lambda: setattr(record, asked.query.on.name, after))
    except ValueError as error:
        return _refused(view, asked, record, form, str(error), REFUSED)
    except Refused as refused:
        if refused.stale:
            view.session.refresh(record)
        text = " ".join(map(str, refused.errors.values()))
        return _refused(view, asked, record, form, text, CONFLICT if refused.stale else REFUSED)
    day = format_local_date(form["day"].data)
    sentence = _("%(name)s moved to %(day)s", name=str(record), day=day)
    undo = None
    if before is not None and "undo" not in request.args:
        back = to_reader_time(before).date() if isinstance(before, dt.datetime) else before
        arguments = {**asked.here, "undo": 1, "id": record.id, "day": back.isoformat(), "version": record.version}
        undo = view.get_url(".calendar_move_view", **arguments)
    if "drag" not in request.form:
        flash(sentence, f"undo {undo}" if undo else "success")
        return redirect(view.get_url(".calendar_view", **asked.here))
    return view.render(
        "nova/_calendar_moved.html",
        entry=entry_context(view, asked.query, record, True),
        move_url=view.get_url(".calendar_move_view", **asked.here),
        sentence=sentence,
        undo_url=undo,
    )


def _moved(before: Any, day: dt.date, kind: str) -> Any:
    """The value on another day, at the same time of the reader's day. Raises ValueError where clocks skip that time."""
    if kind == "date":
        return day
    local = to_reader_time(before) if before is not None else dt.datetime.combine(day, dt.time(9))
    wall = dt.datetime.combine(day, local.time())
    return moment_of(wall, ZoneInfo(preferences().timezone))


def _form(view: RecordView, asked: CalendarRequest, record: Any, form: BaseForm) -> Any:
    return view.render(
        "nova/_calendar_move.html" if "HX-Request" in request.headers else "nova/calendar_move.html",
        title=_("Move %(name)s", name=str(record)),
        form=with_ids(form, "move"),
        record_id=record.id,
        version=record.version,
        move_url=view.get_url(".calendar_move_view", **asked.here),
        back_url=view.get_url(".calendar_view", **asked.here),
    )


def _refused(
    view: RecordView, asked: CalendarRequest, record: Any, form: BaseForm, sentence: str, status: int
) -> Any:
    if "drag" in request.form:
        return Response(sentence, status=status, mimetype="text/plain")
    form["day"].errors = [sentence]
    return _form(view, asked, record, form), status
