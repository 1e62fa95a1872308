"""The fields on the page of a record: in groups, each changed where it is seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from core.admin.cells import HEAD
from core.admin.formatters import shown
from core.admin.list_rows import address
from core.records.fields import Field
from core.records.policy import may
from core.site.formats import format_local_datetime

if TYPE_CHECKING:
    from core.admin.record_view import RecordView


def field_groups(view: RecordView, record: Any, authors: Mapping[int, str]) -> list[dict[str, Any]]:
    """The groups of the form with their values, then who made the record and when; ``authors`` are names by user id."""
    editable = may(view.screen.permission("edit"), record)
    return [*_groups(view, record, editable=editable), _about(record, authors)]


def owner_field(view: RecordView, record: Any) -> dict[str, Any] | None:
    """The owner as the head of the page shows it; None for a record that nobody owns."""
    if "owner" not in view.shown_names:
        return None
    editable = may(view.screen.permission("edit"), record)
    line = _line(view, record, view.record_type.field("owner"), editable=editable)
    return line | {"url": _cell_url(view, record, "owner", HEAD) if line["url"] else ""}


def _groups(view: RecordView, record: Any, *, editable: bool) -> Iterator[dict[str, Any]]:
    for group in view.groups:
        fields = [view.record_type.field(name) for name in group.fields]
        lines = [_line(view, record, field, editable=editable) for field in fields if not _is_currency(view, field)]
        yield {"label": group.label, "fields": lines, "empty": all(line["empty"] for line in lines)}


def _line(view: RecordView, record: Any, field: Field, *, editable: bool) -> dict[str, Any]:
    value = shown(field, getattr(record, field.name), record, whole=True)
    label = field.record_label or field.label
    line = {"name": field.name, "label": label, "value": value, "empty": not value, "url": "", "edit_url": ""}
    if editable and field.name in view.in_place:
        line["url"] = _cell_url(view, record, field.name, 1)
    elif editable:
        here = view.get_url(".details_view", id=record.id)
        line["edit_url"] = view.get_url(".edit_view", id=record.id, url=here, _anchor=field.name)
    return line


def _cell_url(view: RecordView, record: Any, column: str, whole: int | str) -> str:
    return address(view.get_url(".cell"), {"id": record.id, "column": column, "whole": whole})


def _is_currency(view: RecordView, field: Field) -> bool:
    """Whether the field only says in which currency another one is; that one shows it."""
    return any(other.currency == field.name for other in view.record_type.fields.values())


def _about(record: Any, authors: Mapping[int, str]) -> dict[str, Any]:
    def line(label: str, at: dt.datetime, person: int | None) -> dict[str, Any]:
        name = authors.get(person) if person is not None else None
        moment = format_local_datetime(at)
        value = _("%(moment)s by %(name)s", moment=moment, name=name) if name else moment
        return {"label": label, "value": value, "empty": False}

    lines = [line(_("Created"), record.created_at, record.created_by_id)]
    if record.updated_at - record.created_at > dt.timedelta(seconds=1):
        lines.append(line(_("Last change"), record.updated_at, record.updated_by_id))
    return {"label": _("About this record"), "fields": lines, "empty": False}
