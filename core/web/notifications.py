"""The inbox under `/notifications`, the bell above every page, and what somebody wants to be told of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.accounts.models import now
from core.admin.ids import read_id
from core.mail.server import has_server
from core.notifications import choices, inbox
from core.notifications.models import Notification
from core.parts import APP, CHANNELS, DIGEST, MAIL, OFF
from core.site.formats import format_number, reader_day, reader_today, to_reader_time
from core.site.site import current_site, session
from core.web.told import Told, told

PER_PAGE = 50
ID = "int(max=9223372036854775807)"
CHANNEL_LABELS = {
    APP: _l("Here"),
    MAIL: _l("Here and by mail at once"),
    DIGEST: _l("Here and in one mail a day"),
    OFF: _l("Not at all"),
}
MORNING = dt.timedelta(hours=8)

notification_pages = Blueprint("notifications", __name__, url_prefix="/notifications")


@notification_pages.get("/")
def listing() -> Response:
    """The inbox, newest first; ``?show=unread`` leaves out what was read, ``?before=`` reads on."""
    show, text = request.args.get("show", ""), request.args.get("before")
    before = read_id(text) if text is not None else None
    if show not in ("", "unread") or (text is not None and before is None):
        abort(400)
    rows = inbox.page(session, _reader(), PER_PAGE + 1, before=before, unread=show == "unread")
    shown = told(rows[:PER_PAGE])
    more = len(rows) > PER_PAGE
    html = render_template(
        "nova/inbox.html",
        days=_days(shown),
        show=show,
        newest=shown[0].id if shown and before is None else None,
        any_new=any(entry.is_new for entry in shown),
        more_url=url_for("notifications.listing", show=show or None, before=shown[-1].id) if more else None,
    )
    return make_response(html)


@notification_pages.get("/bell")
def bell() -> Response:
    """How many are new, for the bell above every page; nothing when none is."""
    count = inbox.unread_count(session, _reader())
    if not count:
        return Response("")
    many = count >= inbox.COUNTED
    shown = f"{format_number(inbox.COUNTED - 1)}+" if many else format_number(count)
    spoken = ngettext("%(count)s new notification", "%(count)s new notifications", count, count=shown)
    return Response(
        Markup('<span class="bell-n" aria-hidden="true">{}</span><span class="visually-hidden">{}</span>').format(
            shown, spoken
        )
    )


@notification_pages.post(f"/<{ID}:number>/open")
def open_one(number: int) -> BaseResponse:
    """Mark one read and go where it leads."""
    row = _own(number)
    row.read_at = row.read_at or now()
    (entry,) = told([row])
    session.commit()
    return redirect(entry.url or url_for("notifications.listing"), 303)


@notification_pages.post(f"/<{ID}:number>/mark")
def mark(number: int) -> BaseResponse:
    """Mark one read, or new again."""
    row = _own(number)
    if request.form.get("as") not in ("read", "new"):
        abort(400)
    row.read_at = now() if request.form["as"] == "read" else None
    session.commit()
    return _back()


@notification_pages.post(f"/<{ID}:number>/snooze")
def snooze(number: int) -> BaseResponse:
    """Take one out of the inbox for some hours, or until a morning."""
    row = _own(number)
    until = {
        "3h": now() + dt.timedelta(hours=3),
        "tomorrow": reader_day(reader_today() + dt.timedelta(days=1))[0] + MORNING,
        "week": reader_day(reader_today() + dt.timedelta(days=7))[0] + MORNING,
    }.get(request.form.get("until", ""))
    if until is None:
        abort(400)
    inbox.snooze(row, until)
    session.commit()
    flash(_("It comes back later."), "success")
    return _back()


@notification_pages.post("/read")
def read_all() -> BaseResponse:
    """Mark everything read that the reader has been shown."""
    upto = read_id(request.form.get("upto", ""))
    if upto is None:
        abort(400)
    inbox.mark_all_read(session, _reader(), upto)
    session.commit()
    return _back()


@notification_pages.post(f"/<{ID}:number>/mute")
def mute(number: int) -> BaseResponse:
    """Hear no more of this kind, or of this record."""
    row = _own(number)
    what = request.form.get("what", "")
    if what == "type" and row.type in choices.types():
        choices.choose(session, _reader(), {row.type: OFF})
        flash(_("You are not told of this kind any more. Your profile has the choice."), "success")
    elif what == "record" and row.record_type and row.record_id is not None:
        choices.mute(session, _reader(), row.record_type, row.record_id)
        flash(_("You are not told about this record any more."), "success")
    else:
        abort(400)
    row.read_at = row.read_at or now()
    session.commit()
    return _back()


@notification_pages.post("/choices")
def choose() -> BaseResponse:
    """Store what somebody wants to be told of, from the profile page."""
    known = choices.types()
    asked = {name.removeprefix("on-"): value for name, value in request.form.items() if name.startswith("on-")}
    if not set(asked) <= set(known) or not set(asked.values()) <= set(CHANNELS):
        abort(400)
    choices.choose(session, _reader(), asked)
    session.commit()
    flash(_("Your choices are saved."), "success")
    return redirect(url_for("profile.index", _anchor="notifications"), 303)


def offered() -> dict[str, Any]:
    """What the profile page shows of the choices."""
    chosen = choices.channels_of(session, _reader())
    rows = [
        {"name": name, "label": kind.label, "icon": kind.icon, "channel": chosen[name]}
        for name, kind in choices.types().items()
    ]
    return {
        "rows": rows,
        "channels": list(CHANNEL_LABELS.items()),
        "has_mail": has_server(session, current_site().runtime.config),
    }


def _days(entries: Sequence[Told]) -> list[dict[str, Any]]:
    days: list[dict[str, Any]] = []
    for entry in entries:
        day = to_reader_time(entry.at).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "entries": []})
        days[-1]["entries"].append(entry)
    return days


def _reader() -> int:
    number = acting().user_id
    return number if number is not None else abort(404)


def _own(number: int) -> Notification:
    return inbox.own(session, _reader(), number) or abort(404)


def _back() -> BaseResponse:
    show = "unread" if request.form.get("show") == "unread" else None
    return redirect(url_for("notifications.listing", show=show), 303)
