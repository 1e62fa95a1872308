"""One page of a list: which records, how many lie before them, and where the pages beside it begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.counting import Count
from core.records.order import Order
from core.records.place import Place

# Instead of a place: the last page.
END = "end"
# With more hits than this a search shows the newest first unless it is told an order: sorting them all takes long.
FEW_HITS = 2_000
# So far back the newest hits are looked for before the index is asked for all of them.
NEWEST = 20_000


@dataclass(frozen=True)
class Asked:
    """Which page is wanted: by the place ``after`` or ``before`` which it lies, or by its number from 0."""

    size: int
    number: int = 0
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Page:
    """The records of a page, and the places of its neighbours; an empty place is that there is none.

    ``row`` is how many records lie before it, or None where nobody counted.
    """

    records: Sequence[Any]
    row: int | None = 0
    after: str = ""
    before: str = ""


def read_page(
    session: Session, statement: sa.Select[Any], order: Order, asked: Asked, count: Count,
    near: sa.Select[Any] | None = None,
) -> Page:  # fmt: skip
    """The page ``asked`` for of ``statement``; a number past the end is the last page.

    Args:
        session: what to read with.
        statement: every record of the list, in no order, with its loader options.
        order: the order of the list.
        asked: which page.
        count: how many records there are.
        near: the same records as ``statement``, asked for without an index of their words
            (``core.records.search.holds_words``), to look through the newest.

    Raises:
        ValueError: nobody wrote this place.
    """
    if asked.before:
        page = _page_before(session, statement, order, asked, count, near)
        if page is not None:
            return page
    place = order.place(asked.after) if asked.after and not asked.before else None
    skip = 0 if place is not None else asked.number * asked.size
    found = _read(session, statement, order, asked.size + 1, place, near, skip=skip)
    if not found and (place is not None or skip):
        return _page_before(session, statement, order, replace(asked, before=END), count, near) or Page([])
    row = skip if place is None else place.row
    more = len(found) > asked.size
    found = found[: asked.size]
    return Page(
        [record for record, _place in found],
        row,
        after=_write(order, found[-1][1], None if row is None else row + len(found)) if more else "",
        before=_write(order, found[0][1], row) if found and (place is not None or skip) else "",
    )


def read_on(
    session: Session, statement: sa.Select[Any], order: Order, limit: int, after: str = "",
    near: sa.Select[Any] | None = None,
) -> Page:  # fmt: skip
    """At most ``limit`` records of ``statement`` from a place on, for readers that only go forward; nothing is counted.

    Args:
        session: what to read with.
        statement: every record of the list, in no order, with its loader options.
        order: the order of the list.
        limit: how many.
        after: the place that an earlier page named; empty for the beginning.
        near: as for ``read_page``.

    Raises:
        ValueError: nobody wrote this place, or it is one of another order.
    """
    place = order.place(after) if after else None
    if after and place is None:
        raise ValueError("A place of another order.")
    found = _read(session, statement, order, limit + 1, place, near)
    more, found = len(found) > limit, found[:limit]
    return Page([record for record, _place in found], None, after=_write(order, found[-1][1], None) if more else "")


def _page_before(
    session: Session, statement: sa.Select[Any], order: Order, asked: Asked, count: Count, near: sa.Select[Any] | None
) -> Page | None:
    """The page that ends before a place, or at the end; None where that is the first one."""
    place = None if asked.before == END else order.place(asked.before)
    if place is None and asked.before != END:
        return None
    limit = asked.size
    if place is None and count.exact:
        limit = count.number % asked.size or asked.size
    found = _read(session, statement, order, limit + 1, place, near, back=True)
    more = len(found) > limit
    if place is not None and not more:
        return None
    found = found[-limit:]
    end = place.row if place is not None else (count.number if count.exact else None)
    row = None if end is None else max(end - len(found), 0)
    return Page(
        [record for record, _place in found],
        row,
        after=_write(order, found[-1][1], end) if found and place is not None else "",
        before=_write(order, found[0][1], row) if more else "",
    )


def _read(
    session: Session, statement: sa.Select[Any], order: Order, limit: int, place: Place | None,
    near: sa.Select[Any] | None, *, back: bool = False, skip: int = 0,
) -> list[tuple[Any, Place]]:  # fmt: skip
    """The rows; of many hits, newest first, those among the newest where they are enough."""
    if order.hits_first and not order.keys and not skip and not (back and place is None):
        newest = place.id if place is not None else session.scalar(sa.select(sa.func.max(order.model.id))) or 0
        among = order.model.id.between(newest, newest + NEWEST) if back else order.model.id > newest - NEWEST
        wanted = (statement if near is None else near).where(among)
        found = Order(order.record_type, ()).read(session, wanted, limit, place, back=back)
        if len(found) == limit:
            return found
    return order.read(session, statement, limit, place, back=back, skip=skip)


def _write(order: Order, place: Place, row: int | None) -> str:
    return order.write(replace(place, row=row))
