"""The list of a screen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import request
from flask_babel import gettext as _
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from core.admin.duplicate_pages import may_merge
from core.admin.filters import FieldFilter
from core.admin.list_order import then_by
from core.admin.list_query import ListRequest
from core.admin.list_rows import address, cell_mark, filled, label_of, rows_of
from core.admin.list_views import around, grouped_page, totals_url
from core.admin.opened_view import Opened, open_view
from core.records.conditions import sentence
from core.records.counting import COUNT_LIMIT, Count
from core.records.order import Sort
from core.records.paging import END, Page
from core.records.policy import may
from core.records.views.saved import arranged
from core.site.reader import language

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def list_page(view: RecordView) -> Any:
    """The page of records that the address asks for; a page past the last one shows the last."""
    opened = open_view(view, request.args)
    asked = view.query.read(opened.arguments, view.page_size_options)
    if asked.group:
        return grouped_page(view, opened, asked, bar(view, opened, asked))
    matching = view.query.matching(asked)
    count = view.query.count(view.session, asked, matching)
    pages = math.ceil(min(count.number, COUNT_LIMIT) / asked.page_size)
    asked = asked.at_page(max(min(asked.page, pages - 1), 0))
    page = view.query.page(view.session, asked, count, matching)
    columns = view.query.shown(asked)
    actions, confirmations = view.get_actions_list()
    list_url = view.list_url()

    def url(**changes: Any) -> str:
        return address(list_url, opened.address(view.query.arguments(asked.changed(**changes))))

    def sort_url(column: int | str, invert: bool = False, desc: Any = None) -> str:
        name = columns[column] if isinstance(column, int) else column
        return url(sort=(Sort(name, bool(desc) or (invert and not first.descending)),))

    first = next(iter(view.query.order(asked).sorts), Sort(""))
    around_rows = bar(view, opened, asked)
    editable = view.editable if view.can_edit else frozenset()
    row_actions = view.get_list_row_actions()
    return view.render(
        "admin/model/list.html",
        **around_rows,
        data=page.records,
        count=count.number,
        count_more=count.more,
        count_about=count.about,
        num_pages=pages if count.exact else None,
        page=asked.page,
        default_page_size=view.screen.page_size,
        can_set_page_size=True,
        pager=pager(asked, page, count, pages, url),
        row=page.row,
        newest_first=view.query.newest_first(asked, count),
        page_size_url=lambda size: url(page_size=size),
        sort_column=first.name if asked.sort else None,
        sort_desc=bool(asked.sort) and first.descending,
        sort_url=sort_url,
        sort_places={sort.name: (place, sort.descending) for place, sort in enumerate(asked.sort, 1)},
        sort_then_url=lambda name: url(sort=then_by(asked.sort, name)),
        actions=actions,
        actions_confirmation=confirmations,
        editable_columns=editable,
        list_columns=[(name, str(label_of(view, name))) for name in columns],
        list_row_actions=row_actions,
        drawn_for=(
            *around_rows["around_for"], columns, editable, tuple(actions),
            tuple(type(action).__name__ for action in row_actions),
        ),
        rows=rows_of(view, page.records, columns),
        filled=filled,
        cell_mark=cell_mark,
        totals_url=totals_url(view, asked, columns, count),
        widths=arranged(view.session, view.screen.name).widths,
    )


def bar(view: RecordView, opened: Opened, asked: ListRequest) -> dict[str, Any]:
    """What stands above a list, in rows or in groups: title, search, filters, views and buttons."""
    list_url = view.list_url()

    def url(**changes: Any) -> str:
        return address(list_url, opened.address(view.query.arguments(asked.changed(**changes))))

    return_url = address(list_url, opened.address(view.query.arguments(asked)))
    parts = around(view, opened, asked)
    # What is asked for stands in the words, also where a saved view says it; whatever else is drawn follows from it.
    around_for = (view.endpoint, return_url, parts["query_words"])
    views, links = screen_views(view, "list", asked, opened), screen_links(view)
    offered = (*(entry["url"] for entry in (*views, *links)), view.can_create, view.can_export)
    return parts | {
        "title": view.screen.plural,
        "search_supported": view.query.searchable,
        "search": asked.search,
        "clear_search_url": url(search="", filters=(), where=None),
        "filters": view.query.filters,
        "filter_menu": filter_menu(view),
        "active_filters": active_filters(view, asked, url),
        "filter_args": view.query.filter_arguments(asked),
        "active_where": active_where(asked, url(where=None)),
        # A view that the condition changes is still the one that is open.
        "builder_url": builder_url(
            view, asked, kept={"view": opened.saved.id, "changed": 1} if opened.saved else opened.address({})
        ),
        "page_size": asked.page_size,
        "return_url": return_url,
        "around_for": around_for,
        "acts_for": (*around_for, *offered),
        "export_url": view.get_url(".export", **_unpaged(view, asked)),
        "extra_args": {},
        "screen_views": views,
        "screen_links": links,
    }


def active_filters(view: RecordView, asked: ListRequest, url: Callable[..., str]) -> list[dict[str, Any]]:
    """The chips of the filters in the address: of what, how, which value, and how to do without it."""
    chips = []
    for number, (position, value) in enumerate(asked.filters):
        entry, others = view.query.filters[position], (*asked.filters[:number], *asked.filters[number + 1 :])
        without = url(filters=others)
        chips.append({"name": entry.name, "how": entry.operation(), "value": entry.shown(value), "without": without})
    return chips


def active_where(asked: ListRequest, without: str) -> dict[str, str] | None:
    """The chip of the condition in the address: what it says, and how to do without it."""
    if asked.where is None:
        return None
    return {"sentence": sentence(asked.where), "without": without}


def builder_url(
    view: RecordView, asked: ListRequest, endpoint: str = ".index_view", kept: Mapping[str, Any] | None = None
) -> str:
    """Where what is filtered now can be changed as one condition, and comes back to ``endpoint``."""
    arguments = view.query.arguments(asked.changed(filters=(), where=None)) | dict(kept or {})
    condition = view.query.condition(asked)
    if not condition.is_everything:
        arguments["where"] = condition.text
    if endpoint != ".index_view":
        arguments["to"] = endpoint.removeprefix(".")
    return address(view.get_url(".filter_view"), arguments)


def filter_menu(view: RecordView) -> tuple[list[str], Markup]:
    """What the filter menu offers: the labels of fields, and as JSON for its script the operations of each.

    Records to choose from come when they are wanted, so nothing here depends on data or rights, and it is written once
    for each language.
    """
    spoken = language()
    if spoken not in view.filter_menus:
        groups: dict[str, list[dict[str, Any]]] = {}
        for position, entry in enumerate(view.query.filters):
            if entry.offered:
                groups.setdefault(str(entry.name), []).append(_filter_line(view, position, entry))
        view.filter_menus[spoken] = (list(groups), htmlsafe_json_dumps(groups))
    return view.filter_menus[spoken]


def _filter_line(view: RecordView, position: int, entry: FieldFilter) -> dict[str, Any]:
    asked_for = entry.field.is_link and entry.operator.shape == "one"
    options = None if asked_for else entry.get_options(view)
    return {
        "index": position,
        "arg": entry.arg,
        "operation": str(entry.operation()),
        "options": [(key, str(label)) for key, label in options] if options is not None else None,
        "ask": asked_for,
        "type": entry.data_type,
    }


def screen_views(
    view: RecordView, active: str, asked: ListRequest | None = None, opened: Opened | None = None
) -> list[dict[str, Any]]:
    """The switch between list, board and calendar, each with the view that is shown; empty for only a list."""
    arguments = _unpaged(view, asked) if asked is not None else {}
    if asked is not None and opened is not None:
        # Whether a saved view is changed shows only with all of its arguments.
        arguments = opened.address(view.query.arguments(asked.changed()))
        arguments.pop("page_size", None)
    offered = [("list", _("List"), "list", ".index_view")]
    if view.boards:
        offered.append(("board", _("Board"), "layout-kanban", ".board_view"))
    if view.dates:
        offered.append(("calendar", _("Calendar"), "calendar", ".calendar_view"))
    if len(offered) < 2:
        return []
    return [
        {"label": label, "icon": icon, "url": view.get_url(endpoint, **arguments), "active": name == active}
        for name, label, icon, endpoint in offered
    ]


def screen_links(view: RecordView) -> list[dict[str, str]]:
    """Buttons beside Create: the recycle bin and the import, for those who may use them."""
    links = []
    if may(view.screen.permission("delete")):
        links.append({"label": _("Recycle bin"), "icon": "trash", "url": view.get_url(".bin_view")})
    if view.screen.duplicates and may_merge(view):
        links.append({"label": _("Duplicates"), "icon": "git-merge", "url": view.get_url(".duplicates_view")})
    if may(view.screen.permission("import")):
        address = f"{request.script_root}/import/{view.screen.name}"
        links.append({"label": _("Import"), "icon": "upload", "url": address})
    return links


def pager(
    asked: ListRequest, page: Page, count: Count, pages: int, url: Callable[..., str]
) -> dict[str, Any] | None:
    """The neighbours of a page by their addresses; None where one page holds everything.

    ``number`` is None far out, where pages have no numbers.
    """
    if not (page.before or page.after):
        return None
    number = None
    if page.row is not None and page.row % asked.page_size == 0 and page.row // asked.page_size < pages:
        number = page.row // asked.page_size + 1
    return {
        "first": url() if page.before else None,
        "previous": url(before=page.before) if page.before else None,
        "next": url(after=page.after) if page.after else None,
        "last": url(before=END) if page.after else None,
        "number": number,
        "pages": pages if count.exact else None,
        "reach": pages,
    }


def _unpaged(view: RecordView, asked: ListRequest) -> dict[str, Any]:
    arguments = view.query.arguments(asked.changed())
    return {key: value for key, value in arguments.items() if key != "page_size"}
