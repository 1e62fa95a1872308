"""What happens to chosen records: delete, its undo, and the actions of the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, flash, redirect, request
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _
from flask_babel import ngettext

from core.admin.ids import not_found, read_id
from core.admin.saving import Refused, commit
from core.parts import Action
from core.records.archive import archive, restore
from core.records.policy import may
from core.site.formats import format_number

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

DELETE = "delete"
LIMIT = 200  # records at once; more is work for a job


def delete_one(view: RecordView) -> Any:
    """Put the posted record in the recycle bin."""
    record = view.record_or_404(request.values.get("id", ""))
    view.require("delete", record)
    back = _back(view)
    here = view.get_url(".details_view", id=record.id)
    _delete(view, [record])
    return redirect(view.list_url() if back.split("?")[0] == here else back)


def act_on_chosen(view: RecordView) -> Any:
    """Run the posted action on those of the posted ids that the actor may see."""
    if set(request.form) - {"csrf_token", "url", "action", "rowid"}:
        abort(400)
    name = request.form.get("action", "")
    action = next((entry for entry in view.screen.actions if entry.name == name), None)
    if action is None and name != DELETE:
        not_found()
    verb = action.verb if action else DELETE
    view.require(verb)
    records = _chosen(view, request.form.getlist("rowid"))
    allowed = [record for record in records if may(view.screen.permission(verb), record)]
    if not allowed:
        flash(_("No record was chosen."), "warning")
    elif action:
        _run(view, action, allowed)
    else:
        _delete(view, allowed)
    return redirect(_back(view))


def restore_chosen(view: RecordView) -> Any:
    """Take the records with the ids in the address out of the recycle bin."""
    view.require("delete")
    records = _chosen(view, request.args.get("ids", "").split(","), archived=True)
    allowed = [record for record in records if may(view.screen.permission("delete"), record)]
    if not allowed:
        not_found()
    try:
        commit(view.session, lambda: _each(restore, allowed))
    except Refused as refused:
        _flash_errors(refused)
    else:
        count = len(allowed)
        flash(
            ngettext("%(count)s record is back.", "%(count)s records are back.", count, count=format_number(count)),
            "success",
        )
    return redirect(_back(view))


def _chosen(view: RecordView, texts: Sequence[str], *, archived: bool = False) -> Sequence[Any]:
    ids = {number for number in map(read_id, texts[:LIMIT]) if number is not None}
    if not ids:
        return []
    statement = sa.select(view.model).where(view.model.id.in_(ids)).order_by(view.model.id)
    if archived:
        statement = statement.where(view.model.archived_at.is_not(None)).execution_options(include_archived=True)
    return view.session.scalars(statement).unique().all()


def _delete(view: RecordView, records: Sequence[Any]) -> None:
    ids = [record.id for record in records]
    name = str(records[0])
    try:
        commit(view.session, lambda: _each(archive, records))
    except Refused as refused:
        _flash_errors(refused)
        return
    # The address travels in the session's cookie, so it must stay short.
    undo = view.get_url(".restore_view", ids=",".join(map(str, ids)))
    if len(ids) == 1:
        message = _("“%(name)s” was deleted.", name=name)
    else:
        message = _("%(count)s records were deleted.", count=format_number(len(ids)))
    flash(message, f"undo {undo}")


def _each(change: Callable[[Any], None], records: Sequence[Any]) -> None:
    for record in records:
        change(record)


def _run(view: RecordView, action: Action, records: Sequence[Any]) -> None:
    sentences: list[str] = []
    try:
        commit(view.session, lambda: sentences.append(action.run(records)))
    except Refused as refused:
        _flash_errors(refused)
        return
    flash(str(sentences[0] or _("Done.")), "success")


def _flash_errors(refused: Refused) -> None:
    for text in refused.errors.values():
        flash(str(text), "danger")


def _back(view: RecordView) -> str:
    return get_redirect_target() or view.list_url()
