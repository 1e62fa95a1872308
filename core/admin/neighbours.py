"""From a record to the one before or after it, in the order and the filter of the list that one came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import flash, redirect
from flask_babel import gettext as _

from core.admin.record_head import came_from, list_arguments

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def neighbour(view: RecordView, record: Any, way: str) -> Any:
    """Lead to the record before (``previous``) or after this one; at the end of the list stay and say so.

    It is looked for when somebody asks, and not for every page: two queries, whatever the length of the list.
    """
    carried = came_from(view)
    asked = view.query.read(list_arguments(carried), view.page_size_options)
    matching, order = view.query.matching(asked), view.query.order(asked)
    here = order.read(view.session, matching.where(view.model.id == record.id), 1)
    found = order.read(view.session, matching, 1, here[0][1], back=way == "previous") if here else []
    target = found[0][0] if found else record
    if not here:
        flash(_("This record is no longer in the list that you came from."), "info")
    elif not found:
        text = _("This was the first record of the list.") if way == "previous" else _("This was the last one.")
        flash(text, "info")
    return redirect(view.get_url(".details_view", id=target.id, list=carried or None))
