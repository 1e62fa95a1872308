"""Two or three records side by side: which one stays, and whose value each field gets."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.admin.duplicate_pages import may_merge, require_merging
from core.admin.formatters import record_url, shown
from core.admin.ids import not_found, read_id
from core.admin.saving import Refused, commit
from core.records.duplicates.merging import ALL, MOST, merge
from core.records.operations.models import Operation
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_ONCE = re.compile("[0-9a-f]{32}")


def merge_page(view: RecordView) -> Any:
    """The records with the ids in the address; a post merges them."""
    require_merging(view)
    source = request.form if request.method == "POST" else request.args
    records = _records(view, source.get("ids", ""))
    if request.method == "GET":
        return _page(view, records)
    names = [name for group in view.groups for name in group.fields]
    allowed = {"csrf_token", "ids", "keep", "once", *(f"f-{name}" for name in names)}
    allowed |= {f"v-{record.id}" for record in records}
    if set(request.form) - allowed:
        abort(400)
    keep: Any = next((record for record in records if str(record.id) == request.form.get("keep")), None)
    once = request.form.get("once", "")
    if keep is None or not _ONCE.fullmatch(once):
        abort(400)
    before = view.session.get(Operation, once)
    if before is not None:
        if before.actor_id != acting().user_id:
            abort(400)
        return redirect(f"{request.script_root}/operations/{once}")
    choices = {name: _choice(view, name, records, keep) for name in names}
    if any(request.form.get(f"v-{record.id}") != str(record.version) for record in records):
        error = _("Somebody else changed one of these records in the meantime. Look again, and merge once more.")
        return _page(view, records, keep=keep, choices=choices, errors=[error]), 409
    others = [record for record in records if record is not keep]
    names_of = ", ".join(map(str, others))
    try:
        commit(view.session, lambda: merge(view.session, keep, others, choices, id=once))
    except Refused as refused:
        errors = [_error(view, name, text) for name, text in refused.errors.items()]
        records = _records(view, request.form["ids"])
        keep = next(record for record in records if str(record.id) == request.form["keep"])
        return _page(view, records, keep=keep, choices=choices, errors=errors), 422
    flash(
        _("%(names)s was merged into “%(name)s”.", names=names_of, name=str(keep)),
        f"undo {request.script_root}/operations/{once}/undo",
    )
    return redirect(view.get_url(".details_view", id=keep.id))


def _records(view: RecordView, text: str) -> list[Any]:
    """The records to merge, in the order asked for; answers 404 where the actor may not see or merge one of them."""
    ids = list(dict.fromkeys(filter(None, map(read_id, text.split(",")[: MOST + 1]))))
    if not 2 <= len(ids) <= MOST:
        not_found()
    found = {record.id: record for record in view.session.scalars(sa.select(view.model).where(view.model.id.in_(ids)))}
    if not may_merge(view):
        not_found()
    verbs = ("see", "edit", "delete")
    records = [found[number] for number in ids if number in found]
    if len(records) != len(ids) or not all(may(view.screen.permission(v), r) for v in verbs for r in records):
        not_found()
    return records


def _choice(view: RecordView, name: str, records: Sequence[Any], keep: Any) -> int | str:
    text = request.form.get(f"f-{name}", "")
    if text == ALL and view.record_type.field(name).kind in ("links", "children"):
        return ALL
    if text == "":
        return int(keep.id)
    if all(text != str(record.id) for record in records):
        abort(400)
    return int(text)


def _error(view: RecordView, name: str, text: object) -> str:
    field = view.record_type.fields.get(name)
    return f"{field.label}: {text}" if field is not None else str(text)


def _page(
    view: RecordView,
    records: Sequence[Any],
    *,
    keep: Any = None,
    choices: Mapping[str, int | str] | None = None,
    errors: Sequence[str] = (),
) -> Any:
    # The older one stays unless the person says otherwise: others know it, and more points to it.
    keep = keep or min(records, key=lambda record: record.id)
    ordered = sorted(records, key=lambda record: record is not keep)
    return view.render(
        "nova/merge.html",
        title=_("Merge"),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        ids=",".join(str(record.id) for record in ordered),
        records=[
            {"id": r.id, "label": str(r), "url": record_url(r), "version": r.version, "created_at": r.created_at}
            for r in ordered
        ],
        keep=keep.id,
        groups=list(_groups(view, ordered, keep, choices or {})),
        merge_url=view.get_url(".merge_view"),
        once=uuid.uuid4().hex,
        errors=errors,
    )


def _groups(view: RecordView, records: Sequence[Any], keep: Any, choices: Mapping[str, int | str]) -> Any:
    for group in view.groups:
        rows = []
        for name in group.fields:
            field = view.record_type.field(name)
            values = {r.id: shown(field, getattr(r, name), r, whole=True) for r in records}
            if not any(values.values()):
                continue
            several = field.kind in ("links", "children")
            filled = [r.id for r in records if values[r.id]]
            usual: int | str = keep.id if values[keep.id] else filled[0]
            chosen = choices.get(name, ALL if several else usual)
            rows.append(
                {
                    "name": name,
                    "label": field.label,
                    "values": values,
                    "several": several,
                    "chosen": chosen,
                    "same": len({str(value) for value in values.values()}) == 1,
                }
            )
        if rows:
            yield {"label": group.label, "rows": rows}
