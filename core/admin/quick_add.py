"""A new record at the head of a lane: its name and whatever is required, and it stands there at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request
from flask_admin.form import BaseForm
from flask_admin.helpers import get_redirect_target
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.accounts.models import User
from core.admin.board import BoardQuery
from core.admin.board_pages import BoardRequest, hints_of, lane_sums, matching_of, read_board, totals_of
from core.admin.cards import Cards
from core.admin.form_pages import REFUSED
from core.admin.forms import formdata, is_valid, refuse_undeclared, with_ids
from core.admin.lanes import Lane
from core.admin.saving import Refused, commit, show_errors
from core.records.record import Owned
from core.records.submissions import Repeated, note_submission, record_of_form

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def quick_add(view: RecordView) -> Any:
    """The short form of a new record in the lane of the address; a post creates it.

    A script gets the form alone, and after a post the card with the new sums.
    """
    view.require("create")
    board = read_board(view)
    lane = _lane(view, board)
    form_class = view.form_of(_names(view, board.query, lane))
    if request.method == "GET":
        return _form(view, board, lane, form_class())
    form = form_class(formdata(request.form))
    refuse_undeclared(form, request.form)
    if not _complete(form, lane):
        return _form(view, board, lane, form), REFUSED
    record = view.model()

    def create() -> None:
        form.populate_obj(record)
        if issubclass(view.model, Owned) and "owner" not in form and board.query.field.name != "owner":
            record.owner = view.session.get(User, acting().user_id) if acting().user_id else None  # type: ignore[attr-defined]
        setattr(record, board.query.field.name, board.query.source.value(view.session, lane.key))
        view.session.add(record)
        note_submission(view.session, record)

    try:
        commit(view.session, create)
    except Repeated:
        # Whoever pressed twice sees the second answer only, and it is the same as the first.
        record = record_of_form(view.session, view.model)
        if record is None:
            return redirect(_back(view, board))
    except Refused as refused:
        show_errors(form, refused.errors, view.record_type)
        return _form(view, board, lane, form), REFUSED
    sentence = _("“%(name)s” was created.", name=str(record))
    if "HX-Request" not in request.headers:
        flash(sentence, "success")
        return redirect(_back(view, board))
    return _added(view, board, lane, record, sentence)


def _lane(view: RecordView, board: BoardRequest) -> Lane:
    asked = request.args.get("lane", "")
    if not board.query.source.has_key(asked):
        abort(400)
    lanes = board.query.source.lanes(view.session)
    lane = next((entry for entry in lanes if entry.text_key == asked), None)
    if lane is None:
        abort(400)
    return lane


def _names(view: RecordView, query: BoardQuery, lane: Lane) -> tuple[str, ...]:
    """The name, what every record needs, and what this lane asks for."""
    fields = view.record_type.fields
    needed = [entry.name for entry in fields.values() if entry.required and not entry.managed]
    first = next((name for name in view.form_names if fields[name].kind == "text"), None)
    names = dict.fromkeys([*([first] if first else []), *needed, *lane.required])
    return tuple(
        name for name in names if name in view.form_names and name != query.field.name and fields[name].kind != "json"
    )


def _complete(form: BaseForm, lane: Lane) -> bool:
    valid = is_valid(form)
    for field in form:
        if field.name in lane.required and field.data in (None, "", []) and not field.errors:
            field.errors = [_("This field is required.")]
            valid = False
    return valid


def _form(view: RecordView, board: BoardRequest, lane: Lane, form: BaseForm) -> str:
    template = "nova/_quick_add.html" if "HX-Request" in request.headers else "nova/quick_add.html"
    arguments = {**board.here, "by": board.query.field.name, "lane": lane.text_key, "url": _back(view, board)}
    return str(
        view.render(
            template,
            title=_("New: %(name)s", name=view.screen.title),
            form=with_ids(form, f"add-{lane.text_key}"),
            lane={"id": lane.text_key, "label": lane.label},
            add_url=view.get_url(".quick_add_view", **arguments),
            whole_url=view.get_url(".create_view", **{board.query.field.name: lane.key, "url": _back(view, board)}),
            back_url=_back(view, board),
        )
    )


def _added(view: RecordView, board: BoardRequest, lane: Lane, record: Any, sentence: str) -> str:
    query = board.query
    query.fill_totals([lane], totals_of(view, board, matching_of(view, board, [lane]), [lane]))
    cards = Cards(view, query)
    return str(
        view.render(
            "nova/_board_added.html",
            card=cards.card(record, lane, hints_of(query, [record]).get(record.id)),
            draw_cards=cards.drawn,
            lane=lane_sums(lane),
            move_url=view.get_url(".move_view", **board.here) if view.can_edit else None,
            sentence=sentence,
        )
    )


def _back(view: RecordView, board: BoardRequest) -> str:
    return get_redirect_target() or view.get_url(".board_view", **board.here)
