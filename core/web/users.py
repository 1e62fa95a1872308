"""The users screen of administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import current_user
from werkzeug.wrappers import Response

from core.accounts import outside, second_factor, sessions, tokens, users, viewing
from core.accounts.actor import acting
from core.accounts.acts import SESSIONS_ENDED, note
from core.accounts.models import Role, User, role_label
from core.accounts.rights import may_give
from core.accounts.security import accounts
from core.accounts.user_list import ACTIVE, DEACTIVATED, INVITED, ONE_STEP, STATES, find_users
from core.admin.ids import read_id
from core.errors import Blocked, ValidationError
from core.parts import ADMINISTRATOR, EVERYONE, Permission
from core.web.accounts import typed
from core.web.tokens import token_lines

MANAGE_USERS = Permission("core.users.manage", _l("Manage users"), (ADMINISTRATOR,))
STATE_LABELS = (
    ("", _l("Everybody")),
    (ACTIVE, _l("Active")),
    (INVITED, _l("Invited")),
    (ONE_STEP, _l("Without two-step sign-in")),
    (DEACTIVATED, _l("Deactivated")),
)
IN_PROFILE = frozenset({"password", "two_factor_off"})
USERS_PER_PAGE = 50
MOST_ROLES = 200

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


@user_pages.get("/<int(max=2147483647):user_id>")
def details(user_id: int) -> Response:
    """One user."""
    return _details(_user(user_id))


@user_pages.post("/<int(max=2147483647):user_id>")
def change(user_id: int) -> Response:
    """Change a user's name, role, password, sign-ins or standing, as the button says."""
    work, user = accounts().database.session(), changeable(user_id)
    actions: dict[str, Callable[[], Any]] = {
        "describe": lambda: _describe(user),
        "role": lambda: users.set_roles(work, user, set(request.form.getlist("role"))),
        "password": lambda: users.set_password(work, user, typed("password")),
        "deactivate": lambda: users.deactivate(work, user),
        "reactivate": lambda: users.reactivate(work, user),
        "untie": lambda: outside.untie(work, user),
        "two_factor_off": lambda: second_factor.switch_off(work, user),
        "end_session": lambda: _end_session(user),
        "end_sessions": lambda: _end_sessions(user),
        "revoke_token": lambda: _revoke_token(user),
        "revoke_tokens": lambda: tokens.revoke_all(work, user),
    }
    action = actions.get(typed("action"))
    if action is None:
        abort(400)
    if user.id == acting().user_id and typed("action") in IN_PROFILE:
        # Whoever finds this browser unattended would need no password here.
        flash(_("You do this for yourself in your profile, where the password is asked for."), "warning")
        return redirect(url_for("users.details", user_id=user_id))
    try:
        action()
    except ValidationError as error:
        work.rollback()
        return _details(_user(user_id), errors=error.errors, values=request.form, status=422)
    except Blocked as reason:
        work.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("users.details", user_id=user_id))
    work.commit()
    flash(_("%(name)s is saved.", name=user), "success")
    return redirect(url_for("users.details", user_id=user_id))


def changeable(user_id: int) -> User:
    """The user, unless it is an administrator and the reader is none: that would be a way to become one."""
    user = _user(user_id)
    if user.is_administrator and ADMINISTRATOR not in acting().roles:
        abort(404)
    return user


def roles_to_give() -> list[tuple[str, str]]:
    """The roles that the actor may give, the built-in ones first: pairs of name and label."""
    work = accounts().database.session()
    return [(role.name, role_label(role.name)) for role in _roles() if may_give(work, role)]


def _roles() -> list[Role]:
    statement = sa.select(Role).order_by(Role.name.not_in(EVERYONE), sa.func.lower(Role.name)).limit(MOST_ROLES)
    return list(accounts().database.session.scalars(statement))


def _describe(user: User) -> None:
    work = accounts().database.session()
    moves = typed("email").strip().lower() != user.email
    if user.id == acting().user_id and moves and not users.is_password(user, typed("current_password")):
        raise ValidationError(current_password=_("This is not your current password."))
    users.describe(work, user, typed("name"), typed("email"))


def _end_session(user: User) -> None:
    work = accounts().database.session()
    ended = sessions.end_one(work, user, read_id(typed("number")) or 0)
    if ended is None:
        raise Blocked(_("This browser is signed out already."))
    note(work, SESSIONS_ENDED, user, {"browser": (ended.browser_name, None), "address": (ended.address, None)})


def _end_sessions(user: User) -> None:
    work = accounts().database.session()
    note(work, SESSIONS_ENDED, user, {"count": (None, sessions.end_all(work, user))})


def _revoke_token(user: User) -> None:
    if tokens.revoke(accounts().database.session(), user, read_id(typed("number")) or 0) is None:
        raise Blocked(_("This token has ended already."))


def _user(user_id: int) -> User:
    found: User | None = accounts().database.session.get(User, user_id)
    return found if found is not None else abort(404)


def _details(
    user: User,
    *,
    errors: Mapping[str, Any] | None = None,
    values: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    shown = {"name": user.name, "email": user.email} | dict(values or {})
    given, held = dict(roles_to_give()), {role.name for role in user.roles}
    # What somebody has and the reader may not take stays as it is.
    locked = {name: role_label(name) for name in sorted(held - given.keys())}
    viewable = user.active and viewing.may_view(current_user, user)
    html = render_template(
        "core/user.html", person=user, roles=given.items(), held=held, locked=locked.items(),
        access_url=url_for("access.page", user=user.id) if acting().may("core.roles.manage") else "",
        view_url=url_for("view_as.begin", user_id=user.id) if viewable else "", errors=errors or {}, values=shown,
        browsers=sessions.of_user(accounts().database.session(), user), own=user.id == acting().user_id,
        tokens=token_lines(user),
        identities=outside.identities_of(accounts().database.session(), user),
        changeable=not user.is_administrator or ADMINISTRATOR in acting().roles,
    )  # fmt: skip
    return make_response(html, status)


def _listing(
    *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    asked = {name: request.args.get(name, "") for name in ("search", "state", "role")}
    if asked["state"] not in ("", *STATES) or asked["role"] not in ("", *(role.name for role in _roles())):
        abort(400)
    page = request.args.get("page", "1")
    number = max(int(page), 1) if page.isascii() and page.isdigit() and 1 <= len(page) <= 6 else 1
    work = accounts().database.session()
    rows = find_users(
        work, text=asked["search"], state=asked["state"], role=asked["role"], offset=(number - 1) * USERS_PER_PAGE,
        limit=USERS_PER_PAGE + 1,
    )  # fmt: skip
    given: dict[str, Any] = {name: text for name, text in asked.items() if text}
    html = render_template(
        "core/users.html", people=rows[:USERS_PER_PAGE], roles=roles_to_give(), states=STATE_LABELS, asked=asked,
        every_role=[(role.name, role_label(role.name)) for role in _roles()],
        errors=errors or {}, values=values or {},
        newer_url=url_for("users.listing", page=number - 1, **given) if number > 1 else None,
        older_url=url_for("users.listing", page=number + 1, **given) if len(rows) > USERS_PER_PAGE else None,
    )  # fmt: skip
    return make_response(html, status)
