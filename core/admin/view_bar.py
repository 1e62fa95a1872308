"""What stands above a board or a calendar: tabs of saved views, search, filters. It is the view the list shows too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from core.admin.list_page import active_filters, active_where, builder_url, filter_menu
from core.admin.list_rows import address
from core.admin.list_views import gone_word, tabs_of
from core.admin.opened_view import Opened
from core.records.views.saved import may_change

if TYPE_CHECKING:
    from core.admin.list_query import ListRequest
    from core.admin.record_view import RecordView


def view_bar(
    view: RecordView, opened: Opened, asked: ListRequest, endpoint: str, kept: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``admin/model/layout.html`` draws the bar from, and ``nova/_views.html`` the tabs.

    Args:
        view: the screen.
        opened: the saved view that is shown, if any.
        asked: what is searched and filtered.
        endpoint: of the page that the bar leads back to.
        kept: that page's own arguments, which search, filters and views leave alone.
    """
    path, back = view.get_url(endpoint), endpoint.removeprefix(".")
    query, saved = view.query, opened.saved

    def view_url(**arguments: Any) -> str:
        return address(path, {name: value for name, value in {**kept, **arguments}.items() if value is not None})

    def url(**changes: Any) -> str:
        return view_url(**opened.address(query.arguments(asked.changed(**changes))))

    # What changes a saved view is still that view.
    within = {"view": saved.id, "changed": 1} if saved is not None else opened.address({})
    carried = within | query.arguments(asked.changed(search="", filters=(), where=None))
    words = urlencode(query.arguments(asked.changed()))
    return {
        "view_url": view_url,
        "search_supported": query.searchable,
        "search": asked.search,
        "filters": query.filters,
        "filter_menu": filter_menu(view),
        "active_filters": active_filters(view, asked, url),
        "active_where": active_where(asked, url(where=None)),
        "builder_url": builder_url(view, asked, endpoint, {**kept, **within}),
        "filter_args": query.filter_arguments(asked),
        "clear_search_url": url(search="", filters=(), where=None),
        "carried": carried,
        "extra_args": kept,
        "tabs": tabs_of(opened, path, kept),
        "saved_view": saved,
        "saved_view_url": view.get_url(".saved_view", view_id=saved.id, to=back) if saved is not None else None,
        "view_changed": opened.changed or (saved is None and bool(words)),
        "may_change_view": saved is not None and may_change(saved),
        "save_url": view.get_url(".save_saved_view", view_id=saved.id, to=back) if saved is not None else None,
        "save_as_url": address(view.get_url(".new_saved_view"), {"q": words, "to": back}),
        "query_words": words,
        # Everything that the bar is drawn from, but for what the page adds to it.
        "around_for": (view.endpoint, url(), words),
        "gone": [gone_word(view, name) for name in opened.gone.words],
    }


def view_arguments(view: RecordView, opened: Opened, asked: ListRequest) -> dict[str, Any]:
    """The arguments of what the view shows, the saved view among them, without the page of a list."""
    return opened.address(view.query.arguments(asked.changed()))
