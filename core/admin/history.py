"""Changes of records as entries of their story."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import aliased

from core.admin.formatters import plain
from core.records.audit import Audit
from core.records.catalog import current_catalog
from core.records.fields import Field
from core.records.policy import may
from core.records.timeline import StoryQuery
from core.site.site import session
from core.story import CHANGE, EVENT, EntryAction, TimelineEntry

ICONS = {"created": "plus", "deleted": "trash", "restored": "refresh", "note_changed": "note", "note_removed": "note"}

SHOWN = frozenset({"changed", "note_changed", "note_removed", "file_removed", "file_restored"})


def changes(query: StoryQuery) -> Iterator[TimelineEntry]:
    """What was made, changed, deleted and restored."""
    if not query.wants(CHANGE, EVENT):
        return
    # SQLite gives the number of a record that was removed for good to another one, whose story begins anew.
    later = aliased(Audit)
    another = sa.exists().where(
        later.record_type == Audit.record_type,
        later.record_id == Audit.record_id,
        later.id > Audit.id,
        later.action == "created",
    )
    statement = query.page(
        sa.select(Audit).where(~another),
        record_type=Audit.record_type,
        record_id=Audit.record_id,
        at=Audit.at,
        id=Audit.id,
    )
    for row in session.scalars(statement):
        yield _entry(row)


def _entry(row: Audit) -> TimelineEntry:
    kind = CHANGE if row.action == "changed" else EVENT
    return TimelineEntry(
        at=row.at,
        id=row.id,
        record_type=row.record_type,
        record_id=row.record_id or 0,
        kind=kind,
        icon=ICONS.get(row.action, "history"),
        actor=row.actor_name or row.reason,
        text=_told(row),
        template="nova/_story_changes.html" if row.action in SHOWN else "",
        context={"changes": list(changes_of(row)) if row.action in SHOWN else []},
        actions=tuple(_actions(row)),
    )


def _actions(row: Audit) -> Iterator[EntryAction]:
    if row.action == "changed" and row.changes and may(f"{row.record_type}.edit"):
        endpoint = row.record_type.replace(".", "_")
        yield EntryAction(
            label=_("Revert"),
            url=url_for(f"{endpoint}.revert_view", id=row.record_id, change_id=row.id),
            icon="history",
            method="post",
            primary=True,
        )


def _told(row: Audit) -> str:
    texts = {
        "created": _("imported this record") if row.source == "import" else _("created this record"),
        "deleted": _("deleted this record"),
        "restored": _("restored this record"),
        "note_changed": _("changed a note"),
        "note_removed": _("deleted a note"),
        "file_removed": _("deleted a file"),
        "file_restored": _("put a file back"),
    }
    if row.action in texts:
        return texts[row.action]
    names = _(", ").join(str(change["label"]) for change in changes_of(row))
    return _("changed %(fields)s", fields=names) if names else _("changed this record")


def changes_of(row: Audit) -> Iterator[dict[str, Any]]:
    """The changed fields of an audit row, with their labels and values as people read them."""
    catalog = current_catalog()
    fields = catalog.find(row.record_type).fields if row.record_type in catalog else {}
    for name, (old, new) in row.changes.items():
        field = fields.get(name)
        label = field.label if field is not None else {"note": _("Note"), "file": _("File")}.get(name, name)
        yield {"name": name, "label": label, "old": audit_text(field, old), "new": audit_text(field, new)}


def audit_text(field: Field | None, value: Any) -> str:
    """A value out of the audit, which keeps JSON, as people read it."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value.get("name", ""))
    if isinstance(value, list):
        return _(", ").join(audit_text(None, entry) for entry in value)
    if field is None:
        return str(value)
    try:
        if field.kind == "date":
            value = dt.date.fromisoformat(value)
        elif field.kind == "datetime":
            value = dt.datetime.fromisoformat(value)
        elif field.kind in ("money", "decimal"):
            value = Decimal(str(value))
    except (ArithmeticError, TypeError, ValueError):
        return str(value)
    return plain(field, value)
