"""The tabs of the composer on a record page: plan a task or a meeting, log a call that just took place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from core import Channel, Record, ValidationError, format_local_date, latin_digits, may, require
from plugins.activities import my_day, services
from plugins.activities.about import OWN_TYPE, record_about
from plugins.activities.forms import DAYS, NEXT_DAYS, SUGGESTED, Errors, day_of, make, next_step_of, time_of, typed
from plugins.activities.models import CALL, CANCELLED, ICONS, MEETING, OUTCOMES, TASK, Activity
from plugins.activities.rules import outcomes_of
from plugins.activities.views import CREATE, ID, REFUSED, activity_pages

TEMPLATES = {kind: f"activities/{kind}_form.html" for kind in (TASK, CALL, MEETING)}
LABELS = {TASK: _l("Task"), CALL: _l("Call"), MEETING: _l("Meeting")}


def channels(record: Record) -> list[Channel] | None:
    """The tabs for a record, for whoever may plan something about it."""
    if record.__record_type__ == OWN_TYPE or not may(CREATE):
        return None
    return [
        Channel(
            name=kind,
            label=LABELS[kind],
            icon=ICONS[kind],
            template=TEMPLATES[kind],
            url=_url(record, kind),
            context=_context(kind),
            weight=20 + place,
        )
        for place, kind in enumerate((TASK, CALL, MEETING))
    ]


@activity_pages.get(f"/about/<record_type>/<{ID}:record_id>/<kind>")
def composing(record_type: str, record_id: int, kind: str) -> BaseResponse:
    """One of the tabs as a page of its own."""
    return _page(*_asked(record_type, record_id, kind))


@activity_pages.post(f"/about/<record_type>/<{ID}:record_id>/<kind>")
def compose(record_type: str, record_id: int, kind: str) -> BaseResponse:
    """Plan or log what was typed."""
    record, kind = _asked(record_type, record_id, kind)
    made, errors = make(lambda: _log(record, kind) if kind == CALL and typed("outcome") else _plan(record, kind))
    if errors:
        return _page(record, kind, errors)
    if made is not None:
        flash(_told(made), "success")
    url = my_day.url_of(record)
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def _log(record: Record, kind: str) -> Activity:
    outcome = typed("outcome")
    if outcome not in outcomes_of(kind) or outcome == CANCELLED:
        abort(400)
    return services.log(record, kind, outcome, typed("note"), next_step=next_step_of())


def _plan(record: Record, kind: str) -> Activity:
    return services.plan(
        record,
        kind,
        _short(typed("subject")),
        day_of("due"),
        due_time=time_of("due_time"),
        duration=_minutes(),
        note=typed("note") or None,
    )


def _short(subject: str) -> str:
    if len(subject) > 200:
        raise ValidationError(subject=_("At most %(limit)s characters.", limit=200))
    return subject


def _minutes() -> int | None:
    text = latin_digits(typed("duration"))
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValidationError(duration=_("Write a whole number."))
    return int(text) if text else None


def _told(activity: Activity) -> str:
    if not activity.is_open:
        return _("“%(name)s” is written down.", name=activity.subject)
    if activity.due is None:
        return _("“%(name)s” is planned.", name=activity.subject)
    return _("“%(name)s” is planned for %(day)s.", name=activity.subject, day=format_local_date(activity.due))


def _asked(record_type: str, record_id: int, kind: str) -> tuple[Record, str]:
    """The record and the kind that the address names, for whoever may see the one and create the other."""
    require(CREATE)
    record = record_about(record_type, record_id)
    if record is None or kind not in TEMPLATES:
        abort(404)
    return record, kind


def _url(record: Record, kind: str) -> str:
    return url_for("activities.composing", record_type=record.__record_type__, record_id=record.id, kind=kind)


def _context(kind: str, errors: Errors | None = None) -> dict[str, Any]:
    label: Callable[[str], Any] = {option.code: option for option in OUTCOMES}.__getitem__
    return {
        "kind": kind,
        "days": DAYS,
        "next_days": NEXT_DAYS,
        "outcomes": [label(code) for code in outcomes_of(kind) if code != CANCELLED],
        "errors": errors or {},
        "values": request.form if errors else {"due": "1" if kind != TASK else "0", "next": SUGGESTED},
    }


def _page(record: Record, kind: str, errors: Errors | None = None) -> Response:
    """The form again with what is wrong: alone for a script, as a page otherwise."""
    fragment = "HX-Request" in request.headers
    template = TEMPLATES[kind] if fragment else "activities/compose.html"
    html = render_template(
        template,
        record=record,
        url=_url(record, kind),
        form=TEMPLATES[kind],
        title=LABELS[kind],
        back_url=my_day.url_of(record),
        **_context(kind, errors),
    )
    return make_response(html, REFUSED if errors else 200)
