"""What went wrong as programs read it: RFC 9457, with the number under which it is found in the log."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Response, g

MIMETYPE = "application/problem+json"


def problem(
    status: int, title: str, detail: str, *, place: str = "", errors: Mapping[str, object] | None = None
) -> Response:
    """The answer to a request of a program that failed.

    Args:
        status: the status of HTTP.
        title: what kind of trouble it is, always the same for one status.
        detail: what it is this time.
        place: which part of the request is wrong, such as ``sort`` or ``where.all[0].field``.
        errors: what is wrong with values, by the name of the field; ``""`` is the record as a whole.
    """
    said: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if place:
        said["place"] = place
    if errors:
        said["errors"] = {name: str(text) for name, text in errors.items()}
    said["request_id"] = request_id()
    answer = Response(json.dumps(said, ensure_ascii=False) + "\n", status, mimetype=MIMETYPE)
    answer.headers["X-Request-Id"] = request_id()
    answer.headers["Cache-Control"] = "no-store"
    return answer


def request_id() -> str:
    """The number of this request, which its answer carries."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)
