"""Why somebody may, or may not, do something: of a user, what the roles grant; of a record, what decides."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import User, role_label
from core.accounts.rights import SCOPES
from core.accounts.security import accounts
from core.admin.formatters import record_url
from core.admin.ids import read_id
from core.parts import RECORD_VERBS
from core.records.catalog import RecordType
from core.records.explaining import explain, grants_of, hidden_and_fixed, known_types
from core.site.site import current_site
from core.web.roles import MANAGE_ROLES, SHORT_SCOPES, VERB_LABELS, YES_OR_NO

MOST_USERS = 500

access_pages = Blueprint("access", __name__, url_prefix="/admin/access")


@access_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage roles."""
    if not acting().may(MANAGE_ROLES.name):
        abort(404)


@access_pages.get("/")
def page() -> str:
    """What a user may do at all, or with one record, and why."""
    work = accounts().database.session()
    people = list(work.scalars(sa.select(User).order_by(sa.func.lower(User.name), User.id).limit(MOST_USERS)))
    user = _chosen_user(work)
    entry, record = _chosen_record(work)
    asked = user is not None and entry is not None and record is not None
    verdicts: Any = explain(work, user, entry, record) if asked else []  # type: ignore[arg-type]
    return render_template(
        "core/access.html",
        people=[("", "–"), *((str(one.id), str(one)) for one in people)],
        user=user,
        record_type=entry,
        record=record,
        record_url=record_url(record) if record is not None else "",
        verdicts=[(VERB_LABELS[verdict.verb], verdict) for verdict in verdicts],
        fields=hidden_and_fixed(user, entry) if user is not None and entry is not None else ((), ()),
        verbs=VERB_LABELS,
        rows=list(_grants(user)) if user is not None and record is None else [],
        roles=[role_label(role.name) for role in user.roles] if user is not None else [],
    )


def _chosen_user(work: Session) -> User | None:
    number = read_id(request.args.get("user", ""))
    return work.get(User, number) if number is not None and number < 2**31 else None


def _chosen_record(work: Session) -> tuple[RecordType | None, Any]:
    name, number = request.args.get("type", ""), read_id(request.args.get("id", ""))
    catalog = current_site().catalog
    if not name:
        return None, None
    entry = catalog.find(name) if name in catalog else abort(404)
    if number is None:
        return entry, None
    model: Any = entry.model
    found = work.scalars(sa.select(model).where(model.id == number)).unique().one_or_none()
    return entry, found if found is not None else abort(404)


def _grants(user: User) -> Any:
    """For each record type and verb the widest scope that the roles grant, and whether rules narrow it."""
    grants = grants_of(user)
    for entry in known_types():
        cells = []
        for verb in RECORD_VERBS:
            found = grants.get(f"{entry.name}.{verb}", ())
            widest = max((grant.scope for grant in found), key=SCOPES.index, default=SCOPES[0])
            narrowed = bool(found) and all(grant.rules for grant in found if grant.scope == widest)
            text = _("Yes") if verb in YES_OR_NO and found else SHORT_SCOPES[widest]
            cells.append((VERB_LABELS[verb], text, narrowed, bool(found)))
        hidden, fixed = hidden_and_fixed(user, entry)
        yield {"label": entry.plural, "cells": cells, "hidden": hidden, "fixed": fixed}
