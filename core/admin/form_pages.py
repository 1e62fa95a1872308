"""Creating and editing a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect, request
from flask_admin.form import BaseForm, FormOpts
from flask_admin.helpers import get_redirect_target, is_form_submitted
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.accounts.models import User
from core.admin.children import open_rows, write_fields
from core.admin.forms import formdata, is_valid, prefill, refuse_undeclared
from core.admin.saving import Refused, commit, conflict_of, show_errors
from core.records.record import Owned
from core.records.submissions import Repeated, form_key, note_submission, record_of_form

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

REFUSED = 422
CONFLICT = 409


def create(view: RecordView) -> Any:
    """The form of a new record; a post saves it."""
    view.require("create")
    session = view.session
    if not is_form_submitted():
        form = view.create_form_class()
        if "owner" in form and issubclass(view.model, Owned):
            form["owner"].data = session.get(User, acting().user_id) if acting().user_id else None
        prefill(form, request.args)
        open_rows(form)
        return _page(view, form)
    form = view.create_form_class(formdata(request.form))
    refuse_undeclared(form, request.form)
    if not is_valid(form):
        return _page(view, form, status=REFUSED)
    record = view.model()

    def change() -> None:
        form.populate_obj(record)
        session.add(record)
        note_submission(session, record)

    try:
        commit(session, change)
    except Repeated:
        # Whoever pressed twice sees the second answer only, and it is the same as the first.
        record = record_of_form(session, view.model)
        if record is None:
            return redirect(view.list_url())
    except Refused as refused:
        show_errors(form, refused.errors, view.record_type)
        return _page(view, form, status=REFUSED)
    flash(_("“%(name)s” was created.", name=str(record)), "success")
    return redirect(_next_url(view, record))


def edit(view: RecordView, record: Any) -> Any:
    """The form of a stored record; a post saves it, unless somebody else did since the form was opened."""
    view.require("edit", record)
    session = view.session
    if not is_form_submitted():
        form = view.edit_form_class(obj=record)
        form["version"].data = record.version
        return _page(view, form, record)
    form = view.edit_form_class(formdata(request.form), obj=record)
    refuse_undeclared(form, request.form)
    valid = is_valid(form)
    if form["version"].data != str(record.version):
        conflict = conflict_of(session, form, record, view.record_type)
        if conflict.fields:
            return _conflict_page(view, form, record, conflict)
    if not valid:
        return _page(view, form, record, status=REFUSED)
    try:
        commit(session, lambda: write_fields([field for field in form if field.name != "version"], record))
    except Refused as refused:
        if refused.stale:
            session.refresh(record)
            return _conflict_page(view, form, record, conflict_of(session, form, record, view.record_type))
        show_errors(form, refused.errors, view.record_type)
        return _page(view, form, record, status=REFUSED)
    flash(_("“%(name)s” was saved.", name=str(record)), "success")
    return redirect(_next_url(view, record))


def _conflict_page(view: RecordView, form: BaseForm, record: Any, conflict: Any) -> Any:
    """The form as it was typed, under what is stored now. It carries the new version, so saving again overwrites."""
    form["version"].raw_data = None
    form["version"].data = record.version
    return _page(view, form, record, status=CONFLICT, conflict=conflict)


def _page(view: RecordView, form: BaseForm, record: Any = None, status: int = 200, **context: Any) -> Any:
    modal = bool(request.args.get("modal"))
    template = f"admin/model/{'modals/' if modal else ''}{'create' if record is None else 'edit'}.html"
    html = view.render(
        template,
        form=form,
        form_opts=FormOpts(form_rules=view.form_layout),
        model=record,
        title=view.screen.title,
        singular=view.screen.title,
        return_url=get_redirect_target() or view.list_url(),
        duplicates_url=view.duplicates_url(record),
        form_key=form_key() if record is None else None,
        **context,
    )
    return html, status


def _next_url(view: RecordView, record: Any) -> str:
    back = get_redirect_target()
    if "_add_another" in request.form:
        return view.get_url(".create_view", url=back)
    if "_continue_editing" in request.form:
        return view.get_url(".edit_view", id=record.id, url=back)
    return back or view.get_url(".details_view", id=record.id)
