"""Panels of the records that point at the one shown: the first of them, how many, and a way to add another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.admin.formatters import plain
from core.admin.list_query import loader
from core.parts import Screen
from core.records.address import record_url
from core.records.catalog import RecordType, Reference, current_catalog
from core.records.fields import Field
from core.records.kin import NEWEST
from core.records.naming import Key
from core.records.policy import may
from core.site.formats import format_number

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

ROWS = 6


def read_related(
    view: RecordView, related: Mapping[Reference, Sequence[int]], others: Mapping[str, Collection[int]]
) -> Mapping[Key, Any]:
    """The records that the panels show, and ``others`` by the names of their types; one query for each type."""
    wanted: dict[str, set[int]] = {name: set(ids) for name, ids in others.items()}
    for reference, ids in related.items():
        wanted.setdefault(reference.record_type.name, set()).update(ids[:ROWS])
    found = {}
    catalog = current_catalog()
    for name, numbers in wanted.items():
        if numbers and name in catalog:
            record_type = catalog.find(name)
            model: Any = record_type.model
            statement = sa.select(model).where(model.id.in_(sorted(numbers))).options(*_links_of(record_type))
            found.update({(name, record.id): record for record in view.session.scalars(statement).unique()})
    return found


def related_panels(
    view: RecordView, record: Any, related: Mapping[Reference, Sequence[int]], found: Mapping[Key, Any]
) -> Iterator[dict[str, Any]]:
    """A panel for every link that leads here; one without records only offers to add one.

    Args:
        related: the ids of the records by link (``core.records.kin``).
        found: what ``read_related`` read of them.
    """
    here = view.get_url(".details_view", id=record.id)
    for reference, ids in related.items():
        screen: Screen = view.site.screens[reference.record_type.name]
        create = may(screen.permission("create")) and reference.field.name in _typed(screen)
        if not ids and not create:
            continue
        link = {reference.field.name: record.id}
        filtered = {f"flt0_{reference.field.name}__eq": record.id}
        yield {
            "title": _title(related, reference, screen),
            "icon": screen.icon,
            "id": reference.name.replace(".", "-"),
            "count": format_number(min(len(ids), NEWEST)) + ("+" if len(ids) > NEWEST else ""),
            "rows": list(_rows(screen, reference, ids[:ROWS], found)),
            "more": len(ids) > ROWS,
            "all_url": view.get_url(f"{screen.endpoint}.index_view", **filtered)
            if reference.field.name in screen.filters
            else "",
            "add_url": view.get_url(f"{screen.endpoint}.create_view", url=here, **link) if create else "",
            "add_label": screen.title,
        }


def _links_of(record_type: RecordType) -> list[Any]:
    """Loader options that bring what a record links to in the query of the record itself."""
    links = (field for field in record_type.fields.values() if field.kind == "link")
    return [loader(record_type.model, field) for field in links]


def _typed(screen: Screen) -> set[str]:
    return {name for group in screen.form for name in group.fields}


def _title(related: Mapping[Reference, Sequence[int]], reference: Reference, screen: Screen) -> str:
    """The type's name, with the link's where a type points here twice."""
    twice = sum(other.record_type is reference.record_type for other in related) > 1
    return f"{screen.plural} · {reference.field.label}" if twice else str(screen.plural)


def _rows(
    screen: Screen, reference: Reference, ids: Sequence[int], found: Mapping[Key, Any]
) -> Iterator[dict[str, Any]]:
    amount = _amount(screen, reference.record_type.fields)
    for id_ in ids:
        record = found.get((screen.name, id_))
        if record is not None:
            yield {
                "name": str(record),
                "subtitle": screen.subtitle(record) if screen.subtitle else "",
                "amount": plain(amount, getattr(record, amount.name), record) if amount else "",
                "url": record_url(screen.name, id_),
            }


def _amount(screen: Screen, fields: Mapping[str, Field]) -> Field | None:
    return fields.get(screen.board.amount) if screen.board is not None and screen.board.amount else None
