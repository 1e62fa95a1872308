"""The roles screen: what each role grants, as a matrix of record types and verbs.

    /admin/roles/                        every role, and the form of a new one
    /admin/roles/<id>                    its name, its matrix, and what it grants besides
    /admin/roles/<id>/fields/<type>      its rights on the fields of one record type (core.web.role_fields)
    /admin/roles/<id>/rules/…            its record rules (core.web.role_rules)

Whoever may manage roles could grant himself everything, so that right is the administrators' alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts import roles, second_factor
from core.accounts.actor import acting
from core.accounts.models import Role, role_label
from core.accounts.rights import ALL, NONE, OWN, SCOPES, TEAM, TEAMS, plain_rule
from core.accounts.roles import RoleGrant
from core.accounts.security import accounts
from core.errors import Blocked, ValidationError
from core.parts import ADMINISTRATOR, EVERYONE, RECORD_VERBS, USER, Permission
from core.records.audit import record_act
from core.records.conditions import sentence
from core.records.explaining import known_types
from core.records.scopes import read_rule
from core.site.site import current_site
from core.web.accounts import typed

MANAGE_ROLES = Permission("core.roles.manage", _l("Manage roles"), (ADMINISTRATOR,))
MOST_ROLES = 200
AUDITED = "core.role"
VERB_LABELS = {
    "see": _l("See"),
    "create": _l("Create"),
    "edit": _l("Edit"),
    "delete": _l("Delete"),
    "export": _l("Export"),
    "import": _l("Import"),
    "bulk": _l("Change many"),
}
SHORT_SCOPES = {NONE: _l("No"), OWN: _l("Own"), TEAM: _l("Team"), TEAMS: _l("Team and below"), ALL: _l("All")}
# Of these verbs a role has all or nothing: each record is asked about again when it is written.
YES_OR_NO = ("import", "bulk")

role_pages = Blueprint("roles", __name__, url_prefix="/admin/roles")


@role_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage roles."""
    if not acting().may(MANAGE_ROLES.name):
        abort(404)


@role_pages.get("/")
def listing() -> Response:
    """The roles, and the form of a new one."""
    return _listing()


@role_pages.post("/")
def create() -> Response:
    """Add a role, empty or as a copy of another."""
    work, source = accounts().database.session(), typed("copy")
    try:
        if source:
            original = _role(int(source) if source.isascii() and source.isdigit() and len(source) < 10 else 0)
            role = roles.copy_role(work, original, typed("name"), _scopes_of(original))
        else:
            role = Role(name="", permissions=[])
            roles.save_role(work, role, typed("name"))
        work.flush()
    except ValidationError as error:
        work.rollback()
        return _listing(errors=error.errors, values=request.form, status=422)
    record_act(work, AUDITED, "role_made", {"role": (None, role.name), "copy of": (None, source or None)})
    work.commit()
    flash(_("The role “%(name)s” was made. Say what it grants.", name=role.name), "success")
    return redirect(url_for("roles.details", role_id=role.id), 303)


@role_pages.get("/<int(max=2147483647):role_id>")
def details(role_id: int) -> Response:
    """One role with everything it grants."""
    return _details(_role(role_id))


@role_pages.post("/<int(max=2147483647):role_id>")
def change(role_id: int) -> Response:
    """Store the name and the matrix of a role."""
    work, role = accounts().database.session(), editable_role(role_id)
    before, name = _scopes_of(role), role.name
    try:
        roles.save_role(work, role, typed("name") or role.name, typed("description"))
    except ValidationError as error:
        work.rollback()
        return _details(_role(role_id), errors=error.errors, status=422)
    wanted = _posted_scopes()
    changed = {key: scope for key, scope in wanted.items() if before.get(key, NONE) != scope}
    roles.set_grants(work, role, changed)
    told: dict[str, tuple[Any, Any]] = {key: (before.get(key, NONE), scope) for key, scope in changed.items()}
    if role.name != name:
        told["name"] = (name, role.name)
    if told:
        record_act(work, AUDITED, "rights_changed", {"role": (None, role.name), **told})
    work.commit()
    label = role_label(role.name)
    flash(_("The role “%(name)s” is saved. It counts from everybody's next page.", name=label), "success")
    return redirect(url_for("roles.details", role_id=role_id), 303)


@role_pages.post("/<int(max=2147483647):role_id>/two-step")
def two_step(role_id: int) -> Response:
    """Require two-step sign-in of whoever has the role, or no longer."""
    work, role = accounts().database.session(), _role(role_id)
    if set(request.form) - {"csrf_token", "required"}:
        abort(400)
    second_factor.require_of(work, role, required=typed("required") == "1")
    work.commit()
    flash(_("Saved. Whoever has such a role sets it up at the next page."), "success")
    return redirect(url_for("roles.details", role_id=role_id), 303)


@role_pages.post("/<int(max=2147483647):role_id>/delete")
def delete(role_id: int) -> Response:
    """Delete a role that nobody has."""
    work, role = accounts().database.session(), _role(role_id)
    try:
        roles.delete_role(work, role)
    except Blocked as reason:
        work.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("roles.details", role_id=role_id), 303)
    record_act(work, AUDITED, "role_deleted", {"role": (role.name, None)})
    work.commit()
    flash(_("The role “%(name)s” was deleted.", name=role.name), "success")
    return redirect(url_for("roles.listing"), 303)


def _role(role_id: int) -> Role:
    found: Role | None = accounts().database.session.get(Role, role_id)
    return found if found is not None else abort(404)


def editable_role(role_id: int) -> Role:
    """The role of an address whose rights can be changed; the administrators' cannot."""
    role = _role(role_id)
    return role if role.name != ADMINISTRATOR else abort(404)


def _scopes_of(role: Role) -> dict[str, str]:
    """How far ``role`` grants each permission today, without its rules; what it does not grant is left out."""
    stored = accounts().database.session.execute(
        sa.select(RoleGrant.permission, RoleGrant.scope).where(RoleGrant.role_id == role.id)
    )
    return dict.fromkeys(current_site().grants.get(role.name, ()), ALL) | {row[0]: row[1] for row in stored}


def _posted_scopes() -> dict[str, str]:
    """What the matrix says of every permission there is; anything else in the post is answered with 400."""
    wanted: dict[str, str] = {}
    offered = {f"{line.name}.{verb}": line.scopes(verb) for line in lines() for verb in RECORD_VERBS}
    for permission, scopes in offered.items():
        scope = request.form.get(f"g:{permission}", NONE)
        if scope not in scopes:
            abort(400)
        wanted[permission] = scope
    for other in others():
        wanted[other.name] = ALL if request.form.get(f"p:{other.name}") == "1" else NONE
    known = {f"g:{name}" for name in offered} | {f"p:{entry.name}" for entry in others()}
    if any(name.startswith(("g:", "p:")) and name not in known for name in request.form):
        abort(400)
    return wanted


@dataclass(frozen=True)
class Line:
    """A line of the matrix. Records without a screen of their own, such as stages, belong to nobody: all or none."""

    name: str
    label: Any
    has_screen: bool = True

    def scopes(self, verb: str) -> tuple[str, ...]:
        """How far the verb can be granted."""
        return SCOPES if self.has_screen and verb not in YES_OR_NO else (NONE, ALL)


def lines() -> list[Line]:
    """The lines of the matrix: record types in the order of the menu, then those without a screen."""
    with_screen = [Line(entry.name, entry.plural) for entry in known_types()]
    named = {line.name for line in with_screen}
    permissions = current_site().permissions
    found = [
        Line(name.removesuffix(".see"), entry.label, has_screen=False)
        for name, entry in permissions.items()
        if name.endswith(".see") and all(f"{name.removesuffix('.see')}.{verb}" in permissions for verb in RECORD_VERBS)
    ]
    return with_screen + [line for line in found if line.name not in named]


def others() -> list[Permission]:
    """The permissions that are about no record type; managing roles is not for granting."""
    types = {f"{line.name}.{verb}" for line in lines() for verb in RECORD_VERBS}
    found = (entry for name, entry in current_site().permissions.items() if name not in types)
    return [entry for entry in found if entry.name != MANAGE_ROLES.name]


def _listing(
    *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    work = accounts().database.session()
    built_in = sa.case((Role.name == ADMINISTRATOR, 0), (Role.name == USER, 1), else_=2)
    found = list(work.scalars(sa.select(Role).order_by(built_in, sa.func.lower(Role.name)).limit(MOST_ROLES)))
    rows = [(role, role_label(role.name), roles.size_of(work, role)) for role in found]
    copies = [("", "–"), *((str(role.id), role_label(role.name)) for role in found if role.name != ADMINISTRATOR)]
    html = render_template("core/roles.html", rows=rows, copies=copies, errors=errors or {}, values=values or {})
    return make_response(html, status)


def _details(role: Role, *, errors: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    work = accounts().database.session()
    held = _scopes_of(role)
    posted = request.form if status != 200 else {}
    html = render_template(
        "core/role.html",
        role=role,
        label=role_label(role.name),
        built_in=role.name in EVERYONE,
        everything=role.name == ADMINISTRATOR,
        verbs=VERB_LABELS,
        types=list(_matrix(held, posted)),
        others=[
            (box, entry.label, posted.get(box) == "1" if posted else held.get(entry.name, NONE) != NONE)
            for entry in others()
            for box in (f"p:{entry.name}",)
        ],
        rules=list(_rules(role)),
        people=roles.people_with(work, role, 20),
        size=roles.size_of(work, role),
        errors=errors or {},
        values=posted or {"name": role.name, "description": role.description or ""},
    )  # fmt: skip
    return make_response(html, status)


def _matrix(held: Mapping[str, str], posted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The lines of the matrix: a record type, and for each verb the box's name, its choices and what is chosen."""
    for line in lines():
        cells = []
        for verb in RECORD_VERBS:
            name, scopes = f"{line.name}.{verb}", line.scopes(verb)
            yes = SHORT_SCOPES[ALL] if len(scopes) > 2 else _("Yes")
            options = [(scope, yes if scope == ALL else SHORT_SCOPES[scope]) for scope in scopes]
            chosen = posted.get(f"g:{name}", held.get(name, NONE))
            cells.append((verb, f"g:{name}", options, chosen, _brought_along(name)))
        yield {"name": line.name, "label": line.label, "cells": cells, "has_screen": line.has_screen}


def _brought_along(name: str) -> str:
    """The records with which a permission comes by itself, in words; empty where it does not."""
    permissions = current_site().permissions
    other = permissions.get(permissions[name].comes_with)
    return _("with %(type)s", type=other.label) if other is not None else ""


def _rules(role: Role) -> Iterator[dict[str, Any]]:
    catalog = current_site().catalog
    for rule in roles.rules_of(accounts().database.session(), role):
        if rule.record_type not in catalog:
            yield {"id": rule.id, "name": rule.name, "type": rule.record_type, "words": "", "verbs": rule.verbs}
            continue
        entry = catalog.find(rule.record_type)
        condition = read_rule(entry, plain_rule(rule))
        words = sentence(condition) if condition is not None else ""
        verbs = [VERB_LABELS[verb] for verb in rule.verbs if verb in VERB_LABELS]
        yield {"id": rule.id, "name": rule.name, "type": entry.plural, "words": words, "verbs": verbs}
