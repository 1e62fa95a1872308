"""Two-step sign-in: the page that asks for the code, and the page on which a user sets it up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import segno
import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_security import current_user, login_user
from werkzeug.wrappers import Response

from core.accounts import known_browser, passkeys, pending, second_factor, users, viewing
from core.accounts.actor import as_system
from core.accounts.acts import SIGN_IN_FAILED, note
from core.accounts.models import SignIn, User, now
from core.accounts.security import SESSION_KEY, accounts, before_enrolment, public
from core.accounts.sessions import token_hash
from core.errors import SecretError
from core.web.accounts import local_path, typed

JUST_NOW = dt.timedelta(minutes=10)  # since the sign-in of somebody who has no password to type

two_factor_pages = Blueprint("two_factor", __name__)


class Refusal(NamedTuple):
    """Why a person was not believed."""

    sentence: str
    status: int
    wait: int = 0


# --- the code after the password


@two_factor_pages.route("/sign-in/code", methods=["GET", "POST"])
@public
def ask() -> Response:
    """Ask whoever has shown a password for the code; only then there is a session."""
    work, token = accounts().database.session(), session.get(pending.COOKIE_KEY)
    landing = local_path(request.args.get("next"))
    with as_system("sign-in", source="web"):
        user = pending.find(work, token) if isinstance(token, str) else None
    if user is None or not isinstance(token, str):
        session.pop(pending.COOKIE_KEY, None)
        if request.method == "POST":
            flash(_("That took too long. Please sign in again."), "warning")
        return redirect(url_for("security.login", next=landing if landing != "/" else None))
    if request.method == "GET":
        return _ask()
    throttle, place = accounts().throttle, request.remote_addr or ""
    browser = known_browser.number_of(user.email)
    wait = throttle.begin(_counted(user), place, browser)
    if wait:
        return _ask(Refusal(_("Too many attempts. Please try again in a few minutes."), 429, wait))
    with as_system("sign-in", source="web"):
        try:
            right = second_factor.is_code(work, accounts().config, user, typed("code"))
        except SecretError:
            work.rollback()
            sentence = _("The code cannot be checked now. Use a recovery code, or ask an administrator.")
            return _ask(Refusal(sentence, 503))
        if not right:
            pending.fail(work, token)
            note(work, SIGN_IN_FAILED, user, {"step": (None, "code")})
            work.commit()
            return _ask(Refusal(_("This code is not right, or it was used already."), 422))
        if not pending.finish(work, token):
            work.rollback()
            return redirect(url_for("security.login"))
    throttle.forgive(_counted(user), place, browser)
    login_user(user)
    return redirect(landing)


def _counted(user: User) -> str:
    """Codes are counted apart from passwords, or a right password would make room for five more codes."""
    return f"code of {user.email}"


def _ask(refusal: Refusal | None = None) -> Response:
    html = render_template("core/two_factor_ask.html", error=refusal.sentence if refusal else "")
    response = make_response(html, refusal.status if refusal else 200)
    if refusal and refusal.wait:
        response.headers["Retry-After"] = str(refusal.wait)
    return response


# --- setting it up


@two_factor_pages.get("/profile/two-step")
@before_enrolment
def index() -> Response:
    """Whether it is on, and what can be done."""
    if viewing.viewer() is not None:
        abort(404)  # the key of an app that is being set up is for its owner's eyes
    return _page()


@two_factor_pages.post("/profile/two-step")
@before_enrolment
def change() -> Response:
    """Begin, confirm, end, or make new recovery codes, as the button says."""
    actions = {"begin": _begin, "confirm": _confirm, "codes": _renew_codes, "off": _switch_off}
    action = actions.get(typed("action"))
    return action() if action else make_response("", 400)


def _begin() -> Response:
    user = current_user._get_current_object()
    refusal = disbelief(user)
    if refusal:
        return _page(errors={"password": refusal.sentence}, refusal=refusal)
    if user.two_factor_at is not None:
        return redirect(url_for("two_factor.index"))
    work = accounts().database.session()
    try:
        second_factor.begin(work, accounts().config, user)
    except SecretError as error:
        work.rollback()
        return _page(errors={"password": str(error)}, refusal=Refusal("", 503))
    work.commit()
    return redirect(url_for("two_factor.index"), 303)


def _confirm() -> Response:
    work, user = accounts().database.session(), current_user._get_current_object()
    if user.two_factor_at is not None:
        return redirect(url_for("two_factor.index"), 303)
    throttle, place, here = accounts().throttle, request.remote_addr or "", f"session of {user.id}"
    wait = throttle.begin(_counted(user), place, here)
    if wait:
        sentence = _("Too many attempts. Please try again in a few minutes.")
        return _page(errors={"code": sentence}, refusal=Refusal(sentence, 429, wait))
    codes = second_factor.confirm(work, accounts().config, user, typed("code"), browser=session.get(SESSION_KEY))
    if codes is None:
        work.rollback()
        sentence = _("This code is not right. Is the clock of your telephone set by itself?")
        return _page(errors={"code": sentence}, refusal=Refusal(sentence, 422))
    work.commit()
    throttle.forgive(_counted(user), place, here)
    return _page(codes=codes)


def _renew_codes() -> Response:
    work, user = accounts().database.session(), current_user._get_current_object()
    refusal = disbelief(user)
    if refusal:
        return _page(errors={"codes_password": refusal.sentence}, refusal=refusal)
    if user.two_factor_at is None:
        return redirect(url_for("two_factor.index"), 303)
    codes = second_factor.renew_codes(work, user)
    work.commit()
    return _page(codes=codes)


def _switch_off() -> Response:
    work, user = accounts().database.session(), current_user._get_current_object()
    refusal = disbelief(user)
    if refusal:
        return _page(errors={"off_password": refusal.sentence}, refusal=refusal)
    if any(role.two_factor_required for role in user.roles):
        sentence = _("Your role requires two-step sign-in.")
        return _page(errors={"off_password": sentence}, refusal=Refusal(sentence, 422))
    second_factor.switch_off(work, user)
    work.commit()
    flash(_("Two-step sign-in is off."), "success")
    return redirect(url_for("two_factor.index"), 303)


def disbelief(user: User) -> Refusal | None:
    """Why the person at the keyboard may not be ``user``; None where the password was right."""
    if user.password is None:
        if _signed_in_just_now():
            return None
        return Refusal(_("Please sign out and in again first, so that we know it is you."), 422)
    throttle, place, here = accounts().throttle, request.remote_addr or "", f"session of {user.id}"
    wait = throttle.begin(user.email, place, here)
    if wait:
        return Refusal(_("Too many attempts. Please try again in a few minutes."), 429, wait)
    if not users.is_password(user, typed("password")):
        return Refusal(_("This is not your current password."), 422)
    throttle.forgive(user.email, place, here)
    return None


def _signed_in_just_now() -> bool:
    token = session.get(SESSION_KEY, "")
    since = accounts().database.session.scalar(
        sa.select(SignIn.created_at).where(SignIn.token_hash == token_hash(token))
    )
    return since is not None and since > now() - JUST_NOW


def _page(
    *, errors: Mapping[str, Any] | None = None, codes: list[str] | None = None, refusal: Refusal | None = None
) -> Response:
    work, config, user = accounts().database.session(), accounts().config, current_user._get_current_object()
    key, problem = None, ""
    if codes is None:
        try:
            key = second_factor.begun(work, config, user)
        except SecretError as error:
            problem = str(error)
    qr = ""
    address = second_factor.address_of(config, user, key) if key else ""
    if address:
        qr = segno.make(address, error="m").svg_data_uri(scale=5, light="#fff")
    html = render_template(
        "core/two_factor.html", on=user.two_factor_at, codes=codes, left=second_factor.codes_left(work, user),
        secret=" ".join(key[start : start + 4] for start in range(0, len(key), 4)) if key else "", qr=qr,
        address=address, errors=errors or {}, problem=problem, passkeys=passkeys.of_user(work, user),
        has_password=user.password is not None,
        required=any(role.two_factor_required for role in user.roles), must=second_factor.must_enrol(user),
    )  # fmt: skip
    response = make_response(html, refusal.status if refusal else 200)
    if refusal and refusal.wait:
        response.headers["Retry-After"] = str(refusal.wait)
    return response
