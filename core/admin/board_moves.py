"""Moving a card to another lane: by drag, by the menu, or by a plain form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Response, flash, redirect, render_template, request
from flask_admin.form import BaseForm
from flask_babel import gettext as _

from core.admin.board import BoardQuery
from core.admin.board_pages import BoardRequest, hints_of, lane_sums, matching_of, read_board, totals_of
from core.admin.cards import Cards
from core.admin.form_pages import CONFLICT, REFUSED
from core.admin.forms import formdata, is_valid, refuse_undeclared
from core.admin.ids import read_id
from core.admin.lanes import Lane
from core.admin.saving import Refused, commit
from core.records.validation import missing_in

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

MOVE = ("id", "lane", "order", "scope", "by", "undo")


def move_page(view: RecordView) -> Any:
    """Where a card can go, as a page of its own: the twin of dragging that needs no script."""
    board = read_board(view)
    record = view.record_or_404(request.args.get("id", ""))
    view.require("edit", record)
    here = board.query.source.lane_of(record)
    lanes = board.lanes(view.session)
    return view.render(
        "nova/board_move.html",
        title=_("Move %(name)s", name=str(record)),
        move_url=view.get_url(".move_view", **board.here),
        back_url=view.get_url(".board_view", **board.here),
        record_id=record.id,
        version=record.version,
        lanes=[{"id": lane.text_key, "label": lane.label, "here": lane.key == here} for lane in lanes],
    )


def move(view: RecordView) -> Any:
    """Put the posted record in the posted lane.

    Answers 200 with the new sums, 422 with the questions that the move needs answered, or 409 with a sentence that says
    why not. Without a script each becomes a page or a redirect to the board.
    """
    board = read_board(view)
    query, session = board.query, view.session
    record = view.record_or_404(request.values.get("id", ""))
    view.require("edit", record)
    asked = request.values.get("lane", "")
    lanes = query.source.lanes(session)
    key = query.source.key_of(asked) if query.source.has_key(asked) else None
    target = next((lane for lane in lanes if lane.text_key == asked), None)
    if target is None:
        return _refused(view, board, _("This lane is no longer there."))
    version = request.values.get("version")
    if version and version != str(record.version):
        sentence = _("Somebody else changed this record in the meantime. Reload the board to see it.")
        return _refused(view, board, sentence)
    before = query.source.lane_of(record)
    if before != key:
        form = _questions(view, query, record, target)
        if form is not None and not _answered(form):
            return _ask(view, board, record, target, form)
        values = {field.name: field.data for field in form} if form is not None else {}
        try:
            commit(session, lambda: _move(view, query, record, key, values))
        except Refused as refused:
            if form is not None and any(name in form for name in refused.errors):
                for name, text in refused.errors.items():
                    form[name if name in form else next(iter(values))].errors = [str(text)]
                return _ask(view, board, record, target, form)
            return _refused(view, board, " ".join(_sentences(view, refused)))
    sentence = _("%(name)s moved to %(lane)s", name=str(record), lane=str(target.label))
    undo = None
    if before != key:
        back = Lane(before, "").text_key
        arguments = {**board.here, "undo": 1, "id": record.id, "lane": back, "version": record.version}
        arguments["back"] = request.args.get("back")
        undo = view.get_url(".move_view", **arguments)
    if "HX-Request" not in request.headers:
        flash(sentence, f"undo {undo}" if undo and not request.values.get("undo") else "success")
        return redirect(_board_url(view, board))
    touched = [lane for lane in lanes if lane.key in (before, key)]
    query.fill_totals(touched, totals_of(view, board, matching_of(view, board, lanes), touched))
    cards = Cards(view, query)
    return render_template(
        "nova/_board_moved.html",
        lanes=[lane_sums(lane) for lane in touched],
        card=cards.card(record, target, hints_of(query, [record]).get(record.id)),
        draw_cards=cards.drawn,
        lane=lane_sums(target),
        move_url=view.get_url(".move_view", **board.here),
        sentence=sentence,
        undo_url=undo,
    )


def _move(view: RecordView, query: BoardQuery, record: Any, key: Any, values: Mapping[str, Any]) -> None:
    if query.board.move is not None:
        query.board.move(record, key, values)
        return
    for name, value in values.items():
        setattr(record, name, value)
    setattr(record, query.field.name, query.source.value(view.session, key))


def _questions(view: RecordView, query: BoardQuery, record: Any, lane: Lane) -> BaseForm | None:
    """The form of the fields that must be asked for first, filled with what was posted; None when nothing must."""
    asked = query.board.ask(record, lane.key) if query.board.ask else ()
    names = tuple(dict.fromkeys([*asked, *missing_in(view.record_type, record, lane.required)]))
    if not names:
        refuse_undeclared(BaseForm(), request.form, extra=MOVE)
        return None
    posted = any(name in request.form for name in names)
    form = view.form_of(names)(formdata(request.form) if posted else None, obj=record)
    refuse_undeclared(form, request.form, extra=MOVE)
    return form


def _answered(form: BaseForm) -> bool:
    posted = any(field.name in request.form for field in form)
    if not posted or not is_valid(form):
        return False
    # What a move asks for must be answered, even where the field may stay empty at other times.
    empty = [field for field in form if field.data in (None, "", []) and field.type != "BooleanField"]
    for field in empty:
        field.errors = [_("This field is required.")]
    return not empty


def _ask(view: RecordView, board: BoardRequest, record: Any, lane: Lane, form: BaseForm) -> Any:
    context = {
        "title": _("Move %(name)s to %(lane)s", name=str(record), lane=str(lane.label)),
        "move_url": view.get_url(".move_view", **board.here, back=request.args.get("back")),
        "record_id": record.id,
        "lane_id": lane.text_key,
        "version": record.version,
        "fields": list(form),
    }
    if "HX-Request" in request.headers:
        return render_template("nova/board_ask.html", **context), REFUSED
    return view.render("nova/board_asked.html", back_url=_board_url(view, board), **context), REFUSED


def _refused(view: RecordView, board: BoardRequest, sentence: str) -> Any:
    if "HX-Request" not in request.headers:
        flash(sentence, "danger")
        return redirect(_board_url(view, board))
    return Response(sentence, status=CONFLICT, mimetype="text/plain")


def _sentences(view: RecordView, refused: Refused) -> list[str]:
    fields = view.record_type.fields
    return [f"{fields[name].label}: {text}" if name in fields else str(text) for name, text in refused.errors.items()]


def _board_url(view: RecordView, board: BoardRequest) -> str:
    """Where a move leads back to without a script: the record's page where it began there, otherwise the board."""
    if request.args.get("back") == "record" and (number := read_id(request.values.get("id", ""))):
        return view.get_url(".details_view", id=number)
    return view.get_url(".board_view", **board.here)
