"""Where the page of a record is."""

from __future__ import annotations

from typing import Any

from flask import url_for


def record_url(record_type: str, record_id: int, **arguments: Any) -> str:
    """The address of the page of a record whose type has a screen; ``arguments`` go into the query string."""
    return url_for(f"{record_type.replace('.', '_')}.details_view", id=record_id, **arguments)
