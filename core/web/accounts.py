"""Pages of one's own account: the set-up link and the profile."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import current_user, login_user
from werkzeug.wrappers import Response

from core.accounts import sessions, set_up, users
from core.accounts.acts import SESSIONS_ENDED, note
from core.accounts.security import SESSION_KEY, accounts, before_enrolment, public
from core.calendars import CALENDARS
from core.errors import Blocked, ValidationError
from core.site import reader
from core.site.reader import DIGITS, LANGUAGE_COOKIE, LANGUAGE_NAMES, LANGUAGES
from core.web import notifications

THEME_COOKIE = "peyvand_theme"
THEMES = ("auto", "light", "dark")
COOKIE_LIFETIME = 365 * 24 * 3600  # seconds
AUTOMATIC = ("", _l("Automatic"))
CHOICES: dict[str, tuple[tuple[str, Any], ...]] = {
    "language": (AUTOMATIC, *((code, LANGUAGE_NAMES[code]) for code in LANGUAGES)),
    "calendar": (AUTOMATIC, *zip(CALENDARS, (_l("Gregorian"), _l("Jalali")), strict=True)),
    "digits": (AUTOMATIC, *zip(DIGITS, ("123", "۱۲۳"), strict=True)),
    "theme": (AUTOMATIC, ("light", _l("Light")), ("dark", _l("Dark"))),
}

set_up_pages = Blueprint("set_up", __name__)
profile_pages = Blueprint("profile", __name__, url_prefix="/profile")


def local_path(address: str | None) -> str:
    """``address`` when it is a path of this site, otherwise the home page; so no link can lead a person elsewhere."""
    if not address or not address.startswith("/") or any(ord(sign) < 33 or sign == "\\" for sign in address):
        return "/"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or address.startswith("//") else address


def typed(name: str) -> str:
    """The text of a form's field, empty when it was not sent."""
    # A NUL cannot be stored, and a browser never sends one.
    return request.form.get(name, "").replace("\0", "")


# --- set-up link


@set_up_pages.route("/set-up/<token>", methods=["GET", "POST"])
@public
def page(token: str) -> Response:
    """The form of the first administrator, while the link is good."""
    work, errors = accounts().database.session(), {}
    if request.method == "POST":
        try:
            if typed("password") != typed("password_confirm"):
                raise ValidationError(password_confirm=_("The two passwords differ."))
            user = set_up.redeem(
                work, accounts().config, token, name=typed("name"), email=typed("email"), password=typed("password")
            )
        except ValidationError as error:
            errors = error.errors
        except Blocked:
            work.rollback()
        else:
            login_user(user)
            return redirect("/")
    if set_up.is_open(work, token):
        state, status = "open", 422 if errors else 200
    else:
        state, status = ("done" if users.has_administrator(work) else "expired"), 410
    html = render_template(
        "nova/set_up.html", state=state, errors=errors, values=request.form, submit_url=request.path,
        sign_in_url=url_for("security.login"),
    )  # fmt: skip
    # The address is a secret: it stays out of caches and of the Referer of other sites.
    return make_response(html, status, {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"})


# --- profile


@profile_pages.get("/")
def index() -> Response:
    """The reader's own settings."""
    return _profile()


@profile_pages.post("/")
def save() -> Response:
    """Store name, language, calendar, digits, theme and time zone."""
    work = accounts().database.session()
    chosen = {field: typed(field) for field in (*CHOICES, "timezone")}
    allowed = {field: [code for code, _label in pairs] for field, pairs in CHOICES.items()}
    allowed["timezone"] = ["", *timezones()]
    errors: dict[str, Any] = {
        field: _("Please choose from the list.") for field, code in chosen.items() if code not in allowed[field]
    }
    try:
        name = users.normal_name(typed("name"))
    except ValidationError as error:
        errors |= error.errors
    if errors:
        return _profile(errors=errors, values=request.form, status=422)
    current_user.name = name
    for field, code in chosen.items():
        setattr(current_user, field, code)
    work.commit()
    reader.refresh()
    flash(_("Your profile is saved."), "success")
    response = redirect(url_for("profile.index"))
    # The sign-in page, which knows nobody yet, follows the last choice.
    _remember(response, LANGUAGE_COOKIE, chosen["language"])
    _remember(response, THEME_COOKIE, chosen["theme"])
    return response


@profile_pages.post("/password")
def password() -> Response:
    """Change the own password; every other browser is signed out."""
    work, user = accounts().database.session(), current_user._get_current_object()
    throttle, place = accounts().throttle, request.remote_addr or ""
    # A borrowed browser must not become a place to guess the password at leisure.
    # Counted apart from sign-ins, which strangers make fail.
    here = f"session of {user.id}"
    wait = throttle.begin(user.email, place, here)
    if wait:
        response = _profile(
            password_errors={"password": _("Too many attempts. Please try again in a few minutes.")}, status=429
        )
        response.headers["Retry-After"] = str(wait)
        return response
    if not users.is_password(user, typed("password")):
        return _profile(password_errors={"password": _("This is not your current password.")}, status=422)
    throttle.forgive(user.email, place, here)
    if typed("new_password") != typed("new_password_confirm"):
        return _profile(password_errors={"new_password_confirm": _("The two passwords differ.")}, status=422)
    try:
        users.set_password(work, user, typed("new_password"))
    except ValidationError as error:
        return _profile(password_errors={"new_password": error.errors["password"]}, status=422)
    work.commit()
    login_user(user)
    flash(_("Your password is changed. Other browsers are signed out."), "success")
    return redirect(url_for("profile.index"))


@profile_pages.post("/sign-out-others")
def sign_out_others() -> Response:
    """Sign out every other browser of the reader."""
    work = accounts().database.session()
    count = sessions.end_all(work, current_user, but=session.get(SESSION_KEY))
    note(work, SESSIONS_ENDED, current_user._get_current_object(), {"count": (None, count)})
    work.commit()
    flash(_("Your other browsers are signed out."), "success")
    return redirect(url_for("profile.index"))


@profile_pages.post("/sign-out/<int(max=2147483647):number>")
def sign_out_one(number: int) -> Response:
    """Sign out one other browser of the reader."""
    work, user = accounts().database.session(), current_user._get_current_object()
    ended = sessions.end_one(work, user, number)
    if ended is None:
        abort(404)
    note(work, SESSIONS_ENDED, user, {"browser": (ended.browser_name, None), "address": (ended.address, None)})
    work.commit()
    flash(_("The browser is signed out."), "success")
    return redirect(url_for("profile.index"))


@profile_pages.post("/choose")
@public
@before_enrolment
def choose() -> Response:
    """Switch language or theme, for visitors in a cookie and for users in their own row too."""
    language, theme = request.form.get("language"), request.form.get("theme")
    if (language is None and theme is None) or language not in (None, *LANGUAGES) or theme not in (None, *THEMES):
        abort(400)
    response = redirect(local_path(request.form.get("next")))
    if language is not None:
        _remember(response, LANGUAGE_COOKIE, language)
    if theme is not None:
        _remember(response, THEME_COOKIE, theme)
    if current_user.is_authenticated:
        if language is not None:
            current_user.language = language
        if theme is not None:
            current_user.theme = "" if theme == "auto" else theme
        accounts().database.session.commit()
    return response


@lru_cache(maxsize=1)
def timezones() -> tuple[str, ...]:
    """The time zones of the tz database that are places, and UTC."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def theme_choice() -> str:
    """The look of the page: ``light``, ``dark``, or ``auto`` to follow the device. Templates ask this."""
    if current_user.is_authenticated and current_user.theme in THEMES:
        return str(current_user.theme)
    cookie = request.cookies.get(THEME_COOKIE, "")
    return cookie if cookie in THEMES else "auto"


@profile_pages.record
def _add_theme_choice(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["theme_choice"] = theme_choice


def _remember(response: Response, cookie: str, value: str) -> None:
    if not value:
        response.delete_cookie(cookie)
        return
    secure = accounts().config.public_url.startswith("https://")
    response.set_cookie(cookie, value, max_age=COOKIE_LIFETIME, secure=secure, httponly=True, samesite="Lax")


def _profile(
    *,
    errors: Mapping[str, Any] | None = None,
    password_errors: Mapping[str, Any] | None = None,
    values: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    work, token = accounts().database.session(), session.get(SESSION_KEY)
    shown = {field: getattr(current_user, field) for field in ("name", *CHOICES, "timezone")} | dict(values or {})
    options = {f"{field}s" if field != "digits" else field: pairs for field, pairs in CHOICES.items()}
    options["timezones"] = (AUTOMATIC, *((name, name.replace("_", " ")) for name in timezones()))
    html = render_template(
        "core/profile.html", profile=shown | {"email": current_user.email}, options=options, errors=errors or {},
        password_errors=password_errors or {}, save_url=url_for("profile.save"),
        password_url=url_for("profile.password"), end_sessions_url=url_for("profile.sign_out_others"),
        browsers=sessions.of_user(work, current_user), this_browser=sessions.token_hash(token) if token else "",
        told_of=notifications.offered(), two_factor_at=current_user.two_factor_at,
    )  # fmt: skip
    return make_response(html, status)
