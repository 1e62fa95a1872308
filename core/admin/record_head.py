"""The head of a record page: where it stands, whose it is, who follows it, what can be done, what comes next to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import abort, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from core.accounts.actor import acting
from core.admin.duplicate_pages import may_merge
from core.admin.saving import commit
from core.records.followers import follow, unfollow
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

FROM_RECORD = "record"  # what a move says that leads back to the record's page and not to the board
LONGEST_LIST = 2_000  # characters of the list's address that are carried along


def head(view: RecordView, record: Any, *, followed: bool) -> dict[str, Any]:
    """What the head of the page shows, but for what the fields and the story say."""
    carried = came_from(view)
    return {
        "subtitle": view.screen.subtitle(record) if view.screen.subtitle else "",
        "path": _path(view, record),
        "following": followed if acting().user_id is not None else None,
        "follow_url": view.get_url(".follow_view", id=record.id),
        "record_actions": list(_actions(view, record)),
        "previous_url": view.get_url(".neighbour_view", id=record.id, way="previous", list=carried or None),
        "next_url": view.get_url(".neighbour_view", id=record.id, way="next", list=carried or None),
        "list_url": f"{view.list_url()}?{carried}" if carried else view.list_url(),
    }


def follow_or_not(view: RecordView, record: Any) -> Any:
    """Follow the record, or with ``follow`` empty no longer."""
    if set(request.form) - {"csrf_token", "follow", "url"}:
        abort(400)
    commit(view.session, lambda: (follow if request.form.get("follow") else unfollow)(record))
    return redirect(view.get_url(".details_view", id=record.id))


def came_from(view: RecordView) -> str:
    """The arguments of the list that the reader came from, as they stand in its address.

    They are in ``?list=`` once somebody goes on from record to record; the first time the browser says where it was.
    """
    carried = request.args.get("list")
    if carried is None:
        was = urlsplit(request.referrer or "")
        carried = was.query if was.netloc == request.host and was.path == view.list_url() else ""
    return urlencode(parse_qsl(carried[:LONGEST_LIST], keep_blank_values=False))


def list_arguments(carried: str) -> MultiDict[str, str]:
    """The arguments that ``came_from`` carries, as the list reads them."""
    return MultiDict(parse_qsl(carried))


def _path(view: RecordView, record: Any) -> dict[str, Any] | None:
    """The steps of the screen's own board; each is a button that moves the record there by the rules of the board."""
    board = view.screen.board
    if board is None:
        return None
    source = view.boards[board.lane].source
    # The lanes of one of several boards: those of the pipeline that a deal is in.
    scope = getattr(getattr(record, board.lane), board.scope, None) if board.scope else None
    lanes = source.lanes(view.session, scope.id if scope is not None else None)
    here = source.lane_of(record)
    places = [lane.key for lane in lanes]
    if here not in places:
        return None
    reached = places.index(here)
    editable = may(view.screen.permission("edit"), record)
    return {
        "label": view.record_type.field(board.lane).label,
        "url": view.get_url(".move_view", back=FROM_RECORD) if editable else None,
        "fields": {"id": record.id},
        "steps": [
            {"label": lane.label, "value": lane.text_key, "current": place == reached, "past": place < reached}
            for place, lane in enumerate(lanes)
        ],
    }


def _actions(view: RecordView, record: Any) -> Iterator[dict[str, Any]]:
    """What the menu of the page offers; editing comes first and is a button of its own."""
    if may(view.screen.permission("edit"), record):
        here = view.get_url(".details_view", id=record.id)
        yield {"label": _("Edit"), "url": view.get_url(".edit_view", id=record.id, url=here), "icon": "pencil"}
        if view.screen.duplicates and may_merge(view):
            url = view.get_url(".duplicates_view", id=record.id)
            yield {"label": _("Find duplicates"), "url": url, "icon": "git-merge"}
    if may("core.roles.manage"):
        url = url_for("access.page", type=view.screen.name, id=record.id)
        yield {"label": _("Who may see this?"), "url": url, "icon": "lock"}
    if record.__subject__ and may("core.privacy.manage"):
        url = url_for("privacy.file", record_type=view.screen.name, record_id=record.id)
        yield {"label": _("Personal data"), "url": url, "icon": "id"}
    if may(view.screen.permission("delete"), record):
        yield {
            "label": _("Delete"),
            "url": view.get_url(".delete_view", id=record.id),
            "icon": "trash",
            "method": "post",
            "confirm": _("Delete “%(name)s”?", name=str(record)),
        }
