"""Browsers that somebody was signed in with before, which a crowd of strangers who guess cannot keep out.

Such a browser holds a signed cookie with the accounts and a number of its own for each. It proves nothing but that:
whoever copies it has as many guesses as from one more address.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app, g, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from core.accounts.throttle import digest

COOKIE = "peyvand_browser"
LIFETIME = 180 * 24 * 3600  # seconds
MOST_ACCOUNTS = 5


def number_of(account: str) -> str:
    """What tells this browser apart for ``account``, an e-mail address; empty where nobody signed in with it here."""
    return _read().get(digest(account), "")


def remember(account: str) -> None:
    """Have the answer to this request tell the browser that ``account`` signed in with it."""
    known = _read()
    number = known.pop(digest(account), "") or secrets.token_hex(8)
    g.known_browser = dict([*known.items(), (digest(account), number)][-MOST_ACCOUNTS:])


def write(response: Response, *, secure: bool) -> Response:
    """Set the cookie on the answer, where somebody signed in."""
    known = g.pop("known_browser", None)
    if known is not None:
        value = _signer().dumps(known)
        response.set_cookie(COOKIE, value, max_age=LIFETIME, secure=secure, httponly=True, samesite="Lax")
    return response


def _read() -> dict[str, str]:
    try:
        known: Any = _signer().loads(request.cookies.get(COOKIE, ""), max_age=LIFETIME)
    except BadData:
        return {}
    return {str(account): str(number) for account, number in known.items()} if isinstance(known, dict) else {}


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known browser")
