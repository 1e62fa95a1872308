"""Making a report in the browser: choose what it is about, then how it is counted and drawn."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.errors import Blocked, ValidationError
from core.parts import Report
from core.reports import dashboards
from core.reports.definition import CHARTS, EVERY, MEASURES, SPANS, Source, check, read_report, source, sources, stored
from core.reports.models import Dashboard, DashboardCard
from core.site.site import session

report_pages = Blueprint("reports", __name__, url_prefix="/dashboards/<int(max=2147483647):dashboard_id>/report")


@report_pages.before_request
def signed_in_only() -> None:
    """Reports are for people who are signed in."""
    if acting().user_id is None:
        abort(404)


@report_pages.get("")
def new(dashboard_id: int) -> str:
    """What the report is about, and once that is chosen its form."""
    found = _own(dashboard_id)
    origin = _origin(request.args.get("record_type", ""))
    if origin is None:
        return render_template("nova/report_new.html", title=_("New report"), dashboard=found, sources=sources())
    return _form(found, None, origin, {"title": "", "chart": "bar", "every": "month"}, {})


@report_pages.post("")
def create(dashboard_id: int) -> BaseResponse | tuple[str, int]:
    """Put the report on the dashboard."""
    return _save(_own(dashboard_id), None)


@report_pages.get("/<int(max=2147483647):card_id>")
def edit(dashboard_id: int, card_id: int) -> str:
    """The form of a report that is there."""
    found = _own(dashboard_id)
    card = _report_of(found, card_id)
    report = read_report(card.report or {})
    origin = source(report.record_type) or abort(404)
    address = f"?{urlencode(report.filters)}" if report.filters else ""
    values = {**stored(report), "title": card.title, "filters": address}
    return _form(found, card, origin, values, {})


@report_pages.post("/<int(max=2147483647):card_id>")
def save(dashboard_id: int, card_id: int) -> BaseResponse | tuple[str, int]:
    """Change a report."""
    found = _own(dashboard_id)
    return _save(found, _report_of(found, card_id))


def _save(found: Dashboard, card: DashboardCard | None) -> BaseResponse | tuple[str, int]:
    origin = _origin(request.form.get("record_type", "")) or abort(404)
    title = request.form.get("title", "")
    errors: dict[str, Any] = {} if title.strip() else {"title": _("This field is required.")}
    report = Report(record_type="")
    try:
        report = read_report(request.form)
        check(report, origin)
    except ValidationError as error:
        errors |= error.errors
    if errors:
        return _form(found, card, origin, request.form.to_dict(), errors), 422
    try:
        dashboards.put_report(found, card, title, stored(report))
    except Blocked as reason:
        session.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("dashboards.arrange", dashboard_id=found.id))
    session.commit()
    flash(_("The report “%(name)s” is saved.", name=title.strip()), "success")
    return redirect(url_for("home.page") if found.home else url_for("dashboards.page", dashboard_id=found.id))


def _form(
    found: Dashboard, card: DashboardCard | None, origin: Source, values: dict[str, Any], errors: dict[str, Any]
) -> str:
    def choices(fields: Any) -> list[tuple[str, str]]:
        return [(name, str(field.label)) for name, field in fields.items()]

    def words(labels: Any) -> list[tuple[str, str]]:
        return [(name, str(label)) for name, label in labels.items()]

    screen = origin.view.screen
    return render_template(
        "nova/report_form.html",
        title=_("Report of %(name)s", name=screen.plural) if card is None else card.title,
        dashboard=found,
        card=card,
        record_type=screen.name,
        list_url=url_for(f"{screen.endpoint}.index_view"),
        values=values,
        errors=errors,
        groups=[("", _("Nothing: one number")), *choices(origin.groups)],
        splits=[("", _("Nothing")), *choices(origin.splits)],
        numbers=[("", "—"), *choices(origin.numbers)],
        weights=[("", "—"), *choices(origin.weights)],
        every=words(EVERY),
        spans=words(SPANS),
        measures=words(MEASURES),
        charts=words(CHARTS),
    )


def _origin(record_type: str) -> Source | None:
    """What the report is about, None while nothing is chosen. Anything unknown or hidden is missing."""
    return (source(record_type) or abort(404)) if record_type else None


def _own(dashboard_id: int) -> Dashboard:
    found = dashboards.find(session, dashboard_id)
    return found if found is not None and dashboards.may_arrange(found) else abort(404)


def _report_of(found: Dashboard, card_id: int) -> DashboardCard:
    card = next((card for card in found.cards if card.id == card_id and card.report is not None), None)
    return card if card is not None else abort(404)
