"""Sign-in, sign-out and the door every request passes.

    request -> is this the current Site? -> CSRF (Flask-WTF) -> who is this (sessions) -> actor set
            -> signed in, or a public page? -> view

Flask-Security does the forms and the hashing; which browsers are signed in is decided by rows of our own
(``core.accounts.sessions``), because its cookies outlive a sign-out. Its other doors stay shut: no tokens, no JSON, no
"remember me" cookie, no registration, no recovery by mail. Programs have a door of their own
(``core.accounts.token_door``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

from flask import Flask, abort, current_app, g, make_response, request, session, url_for
from flask_login import user_logged_in, user_logged_out
from flask_security import Security, SQLAlchemySessionUserDatastore, current_user, uia_email_mapper
from flask_security.utils import set_request_attr
from flask_wtf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from core.accounts import known_browser, sessions, viewing
from core.accounts.actor import Actor, acting_as, as_system
from core.accounts.acts import SIGNED_IN, SIGNED_OUT, note
from core.accounts.models import Role, User, now
from core.accounts.rights import actor_of
from core.accounts.second_factor import must_enrol
from core.accounts.throttle import Throttle, shared_throttle
from core.accounts.token_door import Door, is_for_tokens
from core.accounts.users import SHORTEST_PASSWORD
from core.config import Config
from core.database.engine import Database
from core.database.marks import GENERATION, READS, TAKEN, hold_to

SESSION_KEY = "sign_in"  # under which the signed cookie holds the browser's token
EXTENSION = "peyvand_accounts"
OPEN_ENDPOINTS = frozenset({"security.login", "security.logout"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Accounts:
    """What the accounts of one Site need from the process."""

    database: Database
    config: Config
    throttle: Throttle


def accounts() -> Accounts:
    """The accounts of the current application."""
    return cast(Accounts, current_app.extensions[EXTENSION])


def public(view: View) -> View:
    """Mark a view function as open to people who are not signed in. Every other one is closed to them."""
    view.public = True  # type: ignore[attr-defined]
    return view


def before_enrolment(view: View) -> View:
    """Mark a view function as open to people whose role requires a second step that they have not set up yet."""
    view.before_enrolment = True  # type: ignore[attr-defined]
    return view


class FormTokens(CSRFProtect):  # type: ignore[misc]
    """The protection against forms of other sites, which use a browser's cookies; programs have none."""

    def protect(self, *args: Any, **kwargs: Any) -> None:
        """Refuse a request that changes something and shows no token of a form."""
        if not is_for_tokens():
            super().protect(*args, **kwargs)


def install(app: Flask, database: Database, config: Config) -> None:
    """Give ``app`` its accounts: configuration, CSRF protection, Flask-Security, live sessions and the door.

    Must come before anything that adds a ``before_request`` which needs the actor.
    """
    app.before_request(_know_site)
    app.extensions[EXTENSION] = Accounts(database, config, shared_throttle(config.redis_location))
    app.config.update(_settings(config))
    FormTokens(app)
    datastore = SQLAlchemySessionUserDatastore(database.session, User, Role)
    # The form needs the accounts of this module.
    from core.accounts.sign_in import SignInForm

    Security(app, datastore, login_form=SignInForm)
    app.login_manager.user_loader(_load_user)  # type: ignore[attr-defined]
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]
    app.login_manager.session_protection = None  # type: ignore[attr-defined]
    user_logged_in.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    app.before_request(_enter)
    app.after_request(partial(known_browser.write, secure=config.public_url.startswith("https://")))
    app.teardown_request(_leave)


def _settings(config: Config) -> dict[str, Any]:
    secure = config.public_url.startswith("https://")
    return {
        "SECRET_KEY": config.secret_key,
        "SESSION_COOKIE_NAME": "peyvand_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": sessions.LIFETIME,
        # A form left open over night must not lose what was typed: the token lives as long as the session.
        "WTF_CSRF_TIME_LIMIT": None,
        "SECURITY_LOGIN_URL": "/sign-in",
        "SECURITY_LOGOUT_URL": "/sign-out",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/sign-in",
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_FRESHNESS": dt.timedelta(days=-1),
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_FLASH_MESSAGES": False,
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [{"email": {"mapper": uia_email_mapper, "case_insensitive": False}}],
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST_PASSWORD,
        # argon2id as OWASP gives it, 19 MiB. No pepper: losing the secret key must not lose every password.
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__type": "ID",
            "argon2__time_cost": 2,
            "argon2__memory_cost": 19 * 1024,
            "argon2__parallelism": 1,
        },
    }


def _load_user(uniquifier: str) -> User | None:
    """The user of this request's session, asked for by Flask-Login once per request."""
    token = session.get(SESSION_KEY)
    if not isinstance(token, str) or not isinstance(uniquifier, str):
        return None
    # Nobody acts yet, so the rules that narrow queries have nothing to go by.
    with as_system("sign-in", source="web"):
        found = sessions.find(accounts().database.session(), token, uniquifier)
    if found is None:
        return None
    hold_to(request.environ, found.generation)
    g.arrangement = found.arrangement
    set_request_attr("fs_authn_via", "session")
    with as_system("sign-in", source="web"):
        return viewing.eyes_of(accounts().database.session(), found.user)


def _signed_in(app: Flask, user: User, **_kwargs: Any) -> None:
    database_session = accounts().database.session()
    with acting_as(actor_of(user, address=request.remote_addr or "")):
        previous = session.pop(SESSION_KEY, None)
        if isinstance(previous, str):
            sessions.end(database_session, previous)
        token = sessions.start(
            database_session, user, address=request.remote_addr or "", browser=request.user_agent.string
        )
        user.last_sign_in_at = now()
        note(database_session, SIGNED_IN, user)
        database_session.commit()
    # What was in the cookie of the visitor, the CSRF token above all, is not carried into the session of the user.
    for key in [key for key in session if key not in ("_user_id", "_fresh", "_id")]:
        session.pop(key)
    g.pop("csrf_token", None)
    session[SESSION_KEY] = token
    known_browser.remember(user.email)
    session.permanent = True


def _signed_out(app: Flask, user: Any, **_kwargs: Any) -> None:
    token = session.pop(SESSION_KEY, None)
    session.pop(viewing.COOKIE_KEY, None)
    user = viewing.viewer() or user
    if isinstance(token, str):
        database_session = accounts().database.session()
        with acting_as(actor_of(user, address=request.remote_addr or "")):
            sessions.end(database_session, token)
            note(database_session, SIGNED_OUT, user)
            database_session.commit()


def _know_site() -> None:
    """Learn which Site is the current one before anything reads what was posted: then it cannot be begun anew."""
    if request.method not in READS and not is_for_tokens() and not current_user.is_authenticated:
        _hold_to_site()


def _enter() -> Response | None:
    """Set the actor of the request, and turn away who is not signed in from everything that is not public."""
    if _is_static():
        return None
    if request.endpoint in OPEN_ENDPOINTS and request.is_json:
        abort(415)
    g.acting = ExitStack()
    if is_for_tokens():
        g.acting.enter_context(acting_as(Door(accounts().database, accounts().throttle).enter()))
        return None
    if current_user.is_authenticated:
        g.acting.enter_context(acting_as(actor_of(current_user, address=request.remote_addr or "")))
        if viewing.is_refused():
            abort(403)
        return _lead_to_enrolment() if viewing.viewer() is None and must_enrol(current_user) else None
    g.acting.enter_context(acting_as(Actor(address=request.remote_addr or "")))
    _hold_to_site()
    return None if _is_public() else _ask_to_sign_in()


def _hold_to_site() -> None:
    """For visitors, whom nothing else is asked about; those who are signed in learn it with who they are."""
    if TAKEN not in request.environ:
        return
    try:
        with accounts().database.autocommit() as connection:
            generation = connection.execute(GENERATION).scalar()
    except SQLAlchemyError:
        return  # the Site that is there goes on without the database
    hold_to(request.environ, generation or 0)


def _leave(_error: BaseException | None) -> None:
    acting: ExitStack | None = g.pop("acting", None)
    if acting is not None:
        acting.close()


def _is_static() -> bool:
    return request.endpoint is not None and (request.endpoint == "static" or request.endpoint.endswith(".static"))


def _is_public() -> bool:
    if request.endpoint in OPEN_ENDPOINTS:
        return True
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "public", False))


def _lead_to_enrolment() -> Response | None:
    """Nothing but setting up the second step, for whom a role requires it of."""
    view = current_app.view_functions.get(request.endpoint or "")
    if request.endpoint in OPEN_ENDPOINTS or getattr(view, "before_enrolment", False):
        return None
    where = url_for("two_factor.index")
    if _reads_page():
        return make_response("", 302, {"Location": where})
    return make_response("", 403, {"HX-Redirect": where} if "HX-Request" in request.headers else {})


def _reads_page() -> bool:
    asks = request.method in ("GET", "HEAD") and request.accept_mimetypes.accept_html
    return bool(asks) and "HX-Request" not in request.headers


def _ask_to_sign_in() -> Response:
    fetched = "HX-Request" in request.headers
    if _reads_page():
        back = request.script_root + request.full_path.removesuffix("?")
        where = url_for("security.login") if request.path == "/" else url_for("security.login", next=back)
        return make_response("", 302, {"Location": where})
    # A part of a page that asks after the session has ended sends the whole page to the sign-in.
    return make_response("", 401, {"HX-Redirect": url_for("security.login")} if fetched else {})
