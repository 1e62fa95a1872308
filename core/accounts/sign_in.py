"""The sign-in form: throttled, with one answer for whatever was wrong, and the code of the second step after it."""

from __future__ import annotations

from typing import Any, cast

from flask import abort, current_app, make_response, render_template, request
from flask_babel import gettext as _
from flask_security import LoginForm
from werkzeug.wrappers import Response

from core.accounts import known_browser, sessions
from core.accounts.actor import as_system
from core.accounts.acts import SIGN_IN_FAILED, note
from core.accounts.entering import ask_for_code
from core.accounts.models import User
from core.accounts.security import accounts
from core.accounts.throttle import network
from core.accounts.users import LONGEST_EMAIL, LONGEST_PASSWORD, normal_email
from core.errors import ValidationError


class SignInForm(LoginForm):
    """The sign-in form: throttled, and with one answer for whatever was wrong."""

    remember = None

    def validate(self, **kwargs: Any) -> bool:
        """Whether the person may come in. Ends the request with 429 after too many failures."""
        typed, place = (self.email.data or "").strip().lower()[:LONGEST_EMAIL], request.remote_addr or ""
        throttle, browser = accounts().throttle, known_browser.number_of(typed)
        wait = throttle.begin(typed, place, browser, trusts=lambda: _is_place_of(typed, place))
        if wait:
            abort(self._refusal(wait))
        if self._is_right(typed, **kwargs):
            throttle.forgive(typed, place, browser)
            person = cast(User, self.user)
            if person.two_factor_at is not None:
                # Flask-Security would sign in whoever this form lets pass.
                abort(ask_for_code(accounts().database.session(), person, self._landing()))
            return True
        self._note_failure()
        # Flask-Security would say which field was wrong, and so who has an account.
        self.email.errors = []
        self.password.errors = []
        self.form_errors = [_("The e-mail address or the password is not right.")]
        return False

    @staticmethod
    def _landing() -> str | None:
        return request.form.get("next") or request.args.get("next")

    def _note_failure(self) -> None:
        # Also where there is no such account, or the time of the answer would tell.
        work = accounts().database.session()
        with as_system("sign-in", source="web"):
            note(work, SIGN_IN_FAILED, cast(User | None, self.user))
            work.commit()

    def _is_right(self, typed: str, **kwargs: Any) -> bool:
        password = self.password.data or ""
        if len(password.encode("utf-8", "replace")) > LONGEST_PASSWORD:
            return False
        database = accounts().database
        try:
            with as_system("sign-in", source="web"):
                self.user = current_app.extensions["security"].datastore.find_user(email=normal_email(typed))
        except ValidationError:
            self.user = None
        # Hashing takes long; meanwhile nobody should wait for this transaction (SQLite has one writer).
        database.session.commit()
        # Telephones put a space after a completed word.
        self.email.data = typed
        self.ifield = self.email
        return bool(super().validate(**kwargs))

    def _refusal(self, wait: int) -> Response:
        self.form_errors = [_("Too many attempts. Please try again in a few minutes.")]
        page = render_template(current_app.config["SECURITY_LOGIN_USER_TEMPLATE"], login_user_form=self)
        response = make_response(page, 429)
        response.headers["Retry-After"] = str(wait)
        return response


def _is_place_of(typed: str, place: str) -> bool:
    """Whether whoever has this e-mail address is signed in from there."""
    with as_system("sign-in", source="web"):
        places = sessions.places_of(accounts().database.session(), typed)
    accounts().database.session.commit()
    return network(place) in {network(known) for known in places}
