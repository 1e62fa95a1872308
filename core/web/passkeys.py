"""Adding and removing passkeys, and signing in with one: a script asks for options and fills a plain form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, jsonify, redirect, request, session, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_security import current_user, login_user
from werkzeug.wrappers import Response as BaseResponse

from core.accounts import passkeys, pending
from core.accounts.actor import as_system
from core.accounts.acts import SIGN_IN_FAILED, note
from core.accounts.models import User
from core.accounts.security import accounts, public
from core.errors import Blocked
from core.web.accounts import local_path, typed
from core.web.two_factor import disbelief

passkey_pages = Blueprint("passkeys", __name__)


@passkey_pages.before_request
def only_where_possible() -> None:
    """An address that browsers offer no passkeys for has no such pages."""
    if request.endpoint != "passkeys.remove" and not passkeys.are_possible(accounts().config):
        abort(404)


# --- one's own


@passkey_pages.post("/profile/passkeys/options")
def adding_options() -> Response:
    """What the browser needs to make a passkey, for whoever types the password."""
    user = _enrolled()
    refusal = disbelief(user)
    if refusal:
        return _told({"error": refusal.sentence}, refusal.status)
    work = accounts().database.session()
    try:
        token, options = passkeys.begin_adding(work, accounts().config, user)
    except Blocked as reason:
        work.rollback()
        return _told({"error": str(reason)}, 422)
    work.commit()
    return _told({"token": token, "options": options})


@passkey_pages.post("/profile/passkeys")
def add() -> BaseResponse:
    """Keep the passkey that the browser made."""
    work, user = accounts().database.session(), _enrolled()
    try:
        passkeys.add(work, accounts().config, user, typed("token"), typed("credential"), typed("name"))
    except Blocked as reason:
        # The challenge is used up all the same.
        work.commit()
        flash(str(reason), "danger")
    else:
        work.commit()
        flash(_("The passkey is added. You can sign in with it."), "success")
    return redirect(url_for("two_factor.index"), 303)


@passkey_pages.post("/profile/passkeys/<int(max=2147483647):number>/remove")
def remove(number: int) -> BaseResponse:
    """Forget a passkey."""
    work = accounts().database.session()
    if not passkeys.remove(work, current_user._get_current_object(), number):
        abort(404)
    work.commit()
    flash(_("The passkey is removed."), "success")
    return redirect(url_for("two_factor.index"), 303)


# --- signing in


@passkey_pages.post("/sign-in/passkey/options")
@public
def entering_options() -> Response:
    """A challenge: for whoever has shown a password, or for anybody."""
    work, place = accounts().database.session(), request.remote_addr or ""
    wait = accounts().throttle.count_challenge(place)
    if wait:
        response = _told({"error": _("Too many attempts. Please try again in a few minutes.")}, 429)
        response.headers["Retry-After"] = str(wait)
        return response
    with as_system("sign-in", source="web"):
        token, options = passkeys.begin_entering(work, accounts().config, _pending())
        work.commit()
    return _told({"token": token, "options": options})


@passkey_pages.post("/sign-in/passkey")
@public
def enter() -> BaseResponse:
    """Sign in whoever has the passkey."""
    work, landing = accounts().database.session(), local_path(request.form.get("next"))
    with as_system("sign-in", source="web"):
        owing = _pending()
        user = passkeys.enter(work, accounts().config, typed("token"), typed("credential"))
        # Somebody whose password was right signs in as that person or not at all.
        if user is None or (owing is not None and owing.id != user.id):
            work.rollback()
            # Used up all the same, or it could be tried with other answers.
            passkeys.forget_challenge(work, typed("token"))
            note(work, SIGN_IN_FAILED, None, {"step": (None, "passkey")})
            work.commit()
            sentence = _("This passkey is not known here. Sign in with your password, and add it in your profile.")
            flash(sentence, "danger")
            return redirect(url_for("security.login", next=landing if landing != "/" else None), 303)
        work.commit()
    login_user(user)
    return redirect(landing, 303)


def _enrolled() -> User:
    """The reader, who has set up two-step sign-in: the app is for the day the passkey is not there."""
    user: User = current_user._get_current_object()
    return user if user.two_factor_at is not None else abort(404)


def _pending() -> User | None:
    token = session.get(pending.COOKIE_KEY)
    return pending.find(accounts().database.session(), token) if isinstance(token, str) else None


def _told(content: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(content)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


@passkey_pages.record
def _add_test(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["passkeys_possible"] = lambda: passkeys.are_possible(accounts().config)
