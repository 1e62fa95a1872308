"""A role's rights on the fields of one record type."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts.models import Role, role_label
from core.accounts.rights import ACCESSES, EDIT, HIDDEN, READ
from core.accounts.roles import FieldRight, set_field_rights
from core.accounts.security import accounts
from core.records.audit import record_act
from core.records.catalog import RecordType
from core.records.field_rights import naming_fields
from core.site.site import current_site
from core.web.roles import AUDITED, editable_role, role_pages

ACCESS_LABELS = {EDIT: _l("See and change"), READ: _l("See only"), HIDDEN: _l("Hidden")}


@role_pages.get("/<int(max=2147483647):role_id>/fields/<record_type>")
def fields(role_id: int, record_type: str) -> str:
    """The fields of a record type with what the role may do with each."""
    role, entry = editable_role(role_id), _type(record_type)
    return render_template(
        "core/role_fields.html", role=role, label=role_label(role.name), record_type=entry, rows=_rows(role, entry)
    )


@role_pages.post("/<int(max=2147483647):role_id>/fields/<record_type>")
def change_fields(role_id: int, record_type: str) -> Response:
    """Store what the role may do with each field."""
    work, role, entry = accounts().database.session(), editable_role(role_id), _type(record_type)
    wanted = {}
    for row in _rows(role, entry):
        access = request.form.get(row["box"], EDIT)
        if access not in (code for code, _label in row["options"]):
            abort(400)
        wanted[row["name"]] = access
    changed = set_field_rights(work, role, entry.name, wanted)
    if changed:
        record_act(work, AUDITED, "rights_changed", {"role": (None, role.name), **changed})
    work.commit()
    flash(_("The fields of “%(type)s” are saved for this role.", type=entry.plural), "success")
    return redirect(url_for("roles.details", role_id=role_id), 303)


def _type(name: str) -> RecordType:
    catalog = current_site().catalog
    return catalog.find(name) if name in catalog else abort(404)


def _rows(role: Role, entry: RecordType) -> list[dict[str, Any]]:
    stored = sa.select(FieldRight.field, FieldRight.access)
    stored = stored.where(FieldRight.role_id == role.id, FieldRight.record_type == entry.name)
    held = {row[0]: row[1] for row in accounts().database.session.execute(stored)}
    names = naming_fields(entry)
    return [
        {
            "name": field.name,
            "box": f"f:{field.name}",
            "label": field.label,
            "required": field.required,
            "naming": field.name in names,
            "chosen": held.get(field.name, EDIT),
            # A record is told by its name in every list, link and history, so what makes the name stays.
            "options": [(code, ACCESS_LABELS[code]) for code in reversed(ACCESSES)
                        if not (field.name in names and code == HIDDEN)],
        }
        for field in entry.all_fields.values()
        if not field.managed
    ]  # fmt: skip
