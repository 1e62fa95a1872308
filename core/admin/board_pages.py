"""The board of a screen: its lanes, its cards, and what an address may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import abort, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.admin.board import CARDS_LIMIT, BoardQuery
from core.admin.cards import Cards
from core.admin.ids import not_found, read_id
from core.admin.lanes import LANES_LIMIT, Lane
from core.admin.list_page import screen_links, screen_views
from core.admin.list_rows import address
from core.admin.opened_view import Opened, open_view
from core.admin.view_bar import view_arguments, view_bar
from core.records.catalog import current_catalog
from core.records.policy import may, sees_every
from core.records.record import BoardLane
from core.records.totals import Total, kept_totals

if TYPE_CHECKING:
    from core.admin.list_query import ListRequest
    from core.admin.record_view import RecordView
    from core.parts import Hint

# What the address of a board says besides search, filters and order.
OWN = ("by", "scope", "lane", "cards", "stuck", "id", "version", "undo", "order", "back")


@dataclass(frozen=True)
class BoardRequest:
    """What the address of a board asks for; ``here`` are the arguments that lead back to it."""

    query: BoardQuery
    scopes: Mapping[Any, list[Lane] | None]
    scope: Any
    opened: Opened
    asked: ListRequest
    stuck: bool
    here: Mapping[str, Any]

    @property
    def scope_id(self) -> int | None:
        return self.scope.id if self.scope is not None else None

    def lanes(self, session: Session) -> list[Lane]:
        """The lanes of the board, without their cards."""
        lanes = self.scopes.get(self.scope) if self.scope is not None else None
        return lanes if lanes is not None else self.query.source.lanes(session, self.scope_id)

    @property
    def everything(self) -> bool:
        """Whether nothing narrows the board."""
        return not (self.stuck or self.asked.search or self.asked.filters or self.asked.where)


def read_board(view: RecordView) -> BoardRequest:
    """The board of the address: ``?by=`` a field, ``?scope=`` one of several, ``?stuck=1`` only cards that lie long."""
    own = view.screen.board.lane if view.screen.board is not None else next(iter(view.boards), None)
    if own is None:
        not_found()
    by = request.values.get("by") or own
    query = view.boards.get(by)
    if query is None:
        abort(400)
    scopes = query.source.scopes(view.session)
    scope = _scope(list(scopes))
    listed = {name: value for name, value in request.args.items() if name not in OWN}
    opened = open_view(view, listed)
    asked = view.query.read(opened.arguments, view.page_size_options)
    stuck = request.args.get("stuck") == "1" and query.board.since is not None
    here: dict[str, Any] = {"by": by if by != own else None, "scope": scope.id if scope is not None else None}
    here["stuck"] = 1 if stuck else None
    here |= view_arguments(view, opened, asked)
    here = {name: value for name, value in here.items() if value}
    return BoardRequest(query, scopes, scope, opened, asked, stuck, here)


def _scope(scopes: Sequence[Any]) -> Any:
    asked = request.values.get("scope")
    if not asked:
        return scopes[0] if scopes else None
    scope = next((entry for entry in scopes if str(entry.id) == asked), None)
    if scope is None:
        not_found()
    return scope


def board_page(view: RecordView) -> Any:
    """The board. ``?lane=…&cards=…`` shows more of one lane."""
    board = read_board(view)
    query = board.query
    lanes = board.lanes(view.session)
    sizes = _sizes(query, lanes)
    matching = matching_of(view, board, lanes)
    totals = totals_of(view, board, matching, lanes if board.scope is not None else None)
    if board.scope is None:
        lanes += _others(view, query, lanes, totals)
    query.fill_totals(lanes, totals)
    ordered = (lambda statement: view.query.ordered(statement, board.asked)) if board.asked.sort else None
    query.fill_cards(view.session, lanes, sizes, matching, ordered)
    cards = Cards(view, query)
    editable, here = may(view.screen.permission("edit")), board.here
    path = view.get_url(".board_view")

    def url(**changes: Any) -> str:
        wanted = {**here, **changes}
        return address(path, {name: value for name, value in wanted.items() if value is not None})

    return view.render(
        "nova/board.html",
        title=f"{view.screen.plural} · {board.scope}" if board.scope is not None else str(view.screen.plural),
        singular=view.screen.title,
        screen_views=screen_views(view, "board", board.asked, board.opened),
        screen_links=screen_links(view),
        create_url=view.get_url(".create_view", url=url()) if view.can_create else None,
        scopes=[
            {"label": str(entry), "url": url(scope=entry.id), "active": entry is board.scope}
            for entry in board.scopes
        ],
        by_options=[
            {
                "name": name,
                "label": str(entry.field.label),
                "url": url(by=name, scope=None, stuck=None),
                "active": entry is query,
            }
            for name, entry in view.boards.items()
        ],
        by_label=str(query.field.label),
        stuck_url=url(stuck=None if board.stuck else 1) if board.stuck or _ages(query, lanes) else None,
        stuck=board.stuck,
        many_lanes=len(lanes) > LANES_LIMIT,
        lanes=lane_contexts(view, board, lanes[:LANES_LIMIT], sizes, cards, url),
        draw_cards=cards.drawn,
        move_url=view.get_url(".move_view", **here) if editable else None,
        **view_bar(view, board.opened, board.asked, ".board_view", {name: here[name] for name in OWN if name in here}),
    )


def matching_of(view: RecordView, board: BoardRequest, lanes: Sequence[Lane]) -> sa.Select[Any]:
    """The records that the board shows, in no order."""
    matching = view.query.matching(board.asked)
    return matching.where(board.query.stuck(lanes)) if board.stuck else matching


def totals_of(
    view: RecordView, board: BoardRequest, matching: sa.Select[Any], lanes: Sequence[Lane] | None
) -> list[Total]:
    """The totals of the lanes, or of every lane: kept ones where they are the whole truth, else counted now."""
    query, kept = board.query, current_catalog().kept.get(view.model)
    if kept is not None and kept.lane == query.column.key and board.everything and sees_every(view.model):
        found = kept_totals(view.session, kept)
        if found is not None:
            return found
    return query.exact(view.session, matching, [lane.key for lane in lanes] if lanes is not None else None)


def _others(view: RecordView, query: BoardQuery, lanes: Sequence[Lane], totals: Sequence[Total]) -> list[Lane]:
    """Lanes that nobody would expect, yet hold records."""
    known = {lane.key for lane in lanes}
    missing = dict.fromkeys(total.key for total in totals if total.count and total.key not in known)
    others = query.source.others(view.session, missing)
    return [*([Lane(None, _("No value"))] if None in missing else []), *others]


def _ages(query: BoardQuery, lanes: Sequence[Lane]) -> bool:
    """Whether a card of these lanes can lie too long."""
    return query.board.since is not None and any(lane.rot_days is not None for lane in lanes)


def _sizes(query: BoardQuery, lanes: Sequence[Lane]) -> dict[Any, int]:
    asked = request.args.get("lane")
    if not asked:
        return {}
    if not query.source.has_key(asked):
        abort(400)
    key = query.source.key_of(asked)
    return {key: min(read_id(request.args.get("cards", "")) or query.board.page_size, CARDS_LIMIT)}


# --- what templates show


def lane_sums(lane: Lane) -> dict[str, Any]:
    """The figures of a lane."""
    return {
        "id": lane.text_key,
        "count": lane.count,
        "total": lane.total,
        "weighted": lane.weighted,
        "limit": lane.limit,
        "over": lane.limit is not None and lane.count > lane.limit,
    }


def lane_contexts(
    view: RecordView,
    board: BoardRequest,
    lanes: Sequence[Lane],
    sizes: Mapping[Any, int],
    cards: Cards,
    url: Callable[..., str],
) -> list[dict[str, Any]]:
    """Lanes with their cards. Hints are asked for once, for the cards of all lanes."""
    query, here = board.query, url()
    hints = hints_of(query, [record for lane in lanes for record in lane.cards])
    add_url = view.get_url(".quick_add_view") if view.can_create else None
    settings_url = view.get_url(".lane_view") if _may_keep(query) else None
    shown = []
    for lane in lanes:
        size = sizes.get(lane.key, query.board.page_size)
        more = lane.count > len(lane.cards) and size < CARDS_LIMIT
        place = {"by": query.field.name, "lane": lane.text_key, "url": here}
        shown.append(
            lane_sums(lane)
            | {
                "label": lane.label,
                "color": lane.color,
                "probability": lane.probability,
                "rot_days": lane.rot_days,
                "cards": [cards.card(record, lane, hints.get(record.id)) for record in lane.cards],
                "more_url": url(lane=lane.text_key, cards=size + query.board.page_size) if more else None,
                "add_url": address(add_url, place) if add_url else None,
                "settings_url": address(settings_url, place) if settings_url and lane.key is not None else None,
            }
        )
    return shown


def hints_of(query: BoardQuery, records: Sequence[Any]) -> Mapping[int, Hint]:
    """The remarks on the cards of these records, by id."""
    return query.board.hints(records) if query.board.hints is not None and records else {}


def _may_keep(query: BoardQuery) -> bool:
    """Whether lanes here can be set up, and by the actor."""
    target: Any = query.field.target
    return target is not None and issubclass(target, BoardLane) and may(f"{target.__record_type__}.edit")
