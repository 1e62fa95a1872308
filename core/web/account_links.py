"""Pages behind links that open an account, and the one that asks for such a link: for people who are not signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.accounts import links, users
from core.accounts.actor import as_system
from core.accounts.acts import PASSWORD_RESET
from core.accounts.entering import enter
from core.accounts.links import INVITATION, RESET
from core.accounts.security import accounts, before_enrolment, public
from core.accounts.users import LONGEST_EMAIL, SHORTEST_PASSWORD
from core.errors import Blocked, ValidationError
from core.jobs.queue import enqueue
from core.mail.server import has_server
from core.site.reader import preferences
from core.web.accounts import typed
from core.web.link_mail import SEND_RESET

account_link_pages = Blueprint("account_links", __name__)


@account_link_pages.route("/forgot", methods=["GET", "POST"])
@public
@before_enrolment
def forgot() -> Response:
    """Ask for a link by mail. What comes back is the same for every address."""
    work = accounts().database.session()
    if not has_server(work, accounts().config):
        return _forgot("off")
    if request.method == "GET":
        return _forgot("ask")
    address = typed("email").strip().lower()
    if "@" not in address or len(address) > LONGEST_EMAIL:
        return _forgot("ask", error=_("This is not an e-mail address."), status=422)
    of_place, of_account = accounts().throttle.count_link(address, request.remote_addr or "")
    if of_place:
        response = _forgot("ask", error=_("Too many attempts. Please try again in a few minutes."), status=429)
        response.headers["Retry-After"] = str(of_place)
        return response
    if not of_account:
        with as_system("forgotten password", source="web"):
            enqueue(SEND_RESET, email=address, language=preferences().language)
            work.commit()
    return _forgot("asked")


@account_link_pages.route("/invitation/<token>", methods=["GET", "POST"])
@public
@before_enrolment
def invitation(token: str) -> Response:
    """Choose the first password, and come in."""
    return _choose(INVITATION, token)


@account_link_pages.route("/reset/<token>", methods=["GET", "POST"])
@public
@before_enrolment
def reset(token: str) -> Response:
    """Choose another password; everybody who was signed in as this user is out."""
    return _choose(RESET, token)


def _choose(purpose: str, token: str) -> Response:
    if len(token) > 100:
        abort(404)
    work, errors = accounts().database.session(), {}
    with as_system(purpose, source="web"):
        if request.method == "POST":
            try:
                if typed("password") != typed("password_confirm"):
                    raise ValidationError(password_confirm=_("The two passwords differ."))
                user = links.use(work, token, purpose)
                users.set_password(work, user, typed("password"), act=PASSWORD_RESET)
                work.commit()
            except ValidationError as error:
                work.rollback()
                errors = error.errors
            except Blocked:
                work.rollback()
            else:
                return enter(work, user)
        link = links.find(work, token, purpose)
    status = 410 if link is None else 422 if errors else 200
    html = render_template(
        "core/account_link.html", link=link, invites=purpose == INVITATION, errors=errors,
        password_length=SHORTEST_PASSWORD,
    )  # fmt: skip
    # The address is a secret: it stays out of caches and of the Referer of other sites.
    return make_response(html, status, {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"})


def _forgot(state: str, *, error: str = "", status: int = 200) -> Response:
    values: Mapping[str, Any] = request.form
    return make_response(render_template("core/forgot.html", state=state, error=error, values=values), status)
