"""The bar of search and filters above a list, a board or a calendar: the same view, shown in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.admin.list_page import active_where, builder_url, filter_menu

if TYPE_CHECKING:
    from core.admin.list_query import ListRequest
    from core.admin.record_view import RecordView


def view_bar(view: RecordView, asked: ListRequest, endpoint: str, kept: Mapping[str, Any]) -> dict[str, Any]:
    """What ``admin/model/layout.html`` draws the bar from.

    Args:
        view: the screen.
        asked: what is searched and filtered.
        endpoint: of the page that the bar leads back to.
        kept: that page's own arguments, which search and filters leave alone.
    """

    def view_url(**arguments: Any) -> str:
        return view.get_url(endpoint, **{**kept, **arguments})

    carried = view_arguments(view, asked.changed(search="", filters=(), where=None))
    without = view_url(**view_arguments(view, asked.changed(where=None)))
    return {
        "view_url": view_url,
        "search_supported": view.query.searchable,
        "search": asked.search,
        "filters": view.query.filters,
        "filter_menu": filter_menu(view),
        "active_filters": [
            (position, view.query.filters[position].name, value) for position, value in asked.filters
        ],
        "active_where": active_where(asked, without),
        "builder_url": builder_url(view, asked, endpoint, kept),
        "filter_args": view.query.filter_arguments(asked),
        "clear_search_url": view_url(**carried),
        "carried": carried,
        "extra_args": kept,
    }


def view_arguments(view: RecordView, asked: ListRequest) -> dict[str, Any]:
    """The arguments of what the view shows, without the page of a list."""
    arguments = view.query.arguments(asked.changed())
    arguments.pop("page_size", None)
    return arguments
