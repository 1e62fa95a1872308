"""Panels of the records that point at the one shown: the first of them, how many, and a way to add another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.admin.formatters import plain
from core.admin.list_query import loader
from core.parts import Screen
from core.records.address import record_url
from core.records.catalog import RecordType, Reference
from core.records.fields import Field
from core.records.kin import NEWEST
from core.records.policy import may
from core.site.formats import format_number

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

ROWS = 6


def related_panels(
    view: RecordView, record: Any, related: Mapping[Reference, Sequence[int]]
) -> Iterator[dict[str, Any]]:
    """A panel for every link that leads here; one without records only offers to add one."""
    for reference, ids in related.items():
        screen: Screen = view.site.screens[reference.record_type.name]
        create = may(screen.permission("create")) and reference.field.name in _typed(screen)
        if not ids and not create:
            continue
        link = {reference.field.name: record.id}
        here = view.get_url(".details_view", id=record.id)
        filtered = {f"flt0_{reference.field.name}__eq": record.id}
        yield {
            "title": _title(related, reference, screen),
            "icon": screen.icon,
            "id": reference.name.replace(".", "-"),
            "count": format_number(min(len(ids), NEWEST)) + ("+" if len(ids) > NEWEST else ""),
            "rows": list(_rows(view, screen, reference, ids[:ROWS])),
            "more": len(ids) > ROWS,
            "all_url": view.get_url(f"{screen.endpoint}.index_view", **filtered)
            if reference.field.name in screen.filters
            else "",
            "add_url": view.get_url(f"{screen.endpoint}.create_view", url=here, **link) if create else "",
            "add_label": screen.title,
        }


def links_of(record_type: RecordType) -> list[Any]:
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
    view: RecordView, screen: Screen, reference: Reference, ids: Sequence[int]
) -> Iterator[dict[str, Any]]:
    if not ids:
        return
    model: Any = reference.record_type.model
    fields = reference.record_type.fields
    statement = sa.select(model).where(model.id.in_(ids)).options(*links_of(reference.record_type))
    found = {record.id: record for record in view.session.scalars(statement).unique()}
    amount = _amount(screen, fields)
    for id_ in ids:
        if id_ in found:
            record = found[id_]
            yield {
                "record": record,  # held, so that the story need not ask for its name again
                "name": str(record),
                "subtitle": screen.subtitle(record) if screen.subtitle else "",
                "amount": plain(amount, getattr(record, amount.name), record) if amount else "",
                "url": record_url(screen.name, id_),
            }


def _amount(screen: Screen, fields: Mapping[str, Field]) -> Field | None:
    return fields.get(screen.board.amount) if screen.board is not None and screen.board.amount else None
