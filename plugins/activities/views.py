"""The page «My activities», and what is done with one activity: tick it off, say what is next, move it, reopen it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from core import ValidationError, format_local_date, reader_today, require, session
from plugins.activities import my_day, services
from plugins.activities.about import record_about
from plugins.activities.forms import NEXT_DAYS, SUGGESTED, Errors, day_of, make, next_step_of, save, time_of, typed
from plugins.activities.models import KINDS, OUTCOMES, Activity
from plugins.activities.rules import outcomes_of

SEE, EDIT, CREATE = (f"activities.activity.{verb}" for verb in ("see", "edit", "create"))
REFUSED = 422
PER_PAGE = 50
LABELS = {
    my_day.OVERDUE: _l("Overdue"),
    my_day.TODAY: _l("Today"),
    my_day.UPCOMING: _l("Upcoming"),
    my_day.UNDATED: _l("Without a date"),
    my_day.DONE_TODAY: _l("Done today"),
}

activity_pages = Blueprint("activities", __name__, url_prefix="/activities")
ID = "int(max=9223372036854775807)"


@activity_pages.get("/mine")
def mine() -> Response:
    """The activities of whoever asks; ``?group=`` shows one group alone, ``?page=`` reads on in it."""
    require(SEE)
    group, text = request.args.get("group", ""), request.args.get("page", "1")
    if (group and group not in my_day.GROUPS) or not (text.isascii() and text.isdigit() and 0 < len(text) < 5):
        abort(400)
    page = max(int(text), 1)
    shown = [group] if group else [my_day.OVERDUE, my_day.TODAY, my_day.UPCOMING, my_day.UNDATED]
    limit = PER_PAGE if group else 15
    found = {name: my_day.mine(name, limit + 1, (page - 1) * limit if group else 0) for name in shown}
    rows = iter(my_day.lines([activity for some in found.values() for activity in some[:limit]]))
    sections = [
        {
            "name": name,
            "label": LABELS[name],
            "lines": [next(rows) for _activity in some[:limit]],
            "more_url": url_for("activities.mine", group=name, page=page + 1 if group else 1)
            if len(some) > limit
            else None,
        }
        for name, some in found.items()
    ]
    tabs = [{"label": _("To be done"), "url": url_for("activities.mine"), "active": not group}]
    tabs += [
        {"label": label, "url": url_for("activities.mine", group=name), "active": name == group}
        for name, label in LABELS.items()
    ]
    html = render_template("activities/mine.html", sections=sections, tabs=tabs, group=group, all_url=_list_url())
    return make_response(html)


@activity_pages.post(f"/<{ID}:activity_id>/tick")
def tick(activity_id: int) -> BaseResponse:
    """Say that it went well, and ask what is next."""
    activity = _editable(activity_id)
    errors = save(lambda: services.complete(activity)) if activity.is_open else {}
    if errors:
        return _refused(activity, errors)
    return _ask_next(activity)


@activity_pages.get(f"/<{ID}:activity_id>/next")
def ask_next(activity_id: int) -> BaseResponse:
    """What comes after a done activity?"""
    return _ask_next(_editable(activity_id))


@activity_pages.post(f"/<{ID}:activity_id>/next")
def plan_next(activity_id: int) -> BaseResponse:
    """Plan what was chosen; nothing is a choice too."""
    activity = _editable(activity_id)
    require(CREATE)
    made: Activity | None = None
    try:
        step = None if typed("nothing") else next_step_of(activity)
    except ValidationError as error:
        return _ask_next(activity, error.errors)
    if step is not None:
        made, errors = make(lambda: services.follow_up(activity, step))
        if errors:
            return _ask_next(activity, errors)
        if made is not None and not _is_fragment():
            told = _("“%(name)s” is planned for %(day)s.", name=made.subject, day=format_local_date(step.due))
            flash(told, "success")
    return _row(made or activity)


@activity_pages.get(f"/<{ID}:activity_id>/complete")
def completing(activity_id: int) -> Response:
    """The form that asks for outcome, a note and what is next at once."""
    return _complete_page(_editable(activity_id))


@activity_pages.post(f"/<{ID}:activity_id>/complete")
def complete(activity_id: int) -> BaseResponse:
    """Complete it as the form says."""
    activity = _editable(activity_id)
    outcome = typed("outcome")
    if outcome and outcome not in outcomes_of(activity.kind):
        abort(400)
    try:
        step = next_step_of(activity)
    except ValidationError as error:
        return _complete_page(activity, error.errors)

    def change() -> Activity:
        services.complete(activity, outcome or None, typed("note"), step)
        return activity

    _made, errors = make(change)
    if errors:
        return _complete_page(activity, errors)
    undo_url = url_for("activities.reopen", activity_id=activity.id)
    flash(_("“%(name)s” is done.", name=activity.subject), f"undo {undo_url}")
    return _back(activity)


@activity_pages.post(f"/<{ID}:activity_id>/reschedule")
def reschedule(activity_id: int) -> BaseResponse:
    """Move it to the day that was chosen or typed."""
    activity = _editable(activity_id)
    try:
        due, clock = day_of("due"), time_of("due_time")
    except ValidationError as error:
        return _refused(activity, error.errors)
    if due is None:
        abort(400)
    errors = save(lambda: services.reschedule(activity, due, clock))
    if errors:
        return _refused(activity, errors)
    return _row(activity)


@activity_pages.post(f"/<{ID}:activity_id>/reopen")
def reopen(activity_id: int) -> BaseResponse:
    """Take back that it is done."""
    activity = _editable(activity_id)
    errors = save(lambda: services.reopen(activity))
    return _refused(activity, errors) if errors else _row(activity)


def _editable(activity_id: int) -> Activity:
    activity = session.scalars(sa.select(Activity).where(Activity.id == activity_id)).one_or_none() or abort(404)
    require(EDIT, activity)
    return activity


def _is_fragment() -> bool:
    return "HX-Request" in request.headers


def _row(activity: Activity) -> BaseResponse:
    """The activity's row for a script, the page it came from for everybody else."""
    if not _is_fragment():
        return _back(activity)
    return make_response(render_template("activities/_row.html", line=my_day.lines([activity])[0], back=typed("back")))


def _ask_next(activity: Activity, errors: Errors | None = None) -> BaseResponse:
    # After a refusal the record is as it is stored, but its attributes may have expired.
    step = services.suggest_next(activity, reader_today())
    context = {
        "activity": activity,
        "line": my_day.lines([activity])[0],
        "kinds": [(option.code, option.label) for option in KINDS],
        "days": NEXT_DAYS[1:],
        "errors": errors or {},
        "values": request.form if errors else {"next": SUGGESTED, "next_subject": step.subject, "next_kind": step.kind},
        "back": request.values.get("back", ""),
        "back_url": _back_url(activity),
    }
    template = "activities/_next.html" if _is_fragment() else "activities/next.html"
    if not _is_fragment() and request.method == "POST" and not errors:
        return redirect(url_for("activities.ask_next", activity_id=activity.id, back=typed("back") or None))
    return make_response(render_template(template, **context), REFUSED if errors else 200)


def _complete_page(activity: Activity, errors: Errors | None = None) -> Response:
    codes = outcomes_of(activity.kind)
    labels = {option.code: option.label for option in OUTCOMES}
    step = services.suggest_next(activity, reader_today())
    html = render_template(
        "activities/complete.html",
        activity=activity,
        subject=record_about(activity.about_type, activity.about_id),
        outcomes=[(code, labels[code]) for code in codes],
        days=NEXT_DAYS,
        kinds=[(option.code, option.label) for option in KINDS],
        errors=errors or {},
        values=request.form
        if errors
        else {"outcome": activity.outcome or codes[0], "next": SUGGESTED, "next_subject": step.subject,
              "next_kind": step.kind},
        back=request.values.get("back", ""),
        back_url=_back_url(activity),
        fragment=_is_fragment(),
    )  # fmt: skip
    return make_response(html, REFUSED if errors else 200)


def _refused(activity: Activity, errors: Errors) -> BaseResponse:
    text = " ".join(map(str, errors.values()))
    if _is_fragment():
        return Response(text, status=409, mimetype="text/plain")
    flash(text, "danger")
    return _back(activity)


def _back(activity: Activity) -> BaseResponse:
    url = _back_url(activity)
    if _is_fragment():
        return Response(status=204, headers={"HX-Redirect": url})
    return redirect(url, 303)


def _back_url(activity: Activity) -> str:
    """The page that the field ``back`` names: home, mine, the record it is about, or its own page."""
    place = request.values.get("back", "")
    if place == "home":
        return url_for("home.page")
    if place == "mine":
        return url_for("activities.mine")
    subject = record_about(activity.about_type, activity.about_id) if place == "record" else None
    if subject is not None:
        return my_day.url_of(subject)
    return url_for("activities_activity.details_view", id=activity.id)


def _list_url() -> str:
    return url_for("activities_activity.index_view", sort="due")
