"""Programs at the door: whoever shows an access token acts for its user, on the routes that are made for that.

Such a route looks at no cookie, so it needs no form token: other sites can make a browser send cookies, but no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, g, request
from flask_babel import gettext as _
from werkzeug.exceptions import TooManyRequests

from core.accounts import tokens
from core.accounts.actor import Actor, acting_as, as_system
from core.accounts.acts import TOKEN_REFUSED, note
from core.accounts.second_factor import must_enrol
from core.accounts.throttle import Throttle
from core.accounts.tokens import AccessToken
from core.database.engine import Database, reading, writing
from core.database.marks import READS, hold_to
from core.errors import TokenRefused

LONGEST = 200  # characters of a secret that are looked at

View = TypeVar("View", bound=Callable[..., Any])


def for_tokens(view: View) -> View:
    """Mark a view function as made for programs: it is reached with an access token, and in no other way."""
    view.for_tokens = True  # type: ignore[attr-defined]
    return view


def is_for_tokens() -> bool:
    """Whether the page that is asked for is made for programs."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "for_tokens", False))


@dataclass(frozen=True)
class Door:
    """Where programs come in."""

    database: Database
    throttle: Throttle

    def enter(self) -> Actor:
        """Who acts in this request.

        Raises:
            TokenRefused: there is no token, it is no good, or it may not write.
            TooManyRequests: it was used too often within a minute, or too many were refused at this address.
        """
        place = request.remote_addr or ""
        # The cookie of a browser is not looked at, not even for the language.
        g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
        token = self._token(place)
        wait = self.throttle.count_request(token.id)
        if wait:
            raise TooManyRequests(retry_after=wait)
        tokens.note_use(self.database, token, place)
        actor = tokens.actor_of_token(self.database.session(), token, address=place)
        if actor.read_only and request.method not in READS:
            raise TokenRefused(403, _("This token may only read."))
        return actor

    def _token(self, place: str) -> AccessToken:
        secret = _secret()
        if secret is None:
            raise TokenRefused(401, _("Send an access token, as “Authorization: Bearer …”."))
        work = self.database.session()
        # Nobody acts yet, so the rules that narrow queries have nothing to go by.
        with reading(), as_system("access token", source="api"):
            shown = tokens.find(work, secret)
            work.commit()  # what follows may write, which no transaction that only reads can
        if shown is not None:
            hold_to(request.environ, shown.generation)
        token = shown.token if shown is not None else None
        refusal = _refusal(token)
        if refusal:
            self._note_refusal(token, place)
            raise TokenRefused(401, refusal)
        assert token is not None, "what is not there is refused"
        return token

    def _note_refusal(self, token: AccessToken | None, place: str) -> None:
        """Tell the audit, unless this address filled it enough."""
        wait = self.throttle.count_refusal(place)
        if wait:
            raise TooManyRequests(retry_after=wait)
        told = {"token": (None, token.name), "state": (None, token.state)} if token is not None else {}
        with writing(), acting_as(Actor(address=place, source="api")), as_system("access token", source="api"):
            work = self.database.sessions()
            try:
                note(work, TOKEN_REFUSED, token.user if token is not None else None, told)
                work.commit()
            finally:
                work.close()


def _secret() -> str | None:
    """The token in the request; None where none was sent."""
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip()[:LONGEST] if scheme.lower() == "bearer" and secret.strip() else None


def _refusal(token: AccessToken | None) -> str:
    """Why a token is no good; empty for one that is. Whoever knows its secret may know."""
    if token is None:
        return _("This access token is not known.")
    if token.state == "revoked":
        return _("This access token was revoked.")
    if token.state == "expired":
        return _("This access token has expired.")
    if not token.user.active:
        return _("The account of this access token is not active.")
    if must_enrol(token.user):
        return _("The owner of this access token must set up two-step sign-in first.")
    return ""
