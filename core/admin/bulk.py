"""What happens to many records at once: asked for on a list or in the recycle bin, confirmed, and done as an operation.

    POST action                     which field? (edit, tags)
    POST action, field              the new value, and the question that names the count
    POST action, field, confirmed   done: at once up to 200 records, by a job above
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request
from flask_admin.form import BaseForm
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from core.accounts.actor import acting
from core.admin.bulk_job import BULK_JOB, carry_out
from core.admin.bulk_questions import MERGE, PREFIX, Question, question_of
from core.admin.forms import formdata
from core.admin.ids import not_found
from core.admin.saving import Refused, commit
from core.admin.selection import Selection
from core.jobs.queue import enqueue
from core.records.archive import archive, restore
from core.records.duplicates.merging import MOST
from core.records.operations.bulk import BATCH, IN_BIN, Change
from core.records.operations.models import ARCHIVE, RESTORE, Operation
from core.records.operations.running import begin, operation
from core.records.policy import may
from core.site.formats import format_number

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

DELETE = ARCHIVE
CONTROLS = frozenset({"csrf_token", "url", "action", "rowid", "all_matching", "q", "field", "confirmed", "once", "bin"})
_ONCE = re.compile("[0-9a-f]{32}")


def act_on_chosen(view: RecordView) -> Any:
    """Ask what is to be done with the chosen records, and do it once it was confirmed."""
    if any(name not in CONTROLS and not name.startswith(PREFIX) for name in request.form):
        abort(400)
    question = question_of(view, request.form.get("action", ""))
    if question is None or (question.kind in IN_BIN) != ("bin" in request.form):
        not_found()
    view.require(question.verb)
    selection = Selection.posted(view, request.form, archived=question.kind in IN_BIN)
    count, more = selection.count(view)
    if not count:
        flash(_("No record was chosen."), "warning")
        return redirect(_back(view))
    if question.name == MERGE:
        if not 2 <= len(selection.ids) <= MOST:
            flash(_("Choose two or three records of one kind."), "warning")
            return redirect(_back(view))
        return redirect(question.merge_url(selection.ids))
    name = request.form.get("field", "") or question.only_field
    if question.fields and not name:
        return _page(view, question, selection, count, more)
    form = question.form(name) if question.fields else None
    confirmed = request.form.get("confirmed") == "1"
    bound = form(formdata(request.form) if confirmed else None, prefix=PREFIX) if form is not None else None
    if not confirmed or (bound is not None and not question.is_answered(bound)):
        return _page(view, question, selection, count, more, name=name, form=bound, status=422 if confirmed else 200)
    change = question.change(name, bound)
    return _do(view, question.label_of(change), change, selection, count)


def _page(
    view: RecordView,
    question: Question,
    selection: Selection,
    count: int,
    more: bool,
    *,
    name: str = "",
    form: BaseForm | None = None,
    status: int = 200,
) -> Any:
    """The question: which field, or which value and whether really."""
    shown = format_number(count) + ("+" if more else "")
    html = view.render(
        "nova/bulk.html",
        title=question.label,
        list_label=view.screen.plural,
        list_url=_back(view),
        count=shown,
        sentence=question.sentence(count, shown),
        fields=[] if name or not question.fields else question.choices(),
        form=form,
        action_url=view.get_url(".action_view"),
        hidden=[
            ("action", question.name),
            ("url", _back(view)),
            *selection.fields(),
            *([("bin", "1")] if selection.archived else []),
            *([("field", name)] if name else []),
        ],
        once=uuid.uuid4().hex,
        button=question.label,
        hint=question.hint,
        destructive=question.destructive,
        picker=form is not None,
    )
    return html, status


def _do(view: RecordView, label: str, change: Change, selection: Selection, count: int) -> Any:
    """Do it once, however often the button was pressed."""
    once = request.form.get("once", "")
    if not _ONCE.fullmatch(once):
        abort(400)
    session = view.session
    before = session.get(Operation, once)
    if before is None:
        plan = {**change.plan(), **selection.plan(), "back": _back(view)}
        known = {"kind": change.kind, "record_type": view.screen.name, "label": label, "id": once}
        try:
            if count > BATCH:
                op = begin(session, **known, plan=plan, total=count)
                op.job_id = enqueue(BULK_JOB, key=f"bulk-{once}", operation_id=once).id
                session.commit()
                return redirect(_operation_url(once))
            with operation(session, **known, plan=plan, total=count) as op:
                sentences = carry_out(view, op)
            session.commit()
        except IntegrityError:
            session.rollback()  # the same button, pressed twice
        else:
            return _told(view, op, change, sentences)
        before = session.get(Operation, once)
    if before is None or before.actor_id != acting().user_id:
        abort(400)
    return redirect(_operation_url(once))


def _told(view: RecordView, op: Operation, change: Change, sentences: list[str]) -> Any:
    size, done = op.size, format_number(op.size)
    texts = {
        ARCHIVE: ngettext("%(count)s record was deleted.", "%(count)s records were deleted.", size, count=done),
        RESTORE: ngettext("%(count)s record is back.", "%(count)s records are back.", size, count=done),
    }
    usual = ngettext("%(count)s record was changed.", "%(count)s records were changed.", size, count=done)
    text = next(filter(None, sentences), "") or texts.get(change.kind, usual)
    if op.skipped:
        left = ngettext(
            "%(count)s record was left as it is.", "%(count)s records were left as they are.", op.skipped,
            count=format_number(op.skipped),
        )  # fmt: skip
        flash(f"{text} {left}" if op.size else left, "warning")
        return redirect(_operation_url(op.id))
    flash(text, "success" if change.kind in IN_BIN else f"undo {_operation_url(op.id)}/undo")
    return redirect(_back(view))


def delete_one(view: RecordView) -> Any:
    """Put the posted record in the recycle bin."""
    record = view.record_or_404(request.values.get("id", ""))
    view.require("delete", record)
    back, here, name = _back(view), view.get_url(".details_view", id=record.id), str(record)
    made: list[Operation] = []

    def change() -> None:
        with operation(view.session, kind=ARCHIVE, record_type=view.screen.name, label=name) as op:
            archive(record)
        made.append(op)

    try:
        commit(view.session, change)
    except Refused as refused:
        for text in refused.errors.values():
            flash(str(text), "danger")
    else:
        flash(_("“%(name)s” was deleted.", name=name), f"undo {_operation_url(made[0].id)}/undo")
    return redirect(view.list_url() if back.split("?")[0] == here else back)


def restore_chosen(view: RecordView) -> Any:
    """Take the records with the ids in the address out of the recycle bin."""
    view.require("delete")
    ids = request.args.get("ids", "").split(",")
    selection = Selection.posted(view, _as_form(ids), archived=True)
    found = [r for r in selection.batch(view, 0, BATCH) if may(view.screen.permission("delete"), r)]
    if not found:
        not_found()

    def change() -> None:
        for record in found:
            restore(record)

    try:
        commit(view.session, change)
    except Refused as refused:
        for text in refused.errors.values():
            flash(str(text), "danger")
    else:
        count = len(found)
        flash(
            ngettext("%(count)s record is back.", "%(count)s records are back.", count, count=format_number(count)),
            "success",
        )
    return redirect(_back(view))


def _as_form(ids: list[str]) -> Any:
    return MultiDict([("rowid", number) for number in ids])


def _operation_url(op_id: str) -> str:
    return f"{request.script_root}/operations/{op_id}"


def _back(view: RecordView) -> str:
    return get_redirect_target() or view.list_url()
