"""What a lane asks for and how long a card may stay in it, set where it is seen: on the board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request
from flask_admin.form import BaseForm
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _
from wtforms import SelectMultipleField

from core.admin.board_pages import BoardRequest, read_board
from core.admin.converters import form_field
from core.admin.form_pages import CONFLICT, REFUSED
from core.admin.forms import formdata, is_valid, refuse_undeclared, with_ids
from core.admin.ids import not_found
from core.admin.saving import Refused, commit, show_errors
from core.records.gate import described
from core.records.policy import may
from core.records.record import BoardLane

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

# What of a lane can be set on the board; a lane that lacks one of them goes without.
SETTINGS = ("name", "color", "probability", "rot_days", "card_limit")
NEVER_ASKED = frozenset({"children", "boolean", "json"})


def lane_settings(view: RecordView) -> Any:
    """The form of one lane; a post saves it. It needs the right to edit what the lanes are, such as stages."""
    board = read_board(view)
    row = _row(view, board)
    form_class = _form_class(view, board, type(row))
    if request.method == "GET":
        form = form_class(obj=row)
        form["required_fields"].data = list(row.required_fields or ())
        return _page(view, board, row, form)
    form = form_class(formdata(request.form))
    refuse_undeclared(form, request.form, extra=("lane", "by"))
    if not is_valid(form):
        return _page(view, board, row, form), REFUSED
    if request.form.get("version") != str(row.version):
        form.form_errors.append(_("Somebody else changed this record in the meantime."))
        return _page(view, board, row, form), CONFLICT

    def change() -> None:
        for field in form:
            value = field.data
            if field.name == "required_fields":
                value = [name for name in view.shown_names if name in (value or ())] or None
            if getattr(row, field.name) != value:
                setattr(row, field.name, value)

    try:
        commit(view.session, change)
    except Refused as refused:
        show_errors(form, refused.errors, described(type(row)))
        return _page(view, board, row, form), REFUSED
    flash(_("“%(name)s” was saved.", name=str(row)), "success")
    return redirect(_back(view, board))


def _row(view: RecordView, board: BoardRequest) -> Any:
    """The record that is the lane; 404 where it is none, or not the actor's to keep."""
    source = board.query.source
    target: Any = source.field.target
    if target is None or not issubclass(target, BoardLane):
        not_found()
    text = request.values.get("lane", "")
    if not source.has_key(text):
        abort(400)
    row = source.value(view.session, source.key_of(text))
    if row is None or not may(f"{target.__record_type__}.edit", row):
        not_found()
    return row


def _form_class(view: RecordView, board: BoardRequest, model: type) -> type[BaseForm]:
    fields = described(model).fields  # type: ignore[arg-type]
    members: dict[str, Any] = {name: form_field(fields[name]) for name in SETTINGS if name in fields}
    asked = view.record_type.fields
    choices = [
        (name, asked[name].label)
        for name in view.shown_names
        if asked[name].kind not in NEVER_ASKED and name != board.query.field.name
    ]
    members["required_fields"] = SelectMultipleField(label=fields["required_fields"].label, choices=lambda: choices)
    return type("LaneForm", (BaseForm,), members)


def _page(view: RecordView, board: BoardRequest, row: Any, form: BaseForm) -> str:
    arguments = {**board.here, "by": board.query.field.name, "lane": row.id, "url": _back(view, board)}
    return str(
        view.render(
            "nova/_lane_settings.html" if "HX-Request" in request.headers else "nova/lane_settings.html",
            title=_("Settings of “%(name)s”", name=str(row)),
            form=with_ids(form, "lane"),
            asked=list(form["required_fields"].choices),
            version=row.version,
            settings_url=view.get_url(".lane_view", **arguments),
            back_url=_back(view, board),
        )
    )


def _back(view: RecordView, board: BoardRequest) -> str:
    return get_redirect_target() or view.get_url(".board_view", **board.here)
