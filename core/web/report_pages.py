"""Making a report in the browser: choose what it is about, then how it is counted and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.actor import acting
from core.admin.condition_builder import ConditionBuilder, lookup_of, preview
from core.admin.condition_draft import ALL, Row
from core.admin.lookup import PAGE
from core.errors import Blocked, ConditionError, ValidationError
from core.parts import Report
from core.records.conditions import Condition, parse
from core.reports import dashboards
from core.reports.definition import (
    CHARTS,
    EVERY,
    LONGEST_CONDITION,
    MEASURES,
    SPANS,
    Source,
    check,
    read_report,
    source,
    sources,
    stored,
)
from core.reports.models import Dashboard, DashboardCard
from core.site.site import session

SAVE = "save"

report_pages = Blueprint("reports", __name__, url_prefix="/dashboards/<int(max=2147483647):dashboard_id>/report")


@report_pages.before_request
def signed_in_only() -> None:
    """Reports are for people who are signed in."""
    if acting().user_id is None:
        abort(404)


@report_pages.route("", methods=["GET", "POST"])
def new(dashboard_id: int) -> BaseResponse | str:
    """What the report is about, and once that is chosen its form; a post puts the report on the dashboard."""
    found = _own(dashboard_id)
    origin = _origin(request.values.get("record_type", ""))
    if origin is None and request.method == "GET":
        return render_template("nova/report_new.html", title=_("New report"), dashboard=found, sources=sources())
    return _report_page(found, None, origin or abort(404), {"title": "", "chart": "bar", "every": "month"})


@report_pages.route("/<int(max=2147483647):card_id>", methods=["GET", "POST"])
def edit(dashboard_id: int, card_id: int) -> BaseResponse:
    """The form of a report that is there; a post changes it."""
    found = _own(dashboard_id)
    card = _report_of(found, card_id)
    origin = source(str((card.report or {}).get("record_type", ""))) or abort(404)
    return _report_page(found, card, origin, {**(card.report or {}), "title": card.title})


@report_pages.get("/lookup/<record_type>")
def lookup(dashboard_id: int, record_type: str) -> Response:
    """What the picker of a condition's value offers: pairs of id and name."""
    _own(dashboard_id)
    origin = _origin(record_type) or abort(404)
    found = lookup_of(origin.view.record_type, request.args.get("name", ""))
    if found is None:
        abort(400)
    return jsonify([[row.id, str(row)] for row in found.find(request.args.get("query", ""), limit=PAGE)])


def _report_page(
    found: Dashboard, card: DashboardCard | None, origin: Source, values: Mapping[str, Any]
) -> BaseResponse:
    """The form with what was typed, or else with ``values``; a post without a button of the builder saves."""
    builder = ConditionBuilder(origin.view.record_type)
    errors: dict[str, Any] = {}
    sent = builder.read(request.values)
    if sent or request.method == "POST":
        values = request.values.to_dict() | {"record_type": origin.view.screen.name}
    elif values.get("filters"):
        try:
            builder.open(origin.condition(read_report(values)))
        except ValidationError as error:  # the module of a field went away
            errors |= error.errors
    if not builder.draft.parts:
        builder.draft.parts.append(Row())
    try:
        condition = builder.condition()
    except ConditionError as error:
        condition, errors["filters"] = parse({ALL: []}, origin.view.record_type), str(error.message)
    if request.method == "POST" and request.form.get("do", SAVE) == SAVE:
        errors |= _problems(origin, builder, condition, values)
        if not errors:
            return _save(found, card, _report(values, condition), values["title"].strip())
    html = _form(found, card, origin, builder, condition, values, errors)
    return make_response(html, 422 if errors and request.method == "POST" else 200)


def _report(values: Mapping[str, Any], condition: Condition) -> Report:
    """The report that the form describes; what it is narrowed by is one condition."""
    narrowing = {} if condition.is_everything else {"where": condition.text}
    return read_report({**values, "filters": narrowing})


def _problems(
    origin: Source, builder: ConditionBuilder, condition: Condition, values: Mapping[str, Any]
) -> dict[str, Any]:
    errors: dict[str, Any] = {}
    if not str(values.get("title", "")).strip():
        errors["title"] = _("This field is required.")
    if not builder.is_whole:
        builder.errors |= {place: _("Choose or write a value.") for place in builder.missing}
        errors["filters"] = _("Finish the condition first.")
    elif len(condition.text) > LONGEST_CONDITION:
        errors["filters"] = _("This condition is too long.")
    try:
        check(_report(values, condition), origin)
    except ValidationError as error:
        errors |= error.errors
    return errors


def _save(found: Dashboard, card: DashboardCard | None, report: Report, title: str) -> BaseResponse:
    try:
        dashboards.put_report(found, card, title, stored(report))
    except Blocked as reason:
        session.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("dashboards.arrange", dashboard_id=found.id))
    session.commit()
    flash(_("The report “%(name)s” is saved.", name=title), "success")
    return redirect(url_for("home.page") if found.home else url_for("dashboards.page", dashboard_id=found.id))


def _form(
    found: Dashboard, card: DashboardCard | None, origin: Source, builder: ConditionBuilder, condition: Condition,
    values: Mapping[str, Any], errors: Mapping[str, Any],
) -> str:  # fmt: skip
    def choices(fields: Any) -> list[tuple[str, str]]:
        return [(name, str(field.label)) for name, field in fields.items()]

    def words(labels: Any) -> list[tuple[str, str]]:
        return [(name, str(label)) for name, label in labels.items()]

    screen = origin.view.screen
    return render_template(
        "nova/report_form.html",
        title=_("Report of %(name)s", name=screen.plural) if card is None else card.title,
        dashboard=found,
        record_type=screen.name,
        here=request.path,
        lookup_url=url_for("reports.lookup", dashboard_id=found.id, record_type=screen.name),
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
        builder=builder.parts(),
        unfinished=len(builder.missing),
        **preview(session, condition),
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
