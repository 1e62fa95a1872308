"""Taking one change of a record back, from its story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _

from core.admin.form_pages import CONFLICT
from core.admin.history import audit_text
from core.admin.ids import not_found, read_id
from core.admin.saving import Refused, commit, stored_text
from core.records.revert import Reversal, Step, find_change, plan_reversal, take_back

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def revert(view: RecordView, record: Any, change_id: str) -> Any:
    """Write the old values of one change again.

    Where a field was changed once more since, the answer is 409 and a page that shows both and asks; its form posts
    ``sure`` for everything, or ``rest`` for what nobody touched.
    """
    view.require("edit", record)
    if set(request.form) - {"csrf_token", "sure", "rest", "url"}:
        abort(400)
    change = find_change(view.session, record, read_id(change_id))
    if change is None:
        not_found()
    reversal = plan_reversal(record, view.record_type, change, view.form_names)
    back = redirect(view.get_url(".details_view", id=record.id))
    if not reversal.steps:
        flash(_nothing(view, reversal), "info")
        return back
    if reversal.conflicts and not request.form.get("sure") and not request.form.get("rest"):
        return _ask(view, record, change_id, reversal), CONFLICT
    steps = [step for step in reversal.steps if not step.touched or not request.form.get("rest")]
    try:
        commit(view.session, lambda: take_back(record, steps))
    except Refused as refused:
        fields = view.record_type.fields
        for name, text in refused.errors.items():
            flash(f"{fields[name].label}: {text}" if name in fields else str(text), "danger")
    else:
        flash(_("The change was taken back."), "success")
    return back


def _nothing(view: RecordView, reversal: Reversal) -> str:
    if not reversal.left:
        return _("There is nothing to take back: the old values are there already.")
    fields = view.record_type.fields
    labels = _(", ").join(str(fields[name].label if name in fields else name) for name in reversal.left)
    return _("%(fields)s cannot be taken back here.", fields=labels)


def _ask(view: RecordView, record: Any, change_id: str, reversal: Reversal) -> str:
    def row(step: Step) -> dict[str, Any]:
        now = stored_text(step.field, record)
        return {
            "label": step.field.label,
            "then": audit_text(step.field, step.then),
            "now": now,
            "touched": step.touched,
        }

    return str(
        view.render(
            "nova/revert.html",
            title=_("Take the change of %(name)s back?", name=str(record)),
            url=view.get_url(".revert_view", id=record.id, change_id=change_id),
            back=view.get_url(".details_view", id=record.id),
            rows=[row(step) for step in reversal.steps],
            some=any(not step.touched for step in reversal.steps),
        )
    )
