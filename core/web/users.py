"""The users screen of administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts import second_factor, users
from core.accounts.actor import acting
from core.accounts.models import User
from core.accounts.security import accounts
from core.errors import Blocked, ValidationError
from core.parts import ADMINISTRATOR, USER, Permission
from core.web.accounts import typed

MANAGE_USERS = Permission("core.users.manage", _l("Manage users"), (ADMINISTRATOR,))
ROLES = ((USER, _l("User")), (ADMINISTRATOR, _l("Administrator")))
USERS_PER_PAGE = 50

user_pages = Blueprint("users", __name__, url_prefix="/admin/users")


@user_pages.before_request
def administrators_only() -> None:
    """Hide the pages from whoever may not manage users."""
    if not acting().may(MANAGE_USERS.name):
        abort(404)


@user_pages.get("/")
def listing() -> Response:
    """The users, and the form of a new one."""
    return _listing()


@user_pages.post("/")
def create() -> Response:
    """Add a user with a first password."""
    work = accounts().database.session()
    try:
        user = users.create_user(work, typed("email"), typed("name"), typed("password"), typed("role"))
    except ValidationError as error:
        work.rollback()
        return _listing(errors=error.errors, values=request.form, status=422)
    work.commit()
    flash(_("%(name)s can sign in now.", name=user.name), "success")
    return redirect(url_for("users.listing"))


@user_pages.post("/two-step")
def require_two_factor() -> Response:
    """Choose the roles of which two-step sign-in is required."""
    work = accounts().database.session()
    second_factor.require_of(work, set(request.form.getlist("role")))
    work.commit()
    flash(_("Saved. Whoever has such a role sets it up at the next page."), "success")
    return redirect(url_for("users.listing"), 303)


@user_pages.get("/<int(max=2147483647):user_id>")
def details(user_id: int) -> Response:
    """One user."""
    return _details(_user(user_id))


@user_pages.post("/<int(max=2147483647):user_id>")
def change(user_id: int) -> Response:
    """Change a user's role, password or standing, as the button says."""
    work, user = accounts().database.session(), _user(user_id)
    actions = {
        "role": lambda: users.set_role(work, user, typed("role")),
        "password": lambda: users.set_password(work, user, typed("password")),
        "deactivate": lambda: users.deactivate(work, user),
        "reactivate": lambda: users.reactivate(work, user),
        "two_factor_off": lambda: second_factor.switch_off(work, user),
    }
    action = actions.get(typed("action"))
    if action is None:
        abort(400)
    try:
        action()
    except ValidationError as error:
        work.rollback()
        return _details(user, errors=error.errors, status=422)
    except Blocked as reason:
        work.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("users.details", user_id=user_id))
    work.commit()
    flash(_("%(name)s is saved.", name=user), "success")
    return redirect(url_for("users.listing"))


def _user(user_id: int) -> User:
    found: User | None = accounts().database.session.get(User, user_id)
    return found if found is not None else abort(404)


def _details(user: User, *, errors: Mapping[str, Any] | None = None, status: int = 200) -> Response:
    return make_response(render_template("core/user.html", person=user, roles=ROLES, errors=errors or {}), status)


def _listing(
    *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    asked = request.args.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() and 1 <= len(asked) <= 6 else 1
    start = max(number - 1, 0) * USERS_PER_PAGE
    statement = sa.select(User).order_by(sa.func.lower(User.name), User.id).offset(start).limit(USERS_PER_PAGE + 1)
    rows = accounts().database.session.scalars(statement).all()
    html = render_template(
        "core/users.html", people=rows[:USERS_PER_PAGE], roles=ROLES,
        required_of=second_factor.required_of(accounts().database.session()), errors=errors or {}, values=values or {},
        newer_url=url_for("users.listing", page=number - 1) if number > 1 else None,
        older_url=url_for("users.listing", page=number + 1) if len(rows) > USERS_PER_PAGE else None,
    )  # fmt: skip
    return make_response(html, status)
