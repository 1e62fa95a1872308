"""What stands around a list: tabs of views, columns, groups, widths; and the list in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask_babel import gettext as _

from core.admin.grouping import Group, groups_of, number_fields, totals_of
from core.admin.list_rows import address, label_of
from core.admin.opened_view import ALL, Opened
from core.database.limits import TooSlow
from core.records.conditions import parse
from core.records.counting import Count
from core.records.views.saved import default_of, may_change

if TYPE_CHECKING:
    from core.admin.list_query import ListRequest
    from core.admin.record_view import RecordView


def around(view: RecordView, opened: Opened, asked: ListRequest) -> dict[str, Any]:
    """What stands around a list, in rows or in groups: tabs of views, columns, groups, and what its forms carry."""
    list_url, query = view.list_url(), view.query
    content = query.arguments(asked.changed())
    words = urlencode(content)
    carried = query.arguments(asked.changed(search="", filters=(), where=None))
    if opened.saved is not None:
        carried = {"view": opened.saved.id, "changed": 1} | carried
    elif "view" in opened.address({}):
        carried = {"view": ALL} | carried
    saved = opened.saved
    grouped = [("", str(_("No groups"))), *((entry.name, entry.label) for entry in query.groups.every)]

    def url(**changes: Any) -> str:
        return address(list_url, opened.address(query.arguments(asked.changed(**changes))))

    return {
        "carried": carried,
        "query_words": words,
        "tabs": tabs_of(opened, list_url),
        "view_changed": opened.changed or (saved is None and bool(content)),
        "saved_view": saved,
        "may_change_view": saved is not None and may_change(saved),
        "save_url": view.get_url(".save_saved_view", view_id=saved.id) if saved is not None else None,
        "save_as_url": address(view.get_url(".new_saved_view"), {"q": words}),
        "saved_view_url": view.get_url(".saved_view", view_id=saved.id) if saved is not None else None,
        "gone": [gone_word(view, name) for name in opened.gone.words],
        "columns_url": address(view.get_url(".columns_view"), opened.address(content)),
        "order_url": address(view.get_url(".order_view"), opened.address(content)),
        "group": asked.group,
        "groupings": [{"name": name, "label": label, "url": url(group=name)} for name, label in grouped],
        "peek_pattern": f"{view.get_url('.details_view', id='-id-')}/peek",
        "widths_url": view.get_url(".widths_view"),
    }


def tabs_of(opened: Opened, path: str, kept: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The saved views as tabs of the page at ``path``; ``kept`` are arguments that are no part of a view."""
    if not opened.views:
        return []
    kept = kept or {}
    shown = opened.saved.id if opened.saved is not None else None
    plain = address(path, {**kept, **({"view": ALL} if default_of(opened.views) else {})})
    return [
        {"label": _("All"), "url": plain, "active": shown is None},
        *(
            {"label": entry.name, "url": address(path, {**kept, "view": entry.id}),
             "active": entry.id == shown}
            for entry in opened.views
        ),
    ]  # fmt: skip


def gone_word(view: RecordView, name: str) -> str:
    """A field or reference that is not there today: its label where the Catalog still has it, else its name."""
    known = name in view.record_type.fields or name in view.computed
    return str(label_of(view, name)) if known else name


def totals_url(view: RecordView, asked: ListRequest, columns: Sequence[str], count: Count) -> str | None:
    if not count.number or not number_fields(view.screen, view.record_type, columns):
        return None
    return address(view.get_url(".totals_view"), view.query.arguments(asked.changed()))


def grouped_page(view: RecordView, opened: Opened, asked: ListRequest, context: Mapping[str, Any]) -> Any:
    """The list in groups: each unfolds to its first records, and opens as a list of its own.

    ``context`` is what stands above it.
    """
    grouping = view.query.groups.find(asked.group)
    assert grouping is not None, "the query refuses other groups"
    columns = view.query.shown(asked)
    numbers = number_fields(view.screen, view.record_type, columns)
    too_slow = False
    groups: list[Group] = []
    totals: Mapping[str, str] = {}
    try:
        groups = groups_of(view.session, view.query, asked, grouping, numbers)
        totals = totals_of(view.session, view.query, asked, numbers) if numbers and groups else {}
    except TooSlow:
        too_slow = True
    list_url = view.list_url()

    def group_url(group: Group) -> str:
        trees = [group.tree] if asked.where is None else [asked.where.tree, group.tree]
        where = parse({"all": trees} if len(trees) > 1 else trees[0], view.record_type)
        return address(list_url, opened.address(view.query.arguments(asked.changed(group="", where=where))))

    return view.render(
        "nova/list_groups.html",
        grouping=grouping,
        groups=[(group, group_url(group)) for group in groups],
        numbers=[(field.name, str(field.label)) for field in numbers],
        totals=totals,
        total=sum(group.count for group in groups),
        too_slow=too_slow,
        list_columns=[(name, str(label_of(view, name))) for name in columns],
        **context,
    )
