"""The record rules of a role: conditions under which it reaches records of a type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from core.accounts.models import Role, role_label
from core.accounts.rights import plain_rule
from core.accounts.roles import MOST_RULES, RecordRule, rules_of, touch
from core.accounts.security import accounts
from core.admin.condition_builder import ConditionBuilder, lookup_of, preview
from core.admin.condition_draft import ALL, Row
from core.admin.lookup import PAGE
from core.errors import ConditionError
from core.parts import RECORD_VERBS
from core.records.audit import record_act
from core.records.catalog import RecordType
from core.records.conditions import Condition, parse
from core.records.scopes import leads_back, read_rule
from core.site.site import current_site
from core.text import clean
from core.web.roles import AUDITED, VERB_LABELS, YES_OR_NO, editable_role, role_pages

NAME_LENGTH = 120
# A rule narrows what is done to records that are there, or that are being made.
VERBS = tuple(verb for verb in RECORD_VERBS if verb not in YES_OR_NO)
SAVE = "save"


@role_pages.route("/<int(max=2147483647):role_id>/rules/new/<record_type>", methods=["GET", "POST"])
def new_rule(role_id: int, record_type: str) -> BaseResponse:
    """The form of a new rule; a post saves it."""
    role = editable_role(role_id)
    if len(rules_of(accounts().database.session(), role)) >= MOST_RULES:
        flash(_("A role has at most %(count)s rules.", count=MOST_RULES), "danger")
        return redirect(url_for("roles.details", role_id=role_id), 303)
    return _rule_page(role, _type(record_type), RecordRule(record_type=record_type, name="", verbs=["see"]))


@role_pages.route("/<int(max=2147483647):role_id>/rules/<int(max=2147483647):rule_id>", methods=["GET", "POST"])
def rule(role_id: int, rule_id: int) -> BaseResponse:
    """The form of a rule; a post saves it."""
    role, found = editable_role(role_id), _rule(role_id, rule_id)
    return _rule_page(role, _type(found.record_type), found)


@role_pages.post("/<int(max=2147483647):role_id>/rules/<int(max=2147483647):rule_id>/delete")
def delete_rule(role_id: int, rule_id: int) -> BaseResponse:
    """Take a rule away."""
    work, role, found = accounts().database.session(), editable_role(role_id), _rule(role_id, rule_id)
    _tell(role, found, found.condition, None)
    work.delete(found)
    touch(role)
    work.commit()
    flash(_("The rule “%(name)s” was deleted.", name=found.name), "success")
    return redirect(url_for("roles.details", role_id=role_id), 303)


@role_pages.get("/lookup/<record_type>")
def rule_lookup(record_type: str) -> Response:
    """What the picker of a condition's value offers: pairs of id and name."""
    lookup = lookup_of(_type(record_type), request.args.get("name", ""))
    if lookup is None:
        abort(400)
    return jsonify([[row.id, str(row)] for row in lookup.find(request.args.get("query", ""), limit=PAGE)])


def _rule(role_id: int, rule_id: int) -> RecordRule:
    found: RecordRule | None = accounts().database.session.get(RecordRule, rule_id)
    return found if found is not None and found.role_id == role_id else abort(404)


def _type(name: str) -> RecordType:
    catalog = current_site().catalog
    return catalog.find(name) if name in catalog else abort(404)


def _rule_page(role: Role, entry: RecordType, found: RecordRule) -> BaseResponse:
    builder = ConditionBuilder(entry)
    if not builder.read(request.values):
        condition = read_rule(entry, plain_rule(found)) if found.condition else None
        if condition is not None:
            builder.open(condition)
        if not builder.draft.parts:
            builder.draft.parts.append(Row(fresh=True))
    errors: dict[str, str] = {}
    try:
        condition = builder.condition()
    except ConditionError as error:
        condition, errors["condition"] = parse({ALL: []}, entry), str(error.message)
    sent = "name" in request.values
    name = " ".join(clean(request.values.get("name", "")).split())[:NAME_LENGTH] if sent else found.name
    verbs = [verb for verb in VERBS if verb in request.values.getlist("verb")] if sent else list(found.verbs)
    if request.method == "POST" and request.form.get("do") == SAVE:
        errors |= _problems(role, found, entry, builder, condition, name, verbs)
        if not errors:
            return _save(role, found, condition, name, verbs)
    html = render_template(
        "core/role_rule.html",
        role=role,
        label=role_label(role.name),
        record_type=entry,
        rule=found,
        here=request.path,
        lookup_url=url_for("roles.rule_lookup", record_type=entry.name),
        builder=builder.parts(),
        verbs=[(verb, VERB_LABELS[verb], verb in verbs) for verb in VERBS],
        values={"name": name},
        errors=errors,
        unfinished=len(builder.missing),
        **preview(accounts().database.session(), condition),
    )
    return make_response(html, 422 if errors and request.method == "POST" else 200)


def _problems(
    role: Role, found: RecordRule, entry: RecordType, builder: ConditionBuilder, condition: Condition, name: str,
    verbs: Iterable[str],
) -> Mapping[str, str]:  # fmt: skip
    errors = {}
    if not name:
        errors["name"] = _("This field is required.")
    if not list(verbs):
        errors["verb"] = _("Choose at least one.")
    if builder.missing or builder.errors:
        builder.errors |= {place: _("Choose or write a value.") for place in builder.missing}
        errors["condition"] = _("Finish the condition first.")
    elif condition.is_everything:
        errors["condition"] = _("A rule needs a condition.")
    elif leads_back(entry, condition, _rules_of_others(found)):
        errors["condition"] = _(
            "This condition leads back to “%(type)s” by way of the rules there are, and would ask for itself.",
            type=entry.plural,
        )
    return errors


def _rules_of_others(found: RecordRule) -> list[tuple[RecordType, Condition]]:
    """Every other rule that can be read, of whatever role: one person may have them all."""
    catalog, others = current_site().catalog, []
    statement = sa.select(RecordRule).where(RecordRule.id != (found.id or 0))
    for other in accounts().database.session.scalars(statement):
        entry = catalog.find(other.record_type) if other.record_type in catalog else None
        condition = read_rule(entry, plain_rule(other)) if entry is not None else None
        if entry is not None and condition is not None:
            others.append((entry, condition))
    return others


def _save(role: Role, found: RecordRule, condition: Condition, name: str, verbs: list[str]) -> BaseResponse:
    work = accounts().database.session()
    before = dict(found.condition or {}) or None
    found.role_id, found.name, found.verbs, found.condition = role.id, name, verbs, condition.tree
    work.add(found)
    _tell(role, found, before, condition.tree)
    touch(role)
    work.commit()
    flash(_("The rule “%(name)s” is saved.", name=name), "success")
    return redirect(url_for("roles.details", role_id=role.id), 303)


def _tell(role: Role, rule: RecordRule, before: Any, after: Any) -> None:
    told = {"role": (None, role.name), "rule": (None, rule.name), "condition": (before, after)}
    record_act(accounts().database.session(), AUDITED, "rule_changed", told)
