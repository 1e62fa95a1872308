"""Asking, while somebody types, whether the record already exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, request

from core.admin.formatters import record_url
from core.admin.ids import not_found, read_id
from core.records.duplicates.candidates import like_typed
from core.records.policy import may

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

SHOWN = 5
LONGEST = 200  # characters of a typed value that are compared


def duplicates(view: RecordView) -> Any:
    """Links to records like the one being typed; nothing when none is found. Stores nothing."""
    if not view.screen.duplicates:
        not_found()
    if not (may(view.screen.permission("create")) or may(view.screen.permission("edit"))):
        not_found()
    typed = {name: text[:LONGEST] for name, text in request.values.items() if text.strip() and _is_field(view, name)}
    number = read_id(request.args.get("id", ""))
    found = like_typed(view.session, view.screen, typed, number) if typed else []
    described = [
        {"label": str(one.record), "url": record_url(one.record), "reason": " ".join(one.reasons)} for one in found
    ]
    return render_template("nova/_duplicates.html", matches=[entry for entry in described if entry["url"]][:SHOWN])


def _is_field(view: RecordView, name: str) -> bool:
    """Whether ``name`` is a field of the form or of one of its rows, such as ``phones-0-number``."""
    return name.split("-")[0] in view.form_names

