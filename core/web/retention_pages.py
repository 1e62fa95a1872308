"""Rules of retention: who is erased or anonymised by itself, what a rule would do, and what it did.

    /admin/privacy/rules/                 every rule, and the types that a new one can be about
    /admin/privacy/rules/<id>             what it would do (nothing is done), switching it on and off, its runs
    /admin/privacy/rules/<id>/edit        its form; saving switches it off
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts.actor import acting
from core.accounts.models import User
from core.admin.condition_builder import ConditionBuilder, lookup_of, preview
from core.admin.condition_draft import ALL, Row
from core.admin.formatters import record_link
from core.admin.lookup import PAGE
from core.errors import ConditionError, ValidationError
from core.jobs.models import JobRecord
from core.records.catalog import RecordType
from core.records.conditions import parse, sentence
from core.records.conditions.sentence import record_words
from core.records.counting import COUNT_LIMIT, bounded_count
from core.records.operations.models import ERASURE, STATES, Operation
from core.records.operations.running import state_now
from core.records.privacy.erasing import ANONYMISE, ERASE, file_of, subject_types, whats_missing
from core.records.privacy.erasures import MANAGE, matching
from core.records.privacy.models import RetentionRule
from core.records.privacy.retention import PROBLEMS, condition_of, delete_rule, save_rule, switch
from core.site.site import session
from core.web.privacy import part_of

MOST_RULES = 200
SHOWN = 5  # people of whom the dry run tells what would happen where
RUNS, LOOKED_THROUGH = 10, 300
SAVE = "save"
WAY_LABELS = {ANONYMISE: _l("Anonymise"), ERASE: _l("Erase")}
RULE = "/<int(max=2147483647):rule_id>"

retention_pages = Blueprint("retention", __name__, url_prefix="/admin/privacy/rules")


@retention_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage personal data."""
    if not acting().may(MANAGE):
        abort(404)


@retention_pages.get("/")
def listing() -> str:
    """The rules."""
    types = {entry.name: entry for entry in subject_types()}
    found = session.scalars(sa.select(RetentionRule).order_by(RetentionRule.name, RetentionRule.id).limit(MOST_RULES))
    return render_template(
        "core/retention_rules.html",
        rules=[(rule, _told(rule, types[rule.record_type])) for rule in found if rule.record_type in types],
        types=[(entry.plural, url_for("retention.new", record_type=entry.name)) for entry in types.values()],
        ways=WAY_LABELS,
    )


@retention_pages.route("/new/<record_type>", methods=["GET", "POST"])
def new(record_type: str) -> Response:
    """The form of a new rule; a post saves it, switched off."""
    return _form(_type(record_type), RetentionRule(name="", record_type=record_type, condition={}, way=ANONYMISE))


@retention_pages.route(f"{RULE}/edit", methods=["GET", "POST"])
def edit(rule_id: int) -> Response:
    """The form of a rule; a post saves it, and switches it off."""
    rule, entry = _rule(rule_id)
    return _form(entry, rule)


@retention_pages.get(RULE)
def page(rule_id: int) -> str:
    """What the rule would do now, without doing it, and what it did."""
    rule, entry = _rule(rule_id)
    condition = condition_of(rule, entry)
    owner = session.get(User, rule.owner_id) if rule.owner_id is not None else None
    dry: dict[str, Any] = {}
    if condition is not None:
        model: Any = entry.model
        found = matching(entry, condition, rule.way)
        count = bounded_count(session, found, model, COUNT_LIMIT, (f"retention {rule.way}", condition.text))
        people = session.scalars(found.order_by(model.id).limit(SHOWN)).unique().all()
        dry = {
            "count": count,
            "records": record_words(entry, count.number),
            "people": [_would(person, rule.way) for person in people],
        }
    return render_template(
        "core/retention_rule.html",
        rule=rule,
        told=_told(rule, entry),
        way=WAY_LABELS[rule.way],
        owner=owner,
        problem=PROBLEMS.get(rule.problem, ""),
        dry=dry,
        runs=_runs(rule),
    )


@retention_pages.post(f"{RULE}/<any(on, off):state>")
def turn(rule_id: int, state: str) -> Response:
    """Switch the rule on or off."""
    rule, entry = _rule(rule_id)
    if state == "on" and condition_of(rule, entry) is None:
        abort(400)
    switch(session, rule, on=state == "on")
    session.commit()
    text = _("The rule “%(name)s” is on. It runs once a day.") if rule.active else _("The rule “%(name)s” is off.")
    flash(text % {"name": rule.name}, "success")
    return redirect(url_for("retention.page", rule_id=rule.id), 303)


@retention_pages.post(f"{RULE}/delete")
def delete(rule_id: int) -> Response:
    """Take the rule away."""
    rule, _entry = _rule(rule_id)
    delete_rule(session, rule)
    session.commit()
    flash(_("The rule “%(name)s” was deleted.", name=rule.name), "success")
    return redirect(url_for("retention.listing"), 303)


@retention_pages.get("/lookup/<record_type>")
def lookup(record_type: str) -> Any:
    """What the picker of a condition's value offers: pairs of id and name."""
    found = lookup_of(_type(record_type), request.args.get("name", ""))
    if found is None:
        abort(400)
    return jsonify([[row.id, str(row)] for row in found.find(request.args.get("query", ""), limit=PAGE)])


def _type(name: str) -> RecordType:
    return next((entry for entry in subject_types() if entry.name == name), None) or abort(404)


def _rule(rule_id: int) -> tuple[RetentionRule, RecordType]:
    rule = session.get(RetentionRule, rule_id) or abort(404)
    return rule, _type(rule.record_type)


def _told(rule: RetentionRule, entry: RecordType) -> str:
    condition = condition_of(rule, entry)
    return sentence(condition) if condition is not None else str(PROBLEMS["condition"])


def _would(person: Any, way: str) -> dict[str, Any]:
    """What would happen to one person, source by source, or why nothing would."""
    held = file_of(session, person)
    return {
        "link": record_link(person) if person.archived_at is None else str(person),
        "url": url_for("privacy.erasing", record_type=person.__record_type__, record_id=person.id, way=way),
        "missing": whats_missing(session, person, held),
        "parts": [part_of(one, whole=way == ERASE, person=person) for one in held],
    }


def _runs(rule: RetentionRule) -> list[dict[str, Any]]:
    asked = sa.select(Operation).where(Operation.kind == ERASURE, Operation.record_type == rule.record_type)
    last = session.scalars(asked.order_by(Operation.started_at.desc()).limit(LOOKED_THROUGH))
    found = [op for op in last if op.plan.get("rule") == rule.id][:RUNS]
    asked_jobs = sa.select(JobRecord).where(JobRecord.id.in_([op.job_id for op in found]))
    jobs = {job.id: job for job in session.scalars(asked_jobs)}
    rows = []
    for op in found:
        label, color = STATES[state_now(op, jobs.get(op.job_id or ""))]
        rows.append({"op": op, "label": label, "color": color, "url": url_for("operations.one", op_id=op.id)})
    return rows


def _form(entry: RecordType, rule: RetentionRule) -> Response:
    builder = ConditionBuilder(entry)
    if not builder.read(request.values):
        condition = condition_of(rule, entry) if rule.condition else None
        if condition is not None:
            builder.open(condition)
        if not builder.draft.parts:
            builder.draft.parts.append(Row(fresh=True))
    errors: dict[str, Any] = {}
    try:
        condition = builder.condition()
    except ConditionError as error:
        condition, errors["condition"] = parse({ALL: []}, entry), str(error.message)
    sent = "name" in request.values
    values = {name: request.values.get(name, "") if sent else getattr(rule, name) for name in ("name", "way")}
    if request.method == "POST" and request.form.get("do") == SAVE:
        if builder.missing or builder.errors:
            builder.errors |= {place: _("Choose or write a value.") for place in builder.missing}
            errors["condition"] = _("Finish the condition first.")
        if not errors:
            try:
                save_rule(session, rule, values["name"], condition, values["way"])
            except ValidationError as error:
                session.rollback()
                errors |= error.errors
            else:
                session.commit()
                flash(_("The rule “%(name)s” is saved, and off. Look at what it would do, and switch it on.",
                        name=rule.name), "success")  # fmt: skip
                return redirect(url_for("retention.page", rule_id=rule.id), 303)
    way = values["way"] if values["way"] in WAY_LABELS else ANONYMISE
    html = render_template(
        "core/retention_form.html",
        rule=rule,
        record_type=entry,
        here=request.path,
        back=url_for("retention.page", rule_id=rule.id) if rule.id else url_for("retention.listing"),
        lookup_url=url_for("retention.lookup", record_type=entry.name),
        builder=builder.parts(),
        ways=list(WAY_LABELS.items()),
        values=values,
        errors=errors,
        unfinished=len(builder.missing),
        **preview(session, condition, matching(entry, condition, way), f"retention {way}"),
    )
    return make_response(html, 422 if errors and request.method == "POST" else 200)
