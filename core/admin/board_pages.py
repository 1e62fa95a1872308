"""The board of a screen, and moving its cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Response, abort, flash, redirect, render_template, request
from flask_admin.form import BaseForm
from flask_babel import gettext as _

from core.admin.board import CARDS_LIMIT, BoardQuery, Lane
from core.admin.form_pages import CONFLICT, REFUSED
from core.admin.formatters import plain
from core.admin.forms import formdata, is_valid, refuse_undeclared
from core.admin.ids import not_found, read_id
from core.admin.list_page import screen_links, screen_views
from core.admin.saving import Refused, commit
from core.parts import Hint
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

MOVE = ("id", "lane", "order", "scope")


def board_page(view: RecordView) -> Any:
    """The board. ``?scope=`` chooses among several, ``?lane=…&cards=…`` shows more of one lane."""
    query = _query(view)
    scopes = query.scopes(view.session)
    scope = _scope(scopes)
    lanes = query.lanes(view.session, scope.id if scope is not None else None)
    sizes = _sizes(query, lanes)
    query.fill_sums(view.session, lanes)
    query.fill_cards(view.session, lanes, sizes)
    here = {"scope": scope.id} if scope is not None else {}
    return view.render(
        "nova/board.html",
        title=scope_title(view, scope),
        singular=view.screen.title,
        screen_views=screen_views(view, "board"),
        screen_links=screen_links(view),
        create_url=view.get_url(".create_view", url=view.get_url(".board_view", **here)) if view.can_create else None,
        scopes=[
            {"label": str(entry), "url": view.get_url(".board_view", scope=entry.id), "active": entry is scope}
            for entry in scopes
        ],
        lanes=[_lane(view, query, lane, sizes.get(lane.key, query.board.page_size), here) for lane in lanes],
        move_url=view.get_url(".move_view", **here) if may(view.screen.permission("edit")) else None,
    )


def scope_title(view: RecordView, scope: Any) -> str:
    """The heading of the page."""
    return f"{view.screen.plural} · {scope}" if scope is not None else str(view.screen.plural)


def move(view: RecordView) -> Any:
    """Put the posted record in the posted lane.

    Answers 200 with the new sums, 422 with the questions that the move needs answered, or 409 with a sentence that says
    why not. Without a script each becomes a page or a redirect to the board.
    """
    query = _query(view)
    record = view.record_or_404(request.form.get("id", ""))
    view.require("edit", record)
    key = query.key_of(request.form.get("lane", ""))
    lanes = query.lanes(view.session)
    target = next((lane for lane in lanes if lane.key == key and key is not None), None)
    if target is None:
        return _refused(view, _("This lane is no longer there."))
    version = request.form.get("version")
    if version and version != str(record.version):
        return _refused(view, _("Somebody else changed this record in the meantime. Reload the board to see it."))
    before = query.lane_of(record)
    if before != key:
        form = _questions(view, query, record, key)
        if form is not None and not _answered(form):
            return _ask(view, record, target, form)
        values = {field.name: field.data for field in form} if form is not None else {}
        try:
            commit(view.session, lambda: _move(view, query, record, key, values))
        except Refused as refused:
            if form is not None and any(name in form for name in refused.errors):
                for name, text in refused.errors.items():
                    form[name if name in form else next(iter(values))].errors = [str(text)]
                return _ask(view, record, target, form)
            return _refused(view, " ".join(_sentences(view, refused)))
    if "HX-Request" not in request.headers:
        flash(_("%(name)s moved to %(lane)s", name=str(record), lane=str(target.label)), "success")
        return redirect(_board_url(view))
    touched = [lane for lane in lanes if lane.key in (before, key)]
    query.fill_sums(view.session, touched)
    return render_template(
        "nova/_board_moved.html",
        lanes=[_sums(lane) for lane in touched],
        card={"id": record.id, "title": str(record), "version": record.version},
        lane_label=target.label,
    )


def _move(view: RecordView, query: BoardQuery, record: Any, key: Any, values: dict[str, Any]) -> None:
    if query.board.move is not None:
        query.board.move(record, key, values)
        return
    for name, value in values.items():
        setattr(record, name, value)
    setattr(record, query.lane.name, query.lane_value(view.session, key))


def _questions(view: RecordView, query: BoardQuery, record: Any, key: Any) -> BaseForm | None:
    """The form of the fields that must be asked for first, filled with what was posted; None when nothing must."""
    names = query.board.ask(record, key) if query.board.ask else ()
    if not names:
        refuse_undeclared(BaseForm(), request.form, extra=MOVE)
        return None
    form_class = view.form_of(names)
    posted = any(name in request.form for name in names)
    form = form_class(formdata(request.form) if posted else None, obj=record)
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


def _ask(view: RecordView, record: Any, lane: Lane, form: BaseForm) -> Any:
    context = {
        "title": _("Move %(name)s to %(lane)s", name=str(record), lane=str(lane.label)),
        "move_url": view.get_url(".move_view"),
        "record_id": record.id,
        "lane_id": lane.key,
        "version": record.version,
        "fields": list(form),
    }
    return render_template("nova/board_ask.html", **context), REFUSED


def _refused(view: RecordView, sentence: str) -> Any:
    if "HX-Request" not in request.headers:
        flash(sentence, "danger")
        return redirect(_board_url(view))
    return Response(sentence, status=CONFLICT, mimetype="text/plain")


def _sentences(view: RecordView, refused: Refused) -> list[str]:
    fields = view.record_type.fields
    return [f"{fields[name].label}: {text}" if name in fields else str(text) for name, text in refused.errors.items()]


def _board_url(view: RecordView) -> str:
    scope = read_id(request.values.get("scope", ""))
    return view.get_url(".board_view", scope=scope)


def _query(view: RecordView) -> BoardQuery:
    if view.board is None:
        not_found()
    return view.board


def _scope(scopes: Sequence[Any]) -> Any:
    asked = request.args.get("scope")
    if not asked:
        return scopes[0] if scopes else None
    scope = next((entry for entry in scopes if str(entry.id) == asked), None)
    if scope is None:
        not_found()
    return scope


def _sizes(query: BoardQuery, lanes: Sequence[Lane]) -> dict[Any, int]:
    asked = request.args.get("lane")
    if not asked:
        return {}
    key = query.key_of(asked)
    if all(lane.key != key for lane in lanes):
        abort(400)
    return {key: min(read_id(request.args.get("cards", "")) or query.board.page_size, CARDS_LIMIT)}


def _sums(lane: Lane) -> dict[str, Any]:
    return {"id": lane.key, "count": lane.count, "total": lane.total, "weighted": lane.weighted}


def _lane(view: RecordView, query: BoardQuery, lane: Lane, size: int, here: dict[str, Any]) -> dict[str, Any]:
    hints = query.board.hints(lane.cards) if query.board.hints is not None and lane.cards else {}
    more = lane.count > len(lane.cards) and size < CARDS_LIMIT
    arguments = here | {"lane": lane.key, "cards": size + query.board.page_size}
    return _sums(lane) | {
        "label": lane.label,
        "color": lane.color,
        "probability": lane.probability,
        "cards": [_card(view, query, record, hints.get(record.id)) for record in lane.cards],
        "more_url": view.get_url(".board_view", **arguments) if more else None,
        "actions": [],
    }


def _card(view: RecordView, query: BoardQuery, record: Any, hint: Hint | None) -> dict[str, Any]:
    board, owner = query.board, getattr(record, "owner", None)
    subtitle = view.record_type.field(board.subtitle) if board.subtitle else None
    amount = getattr(record, query.amount.name) if query.amount else None
    return {
        "id": record.id,
        "title": str(record),
        "url": view.get_url(".details_view", id=record.id),
        "subtitle": plain(subtitle, getattr(record, subtitle.name), record) if subtitle else "",
        "version": record.version,
        "amount": plain(query.amount, amount, record) if query.amount and amount is not None else None,
        "date": getattr(record, board.date) if board.date else None,
        "owner": str(owner) if owner else "",
        "owner_initial": str(owner)[:1] if owner else "",
        "hint": str(hint.text) if hint else "",
        "hint_icon": hint.icon if hint else "",
        "warn": hint is not None and hint.warn,
    }
