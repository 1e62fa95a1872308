"""What people see when something went wrong: one sentence, a number to quote, and a way back.

Programs get the same as data (``core.web.problems``).
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, g, redirect, render_template, request
from flask_babel import gettext as _
from flask_security import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from core.accounts.actor import NOBODY, acting_as
from core.accounts.token_door import is_for_tokens
from core.errors import (
    Blocked,
    ConditionError,
    Forbidden,
    LifecycleError,
    NotUnderstood,
    TokenRefused,
    UnknownField,
    UnknownRecordType,
    ValidationError,
)
from core.web.problems import problem, request_id

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_FULL = "53100"  # of PostgreSQL
# In the names of fields that are not repeated. The code of a product or place is no secret, that of an account is.
SECRET = re.compile(r"password|secret|token|credential")
CODE = re.compile(r"(?<!postal_)code")
MOST_TYPED, LONGEST_TYPED = 1000, 500_000

error_pages = Blueprint("errors", __name__)

Answer = tuple[Any, int] | tuple[Any, int, dict[str, str]] | Response


def _texts(code: int) -> tuple[str, str]:
    known = {
        400: (_("This request makes no sense"), _("Something in the address or the form cannot be used.")),
        401: (_("Who is asking?"), _("This needs an access token.")),
        403: (_("This is not for you"), _("Your role does not allow this. Ask an administrator if you need it.")),
        404: (_("Nothing is here"), _("It does not exist, or you may not see it.")),
        405: (_("This cannot be done here"), _("The address does not know this method.")),
        412: (_("Somebody else was faster"), _("This is not the version that is stored now.")),
        415: (_("This kind of content cannot be read"), _("Send JSON, as application/json.")),
        409: (_("Somebody else was faster"), _("This was changed meanwhile. Go back, look, and try again.")),
        413: (_("This is too large"), _("The file or the form is larger than this installation accepts.")),
        422: (_("This cannot be done"), _("Something that was typed cannot be stored.")),
        429: (_("Too many attempts"), _("Wait a little and try again.")),
        507: (_("The disk is full"), _("Nothing was stored. An administrator must make room on the server.")),
        503: (_("One moment, please"), _("The database does not answer. Try again in a few seconds.")),
    }
    return known.get(code, (_("Something went wrong"), _("It was written down with the number below.")))


def _answer(
    code: int,
    text: str | None = None,
    *,
    number: str | None = None,
    place: str = "",
    errors: Mapping[str, object] | None = None,
    typed: Sequence[tuple[str, str]] = (),
) -> tuple[Any, int]:
    heading, standard = _texts(code)
    if is_for_tokens():
        return problem(code, heading, text or standard, place=place, errors=errors), code
    # A failing server must not ask the database who is reading.
    shell = code < 500 and current_user.is_authenticated
    page = render_template(
        "nova/error.html",
        code=code,
        heading=heading,
        text=text or standard,
        request_id=number,
        back_url=None,
        typed=typed,
        shell=shell,
    )
    return page, code


@error_pages.app_errorhandler(HTTPException)
def http_error(error: HTTPException) -> Any:
    """Every refusal that has a number; redirects and ready answers pass."""
    if error.response is not None or error.code is None or error.code < 400:
        return error
    page, code = _answer(error.code)
    headers = {k: v for k, v in error.get_headers(request.environ) if k.lower() in ("retry-after", "allow")}
    return page, code, headers


@error_pages.app_errorhandler(CSRFError)
def expired_form(_error: CSRFError) -> tuple[Any, int]:
    """A form that was open longer than its session. What was typed is given back, to be sent once more."""
    typed = _typed_here()
    if typed:
        sentence = _("This form was open too long. Nothing you typed is lost: sign in again in another window if you "
                     "must, and send it from here.")  # fmt: skip
        return _answer(400, sentence, typed=typed)
    return _answer(400, _("This form was open too long. Go back, reload the page and send it again."))


def _typed_here() -> list[tuple[str, str]]:
    """The fields of a form that was sent from a page of this very site; nothing where it holds a secret or a file.

    What another site sends is not repeated, or its visitors would be one click away from doing its will.
    """
    own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    own = own or urlsplit(request.headers.get("Origin", "")).netloc == request.host
    if not own or request.method != "POST" or any(file.filename for file in request.files.values()):
        return []
    typed = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    if len(typed) > MOST_TYPED or sum(len(value) for _name, value in typed) > LONGEST_TYPED:
        return []
    secret = (SECRET,) if _is_of_records() else (SECRET, CODE)
    return [] if any(words.search(name) for words in secret for name, _value in typed) else typed


def _is_of_records() -> bool:
    screens = current_app.extensions["peyvand"].screens.values()
    return any(screen.endpoint == request.blueprint for screen in screens)


@error_pages.app_errorhandler(Forbidden)
@error_pages.app_errorhandler(UnknownField)
@error_pages.app_errorhandler(UnknownRecordType)
def forbidden(error: Exception) -> tuple[Any, int]:
    """Forbidden and missing look the same, so that nobody learns what exists; an unknown field is a bad request."""
    return _answer(400, place=error.field) if isinstance(error, UnknownField) else _answer(404)


@error_pages.app_errorhandler(TokenRefused)
def token_refused(error: TokenRefused) -> Any:
    """A program without a token that is good for this."""
    page, code = _answer(error.status, error.reason)
    kind = ' error="insufficient_scope"' if error.status == 403 else ""
    return page, code, {"WWW-Authenticate": f'Bearer realm="Peyvand"{"," + kind if kind else ""}'}


@error_pages.app_errorhandler(ConditionError)
def unreadable(error: ConditionError) -> tuple[Any, int]:
    """A condition in an address that nobody can follow: where it is wrong, and how."""
    if is_for_tokens():
        return _answer(400, str(error.message), place=".".join(filter(None, ("where", error.path))))
    return _answer(400, f"{error.message} ({error.path})" if error.path else str(error.message))


@error_pages.app_errorhandler(NotUnderstood)
def not_understood(error: NotUnderstood) -> tuple[Any, int]:
    """A request that is wrong in one place."""
    return _answer(400, str(error.message), place=error.place)


@error_pages.app_errorhandler(ValidationError)
def invalid(error: ValidationError) -> tuple[Any, int]:
    """Values refused where no form shows them beside their field."""
    return _answer(422, " ".join(str(text) for text in error.errors.values()), errors=error.errors)


@error_pages.app_errorhandler(Blocked)
@error_pages.app_errorhandler(LifecycleError)
def blocked(error: Exception) -> Answer:
    """Something stands in the way: say so where the person was."""
    posted = request.method == "POST" and not is_for_tokens()
    if posted and request.referrer and request.referrer.startswith(request.host_url):
        flash(str(error), "danger")
        return redirect(request.referrer)
    return _answer(409, str(error))


@error_pages.app_errorhandler(StaleDataError)
def outdated(_error: StaleDataError) -> tuple[Any, int]:
    """A write from an older version."""
    return _answer(409)


@error_pages.app_errorhandler(OSError)
def disk_full(error: OSError) -> Answer:
    """A file that cannot be written: nothing was stored, and somebody must make room."""
    if error.errno not in FULL:
        return failure(error)
    log.error("The disk is full: %s", error)
    page, code = _answer(507)
    return page, code, {"Retry-After": "60"}


@error_pages.app_errorhandler(OperationalError)
@error_pages.app_errorhandler(InterfaceError)
@error_pages.app_errorhandler(PoolTimeout)
def database_away(error: Exception) -> Answer:
    """The database is away or busy: nothing was stored, and it is worth trying again."""
    log.exception("The database does not answer.")
    cause = getattr(error, "orig", None)
    full = "disk is full" in str(cause) or getattr(cause, "sqlstate", "") == DISK_FULL
    # Flask-Login would look its user up once more to draw the page, and fail again; so would the menu.
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
    with acting_as(NOBODY):
        page, code = _answer(507 if full else 503)
    return page, code, {"Retry-After": "60" if full else "5"}


@error_pages.app_errorhandler(Exception)
def failure(error: Exception) -> tuple[Any, int]:
    """Everything else, written down under a number that the person can quote."""
    number = request_id()
    log.exception("Request %s to %s failed.", number, request.path, exc_info=error)
    return _answer(500, number=number)
