"""What a list asks for after it was drawn: totals, the choice of columns, a look at one record, widths of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, abort, jsonify, request
from flask_babel import gettext as _
from markupsafe import Markup

from core.accounts.actor import acting
from core.admin.grouping import number_fields, totals_of
from core.admin.ids import not_found
from core.admin.list_rows import address, columns_of, label_of
from core.admin.opened_view import open_view
from core.database.limits import TooSlow
from core.records.views.models import ListLayout

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

NARROWEST, WIDEST = 40, 1200  # pixels of a column
PEEKED = 14  # fields a look at a record shows


def totals(view: RecordView) -> Any:
    """The row of totals under a list: a fragment, or a page of its own for who has no script."""
    view.require("see")
    opened = open_view(view, request.args)
    asked = view.query.read(opened.arguments, view.page_size_options)
    columns = view.query.shown(asked)
    numbers = number_fields(view.screen, view.record_type, columns)
    slow = False
    try:
        sums = totals_of(view.session, view.query, asked, numbers) if numbers else {}
    except TooSlow:
        sums, slow = {}, True
    alone = "HX-Request" not in request.headers
    return view.render(
        "nova/totals.html" if alone else "nova/_totals.html",
        title=_("Totals"),
        columns=[(name, str(label_of(view, name)), sums.get(name, "")) for name in columns],
        actions=bool(view.get_actions_list()[0]),
        too_slow=slow,
        list_label=view.screen.plural,
        list_url=address(view.list_url(), opened.address(view.query.arguments(asked))),
    )


def choose_columns(view: RecordView) -> Any:
    """The form in which columns are chosen and ordered; works by links and buttons alone.

    ``up`` and ``down`` name a column that moves; the others stay as they were ticked.
    """
    view.require("see")
    opened = open_view(view, request.args)
    asked = view.query.read(opened.arguments, view.page_size_options)
    chosen = list(view.query.shown(asked))
    if "column" in request.args:
        chosen = [name for name in dict.fromkeys(request.args.getlist("column")) if name in view.query.offered]
    for direction, step in (("up", -1), ("down", 1)):
        name = request.args.get(direction)
        if name in chosen:
            here = chosen.index(name)
            there = min(max(here + step, 0), len(chosen) - 1)
            chosen.insert(there, chosen.pop(here))
    others = [name for name in view.query.offered if name not in chosen]
    carried = opened.address(view.query.arguments(asked.changed(columns=())))
    if opened.saved is not None:
        carried = {"view": opened.saved.id, "changed": 1} | view.query.arguments(asked.changed(columns=()))
    return view.render(
        "nova/list_columns.html",
        title=_("Columns"),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        here=view.get_url(".columns_view"),
        columns=[(name, str(label_of(view, name)), name in chosen) for name in [*chosen, *others]],
        carried={key: value for key, value in carried.items() if key != "columns"},
        reset_url=f"{view.list_url()}?{urlencode(carried)}" if carried else view.list_url(),
        modal=bool(request.args.get("modal")),
    )


def peek(view: RecordView, record: Any) -> Any:
    """The main fields of a record, for the side panel of the list."""
    return view.render(
        "nova/peek.html", title=str(record), rows=main_values(view, record), record=record,
        subtitle=view.screen.subtitle(record) if view.screen.subtitle else "",
        open_url=view.get_url(".details_view", id=record.id),
        edit_url=view.get_url(".edit_view", id=record.id) if view.can_edit else None,
        list_label=view.screen.plural, list_url=view.list_url(), alone="HX-Request" not in request.headers,
    )  # fmt: skip


def main_values(view: RecordView, record: Any) -> list[tuple[str, Markup]]:
    """The labels and values of the main fields of a record, without its name and what is empty."""
    names = list(dict.fromkeys([*view.screen.columns, *view.shown_names]))[:PEEKED]
    columns = columns_of(view, [record], names)
    rows = [(str(label_of(view, name)), cells[0]) for name, cells in zip(names[1:], columns[1:], strict=True)]
    return [row for row in rows if row[1]]


def keep_widths(view: RecordView) -> Any:
    """Remember how wide the reader made columns: ``<name>=<pixels>`` for each."""
    view.require("see")
    me = acting().user_id
    if me is None:
        not_found()
    widths = {}
    for name in view.query.offered:
        text = request.form.get(f"width-{name}", "")
        if text.isascii() and text.isdigit() and len(text) < 5 and NARROWEST <= int(text) <= WIDEST:
            widths[name] = int(text)
    kept = view.session.get(ListLayout, (me, view.screen.name))
    if kept is None:
        view.session.add(ListLayout(user_id=me, record_type=view.screen.name, widths=widths))
    else:
        kept.widths = widths
    view.session.commit()
    return Response(status=204)


def filter_options(view: RecordView) -> Any:
    """The values that one filter offers, asked for when somebody chooses it."""
    view.require("see")
    entry = next((one for one in view.query.filters if one.arg == request.args.get("arg")), None)
    if entry is None:
        abort(400)
    return jsonify([[key, str(label)] for key, label in entry.get_options(view) or []])


