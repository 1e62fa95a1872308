"""Changing one value where it is seen, in a cell of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from core.admin.form_pages import CONFLICT, REFUSED
from core.admin.formatters import shown
from core.admin.forms import formdata, is_valid, one_field, refuse_undeclared
from core.admin.ids import not_found
from core.admin.list_rows import label_of
from core.admin.saving import Refused, commit, show_errors

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

HEAD = "head"  # ``whole`` of the cell in the head of a record's page; elsewhere on that page it is 1


def cell(view: RecordView) -> Any:
    """The form of one cell; a post saves it. Only columns that the screen declares editable have one.

    An answer to a refused value is 422, to one that somebody else changed meanwhile 409: each with the form.
    """
    name, record = _asked(view)
    session = view.session
    if request.method == "GET":
        if request.args.get("show"):
            return _value(view, name, record)
        return _form(view, name, record, one_field(view.create_form_class(obj=record), name))
    form = one_field(view.create_form_class(formdata(request.form), obj=record), name)
    refuse_undeclared(form, request.form, extra=("id", "column"))
    if not is_valid(form):
        return _form(view, name, record, form), REFUSED
    version = request.form.get("version")
    if version is not None and version != str(record.version):
        return _stale(view, name, record, form)
    try:
        commit(session, lambda: form.populate_obj(record))
    except Refused as refused:
        if refused.stale:
            session.refresh(record)
            return _stale(view, name, record, form)
        show_errors(form, {name: " ".join(map(str, refused.errors.values()))}, view.record_type)
        return _form(view, name, record, form), REFUSED
    if "HX-Request" not in request.headers:
        whole = request.args.get("whole")
        return redirect(view.get_url(".details_view", id=record.id) if whole else view.list_url())
    return _value(view, name, record)


def _asked(view: RecordView) -> tuple[str, Any]:
    name = request.values.get("column", "")
    if name not in view.record_type.fields:
        abort(400)
    # On the page of a record every field has its cell; a list offers those that its screen names.
    if name not in (view.in_place if request.args.get("whole") else view.editable):
        not_found()
    record = view.whole_or_404(request.values.get("id", ""))
    view.require("edit", record)
    return name, record


def _context(view: RecordView, name: str, record: Any) -> dict[str, Any]:
    whole = request.args.get("whole")
    return {
        # The owner stands twice on the page of a record, and each cell answers for itself.
        "pk": f"{record.id}-{HEAD}" if whole == HEAD else record.id,
        "column": name,
        "label": label_of(view, name),
        "record_name": str(record),
        "url": view.get_url(".cell", id=record.id, column=name, whole=(HEAD if whole == HEAD else whole and 1) or None),
        "whole": bool(whole),
    }


def _value(view: RecordView, name: str, record: Any) -> str:
    field = view.record_type.field(name)
    value = shown(field, getattr(record, name), record, whole=bool(request.args.get("whole")))
    if not value and request.args.get("whole"):
        value = Markup('<span class="none" aria-hidden="true">—</span>')
    return render_template("nova/_cell.html", value=value, **_context(view, name, record))


def _form(view: RecordView, name: str, record: Any, form: Any) -> str:
    return render_template(
        "nova/_cell_edit.html", field=form[name], version=record.version, **_context(view, name, record)
    )


def _stale(view: RecordView, name: str, record: Any, form: Any) -> Any:
    """The form as typed, with what is stored now as its error; saving again overwrites."""
    now = shown(view.record_type.field(name), getattr(record, name), record).striptags()
    form[name].errors = [_("Meanwhile somebody else stored “%(value)s”. Save again to replace it.", value=now)]
    return _form(view, name, record, form), CONFLICT
