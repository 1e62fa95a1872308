"""The fields a list is sorted by: chosen in a form, or one more by its head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import request
from flask_babel import gettext as _

from core.admin.list_query import SORTS
from core.admin.list_rows import address, label_of
from core.admin.opened_view import open_view
from core.records.order import Sort

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def then_by(sorts: Sequence[Sort], name: str) -> tuple[Sort, ...]:
    """``sorts`` with ``name`` behind them; once more turns its direction, and a third time leaves it out.

    Where a list is sorted by as many fields as it can be, the new one takes the place of the last.
    """
    there = next((sort for sort in sorts if sort.name == name), None)
    if there is None:
        return (*sorts[: SORTS - 1], Sort(name))
    turned = [] if there.descending else [Sort(name, True)]
    return tuple(one for sort in sorts for one in (turned if sort is there else [sort]))


def choose_order(view: RecordView) -> Any:
    """The form in which one chooses what a list is sorted by first, then, and after that.

    It works by boxes to choose from and a button alone; on a phone, where a list has no heads, it is the only way.
    """
    view.require("see")
    opened = open_view(view, request.args)
    asked = view.query.read(opened.arguments, view.page_size_options)
    carried = opened.address(view.query.arguments(asked.changed(sort=())))
    if opened.saved is not None:
        carried = {"view": opened.saved.id, "changed": 1} | view.query.arguments(asked.changed(sort=()))
    choices = []
    for name in view.query.offered:
        if name in view.query.sortable:
            label = str(label_of(view, name))
            choices.append((name, _("%(field)s, ascending", field=label)))
            choices.append((f"-{name}", _("%(field)s, descending", field=label)))
    chosen = [str(sort) for sort in view.query.order(asked).sorts]
    return view.render(
        "nova/list_order.html",
        title=_("Sort"),
        list_label=view.screen.plural,
        list_url=view.list_url(),
        choices=choices,
        chosen=[*chosen, *[""] * (SORTS - len(chosen))],
        carried=carried,
        reset_url=address(view.list_url(), carried),
        modal=bool(request.args.get("modal")),
    )
