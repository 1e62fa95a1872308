"""Asking, while somebody types, whether the record already exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, request

from core.admin.formatters import record_url
from core.admin.ids import not_found, read_id
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

SHOWN = 5
LONGEST = 200  # characters of a typed value that are compared


def duplicates(view: RecordView) -> Any:
    """Links to records like the one being typed; nothing when none is found. Stores nothing."""
    find = view.screen.duplicates
    if find is None:
        not_found()
    if not (may(view.screen.permission("create")) or may(view.screen.permission("edit"))):
        not_found()
    typed = {name: text[:LONGEST] for name, text in request.values.items() if text.strip() and _is_field(view, name)}
    matches = find(typed, read_id(request.args.get("id", ""))) if typed else ()
    described = [
        {"label": str(match.record), "url": record_url(match.record), "reason": match.reason} for match in matches
    ]
    return render_template("nova/_duplicates.html", matches=[entry for entry in described if entry["url"]][:SHOWN])


def _is_field(view: RecordView, name: str) -> bool:
    """Whether ``name`` is a field of the form or of one of its rows, such as ``phones-0-number``."""
    return name.split("-")[0] in view.form_names

