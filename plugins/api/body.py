"""What a program sends: one JSON object of bounded size."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from flask import abort, request
from flask_babel import gettext as _

from core import NotUnderstood

LARGEST = 1024 * 1024  # bytes
MIMETYPES = frozenset({"application/json", "application/merge-patch+json"})
KEY_HEADER = "Idempotency-Key"
_KEY = re.compile("[!-~]{1,255}", re.ASCII)


def read_object() -> dict[str, Any]:
    """The object in the body of the request.

    Raises:
        NotUnderstood: it is none, or holds what JSON should not.
    """
    if request.mimetype not in MIMETYPES:
        abort(415)
    request.max_content_length = LARGEST
    try:
        found = json.loads(request.get_data(), object_pairs_hook=_without_repeats, parse_constant=_no_number)
        # Half a sign outside of Unicode's first plane can be written in JSON, and nowhere else.
        # A number beyond all measure was read as infinite.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise NotUnderstood("body", _("This is no valid JSON.")) from None
    if not isinstance(found, dict):
        raise NotUnderstood("body", _("An object is expected."))
    return found


def read_key() -> str:
    """What the program calls this request, so that sending it again does nothing again; empty where it says nothing.

    Raises:
        NotUnderstood: it is too long, or holds other than visible signs of ASCII.
    """
    key = request.headers.get(KEY_HEADER, "")
    if key and not _KEY.fullmatch(key):
        raise NotUnderstood(KEY_HEADER, _("At most 255 visible signs of ASCII are expected."))
    return key


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands there twice.")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number.")
