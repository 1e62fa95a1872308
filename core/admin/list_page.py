"""The list of a screen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup, escape

from core.admin.formatters import record_link, shown
from core.admin.list_query import END, ListRequest, Page
from core.parts import Column
from core.records.conditions import sentence
from core.records.counting import COUNT_LIMIT, Count
from core.records.fields import Field
from core.records.order import Sort
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

_MARK = re.compile("-id-|-name-|-value-")
NOTHING = Markup()


def list_page(view: RecordView) -> Any:
    """The page of records that the address asks for; a page past the last one shows the last."""
    asked = view.query.read(request.args, view.page_size_options)
    matching = view.query.matching(asked)
    count = view.query.count(view.session, asked, matching)
    pages = math.ceil(min(count.number, COUNT_LIMIT) / asked.page_size)
    asked = asked.at_page(max(min(asked.page, pages - 1), 0))
    page = view.query.page(view.session, asked, count, matching)
    records = page.records
    actions, confirmations = view.get_actions_list()
    list_url = view.list_url()

    def url(**changes: Any) -> str:
        return address(list_url, view.query.arguments(asked.changed(**changes)))

    def sort_url(column: int | str, invert: bool = False, desc: Any = None) -> str:
        name = view.screen.columns[column] if isinstance(column, int) else column
        return url(sort=(Sort(name, bool(desc) or (invert and not first.descending)),))

    first = next(iter(view.query.order(asked).sorts), Sort(""))
    return view.render(
        "admin/model/list.html",
        title=view.screen.plural,
        data=records,
        count=count.number,
        count_more=count.more,
        count_about=count.about,
        num_pages=pages if count.exact else None,
        page=asked.page,
        page_size=asked.page_size,
        default_page_size=view.screen.page_size,
        can_set_page_size=True,
        pager=pager(asked, page, count, pages, url),
        row=page.row,
        page_size_url=lambda size: url(page_size=size),
        sort_column=first.name if asked.sort else None,
        sort_desc=bool(asked.sort) and first.descending,
        sort_url=sort_url,
        search_supported=view.query.searchable,
        search=asked.search,
        clear_search_url=url(search="", filters=(), where=None),
        filters=view.query.filters,
        filter_groups=filter_groups(view),
        active_filters=[(position, view.query.filters[position].name, value) for position, value in asked.filters],
        filter_args=view.query.filter_arguments(asked),
        active_where=active_where(asked, url(where=None)),
        actions=actions,
        actions_confirmation=confirmations,
        action_form=view.action_form() if actions else None,
        delete_form=view.delete_form() if view.can_delete else None,
        editable_columns=view.editable if view.can_edit else (),
        list_columns=[(name, str(label_of(view, name))) for name in view.screen.columns],
        list_row_actions=view.get_list_row_actions(),
        rows=rows_of(view, records),
        return_url=address(list_url, view.query.arguments(asked)),
        export_url=view.get_url(".export_choice", **_unpaged(view, asked)),
        carried=_carried(view, asked),
        extra_args={},
        screen_views=screen_views(view, "list", asked),
        screen_links=screen_links(view),
    )


def active_where(asked: ListRequest, without: str) -> dict[str, str] | None:
    """The chip of the condition in the address: what it says, and how to do without it."""
    if asked.where is None:
        return None
    return {"sentence": sentence(asked.where), "clear": without}


def label_of(view: RecordView, name: str) -> Any:
    """The heading of a column."""
    computed = view.computed.get(name)
    return computed.label if computed else view.record_type.field(name).label


@dataclass(frozen=True)
class Row:
    """A record as the table shows it: its values as HTML, in the order of the columns."""

    id: int
    name: str
    cells: Sequence[Markup]

    def fill(self, pattern: Markup, value: Markup = NOTHING) -> Markup:
        """``pattern`` with what differs from row to row: ``-id-``, ``-name-`` and ``-value-``."""
        words = {"-id-": str(self.id), "-name-": str(escape(self.name)), "-value-": str(value)}
        # In one go, so that a name which looks like a mark stays a name.
        return Markup(_MARK.sub(lambda mark: words[mark[0]], str(escape(pattern))))  # noqa: S704 - parts are escaped


def rows_of(view: RecordView, records: Sequence[Any]) -> list[Row]:
    """The records of a page as rows."""
    value = cell_values(view, records)
    names = view.screen.columns
    return [Row(record.id, str(record), [value(record, name) for name in names]) for record in records]


def cell_values(view: RecordView, records: Sequence[Any]) -> Callable[[Any, str], Markup]:
    """The function that gives the cell of a record and a column; computed columns are loaded once for all records."""
    loaded: dict[str, Mapping[int, Any]] = {
        name: column.load(records) for name, column in view.computed.items() if name in view.screen.columns and records
    }
    main = view.screen.columns[0] if view.screen.columns else ""

    def value(record: Any, name: str) -> Markup:
        if name in loaded:
            cell = shown(computed_field(view.computed[name]), loaded[name].get(record.id), record)
        else:
            field = view.record_type.field(name)
            cell = shown(field, getattr(record, name), record)
        if name != main or "<a " in cell:
            return cell
        text = cell.striptags() or escape(str(record))
        return record_link(record, text, avatar=True)

    return value


def computed_field(column: Column) -> Field:
    """A computed column as a field, so that its values are shown like any other."""
    return Field(name=column.name, label=column.label, kind=column.kind)


def filter_groups(view: RecordView) -> dict[str, list[dict[str, Any]]]:
    """What the filter menu offers: field label to its operations."""
    groups: dict[str, list[dict[str, Any]]] = {}
    offered: dict[str, Any] = {}
    for position, entry in enumerate(view.query.filters):
        if not entry.offered:
            continue
        if entry.field.is_link and entry.operator.shape == "one":
            # The records to choose from are the same for each operator, and asked for once.
            options = offered.setdefault(entry.field.name, None) or entry.get_options(view)
            offered[entry.field.name] = options
        else:
            options = entry.get_options(view)
        groups.setdefault(str(entry.name), []).append(
            {
                "index": position,
                "arg": entry.arg,
                "operation": str(entry.operation()),
                "options": [(key, str(label)) for key, label in options] if options is not None else None,
                "type": entry.data_type,
            }
        )
    return groups


def screen_views(view: RecordView, active: str, asked: ListRequest | None = None) -> list[dict[str, Any]]:
    """The switch between list, board and calendar, each with what is searched and filtered; empty for only a list."""
    arguments = _unpaged(view, asked) if asked is not None else {}
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
    if may(view.screen.permission("import")):
        address = f"{request.script_root}/import/{view.screen.name}"
        links.append({"label": _("Import"), "icon": "upload", "url": address})
    return links


def address(path: str, arguments: Mapping[str, Any]) -> str:
    """``path`` with ``arguments``; much cheaper than building the address from its endpoint again."""
    return f"{path}?{urlencode(arguments)}" if arguments else path


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


def _carried(view: RecordView, asked: ListRequest) -> dict[str, Any]:
    """What a form of the list carries besides its own fields: order and size of the page."""
    return view.query.arguments(asked.changed(search="", filters=(), where=None))
