"""Dashboards: looking at them, arranging them, and one card by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.errors import Blocked, ValidationError
from core.records.policy import may
from core.records.transfer.spelling import safe
from core.reports import dashboards
from core.reports.dashboards import SHARE, Placed
from core.reports.definition import check, source
from core.reports.models import Dashboard, DashboardCard
from core.reports.shown import ShownReport, show
from core.site.formats import reader_today
from core.site.site import session
from core.web.cards import LATER_TIME, draw, draw_all

dashboard_pages = Blueprint("dashboards", __name__)


@dashboard_pages.before_request
def signed_in_only() -> None:
    """Dashboards are for people who are signed in."""
    if acting().user_id is None:
        abort(404)


@dashboard_pages.get("/dashboards")
def listing() -> str:
    """The dashboards there are."""
    return _listing()


@dashboard_pages.post("/dashboards")
def create() -> BaseResponse | tuple[str, int]:
    """Add one."""
    try:
        made = dashboards.create(session, request.form.get("title", ""))
    except ValidationError as error:
        session.rollback()
        return _listing(errors=error.errors), 422
    except Blocked as reason:
        session.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("dashboards.listing"))
    session.commit()
    return redirect(url_for("dashboards.arrange", dashboard_id=made.id))


@dashboard_pages.post("/dashboards/home")
def arrange_home() -> BaseResponse:
    """Give the person a home page of his own, and let him arrange it."""
    own = dashboards.own_home(session)
    session.commit()
    return redirect(url_for("dashboards.arrange", dashboard_id=own.id))


@dashboard_pages.get("/dashboards/<int(max=2147483647):dashboard_id>")
def page(dashboard_id: int) -> str | BaseResponse:
    """One dashboard."""
    found = _visible(dashboard_id)
    if found.home:
        return redirect(url_for("home.page"))
    return render_template(
        "nova/dashboard.html",
        title=found.title,
        dashboard=found,
        cards=draw_all(dashboards.placed(found)),
        tabs=tabs(found),
        arrange_url=url_for("dashboards.arrange", dashboard_id=found.id) if dashboards.may_arrange(found) else None,
    )


def tabs(open_one: Dashboard | None) -> list[dict[str, Any]]:
    """The home page and the dashboards, for the row of tabs; nothing when there is only the home page."""
    found = dashboards.visible(session)
    home_is_open = open_one is None or open_one.home
    first = {"label": _("Home"), "url": url_for("home.page"), "active": home_is_open}
    others = [
        {
            "label": entry.title,
            "url": url_for("dashboards.page", dashboard_id=entry.id),
            "active": open_one is not None and entry.id == open_one.id,
        }
        for entry in found
    ]
    return [first, *others] if others else []


# --- arranging


@dashboard_pages.get("/dashboards/<int(max=2147483647):dashboard_id>/arrange")
def arrange(dashboard_id: int) -> str:
    """The dashboard with buttons on every card."""
    return _arranging(_own(dashboard_id))


def _arranging(found: Dashboard, errors: dict[str, Any] | None = None) -> str:
    taken = {card.name for card in found.cards}
    offered = [(key, str(card.title)) for key, (_plugin, card) in dashboards.offered_cards().items()]
    rows = [(card, dashboards.place(card)) for card in found.cards]
    return render_template(
        "nova/dashboard_arrange.html",
        title=_("Arrange %(name)s", name=found.title or _("Home")),
        dashboard=found,
        rows=[(card, entry.title if entry else card.title or card.name, entry is not None) for card, entry in rows],
        offered=[(key, title) for key, title in offered if key not in taken],
        may_share=may(SHARE.name),
        errors=errors or {},
        back_url=url_for("home.page") if found.home else url_for("dashboards.page", dashboard_id=found.id),
    )


@dashboard_pages.post("/dashboards/<int(max=2147483647):dashboard_id>/arrange")
def change(dashboard_id: int) -> BaseResponse | tuple[str, int]:
    """Do what the button says."""
    found = _own(dashboard_id)
    action = request.form.get("action", "")
    if action not in ACTIONS:
        abort(400)
    try:
        ACTIONS[action](found)
    except ValidationError as error:
        session.rollback()
        return _arranging(_own(dashboard_id), error.errors), 422
    except Blocked as reason:
        session.rollback()
        flash(str(reason), "danger")
    session.commit()
    if action == "order" and request.headers.get("HX-Request"):
        return Response(status=204)
    back = url_for("dashboards.arrange", dashboard_id=dashboard_id)
    chosen = request.form.get("card", "")
    return redirect(f"{back}#card-{chosen}" if chosen.isdigit() and action != "remove" else back)


def _order(found: Dashboard) -> None:
    ids = request.form.get("order", "").split(",")[:200]
    if not all(entry.isascii() and entry.isdigit() and len(entry) < 10 for entry in ids):
        abort(400)
    dashboards.reorder(found, [int(entry) for entry in ids])


ACTIONS: dict[str, Callable[[Dashboard], Any]] = {
    "earlier": lambda found: dashboards.step(found, _card(found), -1),
    "later": lambda found: dashboards.step(found, _card(found), 1),
    "wider": lambda found: dashboards.widen(_card(found), 1),
    "narrower": lambda found: dashboards.widen(_card(found), -1),
    "remove": lambda found: found.cards.remove(_card(found)),
    "add": lambda found: dashboards.add_card(found, request.form.get("name", "")),
    "order": _order,
    "rename": lambda found: dashboards.rename(
        found, request.form.get("title", ""), shared=bool(request.form.get("shared"))
    ),
}


@dashboard_pages.post("/dashboards/<int(max=2147483647):dashboard_id>/delete")
def delete(dashboard_id: int) -> BaseResponse:
    """Delete a dashboard; the home page is as everybody's again then."""
    found = _own(dashboard_id)
    is_home = found.home
    session.delete(found)
    session.commit()
    if is_home:
        flash(_("Your home page is as it was at first."), "success")
        return redirect(url_for("home.page"))
    flash(_("The dashboard “%(name)s” is deleted.", name=found.title), "success")
    return redirect(url_for("dashboards.listing"))


# --- one card


@dashboard_pages.get("/cards/<ref>/body")
def card_body(ref: str) -> str:
    """The inside of a card, for a page that did not wait for it."""
    drawn = draw(_placed(ref), LATER_TIME)
    return render_template("nova/_card_body.html", card=drawn) if drawn is not None else ""


@dashboard_pages.get("/cards/<ref>")
def card_page(ref: str) -> str:
    """A report on a page of its own."""
    placed = _placed(ref)
    if placed.report is None:
        abort(404)
    drawn = draw(placed, LATER_TIME)
    if drawn is None:
        abort(404)
    row = session.get(DashboardCard, placed.id) if placed.id is not None else None
    edit_url = None
    if row is not None and dashboards.may_arrange(row.dashboard):
        edit_url = url_for("reports.edit", dashboard_id=row.dashboard_id, card_id=row.id)
    return render_template("nova/report.html", title=placed.title, card=drawn, edit_url=edit_url)


@dashboard_pages.get("/cards/<ref>/table.csv")
def card_csv(ref: str) -> Response:
    """The table of a report as a file."""
    placed = _placed(ref)
    origin = source(placed.report.record_type) if placed.report is not None else None
    if placed.report is None or origin is None or not may(origin.view.screen.permission("export")):
        abort(404)
    try:
        check(placed.report, origin)
        text = csv_of(show(session, placed.report, origin))
    except ValidationError:
        abort(404)
    name = f"{origin.view.screen.name}-{reader_today():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # The mark tells spreadsheet programs that the file is UTF-8.
    return Response("\ufeff" + text, mimetype="text/csv", headers=headers)


def csv_of(report: ShownReport) -> str:
    """The table as comma-separated values, figures as plain numbers; with several currencies a column for each."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    columns = report.columns
    writer.writerow([safe(report.head), *(safe(column) for column in columns)])
    for label, values in report.plain_rows:
        writer.writerow([safe(label), *(format(value, "f") if value is not None else "" for value in values)])
    return buffer.getvalue()


# --- who may


def _placed(ref: str) -> Placed:
    return dashboards.find_card(session, ref) or _missing()


def _visible(dashboard_id: int) -> Dashboard:
    return dashboards.find(session, dashboard_id) or _missing()


def _own(dashboard_id: int) -> Dashboard:
    found = _visible(dashboard_id)
    return found if dashboards.may_arrange(found) else _missing()


def _card(found: Dashboard) -> DashboardCard:
    wanted = request.form.get("card", "")
    return next((card for card in found.cards if str(card.id) == wanted), None) or _missing()


def _missing() -> NoReturn:
    abort(404)


def _listing(errors: dict[str, Any] | None = None) -> str:
    found = dashboards.visible(session)
    return render_template(
        "nova/dashboards.html",
        title=_("Dashboards"),
        mine=[entry for entry in found if entry.owner_id == acting().user_id],
        shared=[entry for entry in found if entry.owner_id != acting().user_id],
        errors=errors or {},
        typed=request.form.get("title", ""),
    )
