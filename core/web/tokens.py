"""The reader's own access tokens: made here, shown once, revoked here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_security import current_user
from werkzeug.wrappers import Response

from core.accounts import tokens
from core.accounts.models import User, role_label
from core.accounts.security import accounts
from core.accounts.tokens import AccessToken, Wish
from core.admin.ids import read_id
from core.errors import Blocked, ValidationError
from core.records.catalog import current_catalog
from core.site.formats import format_number
from core.web.accounts import typed
from core.web.two_factor import disbelief

ACCESSES = (("read", _l("Read only")), ("write", _l("Read and write")))
ALL, CHOSEN = "all", "chosen"

token_pages = Blueprint("tokens", __name__, url_prefix="/profile/tokens")


@dataclass(frozen=True)
class TokenLine:
    """A token as a list shows it; ``state`` is ``live``, ``revoked`` or ``expired``."""

    id: int
    name: str
    hint: str
    reach: str
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    last_used_from: str
    state: str


def token_lines(user: User) -> list[TokenLine]:
    """The tokens of ``user``, those that are live first."""
    found = tokens.of_user(accounts().database.session(), user)
    lines = [
        TokenLine(
            token.id, token.name, token.hint, _reach(token), token.created_at, token.expires_at, token.last_used_at,
            token.last_used_from, token.state,
        )
        for token in found
    ]  # fmt: skip
    return sorted(lines, key=lambda line: line.state != "live")


def _reach(token: AccessToken) -> str:
    """What a token may do, in words."""
    catalog = current_catalog()
    words = [str(dict(ACCESSES)["write" if token.writes else "read"])]
    if token.record_types is not None:
        words.append(_(", ").join(str(catalog.find(n).plural) if n in catalog else n for n in token.record_types))
    if not token.every_role:
        words.append(_("as %(roles)s", roles=_(", ").join(role_label(role.name) for role in token.roles) or "—"))
    return " · ".join(words)


@token_pages.get("/")
def index() -> Response:
    """The reader's tokens, and the form of a new one."""
    return _page()


@token_pages.post("/")
def make() -> Response:
    """Make a token and show it, for whoever types the password."""
    work, user = accounts().database.session(), current_user._get_current_object()
    refusal = disbelief(user)
    if refusal:
        return _page(errors={"password": refusal.sentence}, status=refusal.status, wait=refusal.wait)
    chosen = request.form.getlist
    wish = Wish(
        name=typed("name"),
        days=read_id(typed("days")) or 0,
        writes=typed("access") == "write",
        roles={read_id(text) or 0 for text in chosen("role")} if typed("roles") == CHOSEN else None,
        record_types=set(chosen("record_type")) if typed("record_types") == CHOSEN else None,
    )
    try:
        token, secret = tokens.make(work, user, wish)
    except ValidationError as error:
        work.rollback()
        return _page(errors=error.errors, status=422)
    except Blocked as reason:
        work.rollback()
        return _page(errors={"": str(reason)}, status=422)
    work.commit()
    return _page(made=(token, secret))


@token_pages.post("/<int(max=2147483647):number>/revoke")
def revoke(number: int) -> Response:
    """End a token for good."""
    work = accounts().database.session()
    if tokens.revoke(work, current_user._get_current_object(), number) is None:
        abort(404)
    work.commit()
    flash(_("The token is revoked. Programs that use it are refused from now on."), "success")
    return redirect(url_for("tokens.index"), 303)


def _page(
    *,
    made: tuple[AccessToken, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    status: int = 200,
    wait: int = 0,
) -> Response:
    work, user = accounts().database.session(), current_user._get_current_object()
    catalog, values = current_catalog(), request.form if errors else {}
    days = {number: ngettext("%(count)s day", "%(count)s days", number, count=format_number(number))
            for number in tokens.LIFETIMES}  # fmt: skip
    html = render_template(
        "core/tokens.html",
        lines=token_lines(user),
        made=made,
        values={"days": tokens.USUAL_LIFETIME, "access": "read", "roles": ALL, "record_types": ALL, **values},
        chosen={name: set(request.form.getlist(name)) if errors else set() for name in ("role", "record_type")},
        errors=errors or {},
        accesses=ACCESSES,
        lifetimes=days.items(),
        roles=[(str(role.id), role_label(role.name)) for role in user.roles],
        record_types=[(name, catalog.find(name).plural) for name in tokens.types_of(work, user)],
        usable=any(getattr(view, "for_tokens", False) for view in current_app.view_functions.values()),
        has_password=user.password is not None,
    )
    response = make_response(html, status)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response
