"""Inviting people, and links for a new password that an administrator makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts import links, users
from core.accounts.actor import acting
from core.accounts.acts import INVITATION_REVOKED, INVITED, RESET_ASKED, note
from core.accounts.links import INVITATION, RESET, REVOKED, AccountLink
from core.accounts.models import User
from core.accounts.security import accounts
from core.admin.ids import read_id
from core.errors import Blocked, ConfigError, SecretError, ValidationError
from core.parts import USER
from core.site.reader import preferences
from core.web.accounts import typed
from core.web.link_mail import mail_link
from core.web.users import MANAGE_USERS, changeable, roles_to_give

PER_PAGE = 50
STATES = {
    "open": (_l("Waiting"), "blue"),
    "used": (_l("Accepted"), "green"),
    "expired": (_l("Expired"), "amber"),
    "revoked": (_l("Withdrawn"), "gray"),
}

invitation_pages = Blueprint("invitations", __name__, url_prefix="/admin/users/invitations")


@invitation_pages.before_request
def administrators_only() -> None:
    """Hide the pages from whoever may not manage users."""
    if not acting().may(MANAGE_USERS.name):
        abort(404)


@invitation_pages.get("/")
def listing() -> Response:
    """The invitations with their states, and the form of a new one."""
    return _listing()


@invitation_pages.post("/")
def invite() -> Response:
    """Make a user without a password, and a link by which the person chooses one."""
    work = accounts().database.session()
    try:
        user = users.create_user(work, typed("email"), typed("name"), None, typed("role") or USER)
    except ValidationError as error:
        work.rollback()
        return _listing(errors=error.errors, values=request.form, status=422)
    return _hand_over(user, INVITATION, INVITED)


@invitation_pages.post("/<int(max=2147483647):number>")
def change(number: int) -> Response:
    """Send an invitation again, with a new link, or withdraw it, as the button says."""
    work = accounts().database.session()
    link = work.get(AccountLink, number)
    if link is None or link.purpose != INVITATION:
        abort(404)
    user = changeable(link.user_id)
    action = typed("action")
    if action not in ("again", "revoke"):
        abort(400)
    if user.password is not None or user.last_sign_in_at is not None:
        flash(_("%(name)s has accepted the invitation meanwhile.", name=user), "warning")
        return redirect(url_for("invitations.listing"), 303)
    if action == "again":
        if not user.active:
            users.reactivate(work, user)
        return _hand_over(user, INVITATION, INVITED)
    link.ended_as, link.ended_at = REVOKED, link.ended_at or links.now()
    note(work, INVITATION_REVOKED, user)
    try:
        users.deactivate(work, user)
    except Blocked as reason:
        work.rollback()
        flash(str(reason), "danger")
        return redirect(url_for("invitations.listing"), 303)
    work.commit()
    flash(_("The invitation of %(name)s is withdrawn.", name=user), "success")
    return redirect(url_for("invitations.listing"), 303)


@invitation_pages.post("/reset/<int(max=2147483647):user_id>")
def make_reset_link(user_id: int) -> Response:
    """Make a link by which a user chooses a new password."""
    user = changeable(user_id)
    if not user.active:
        abort(404)
    if user.id == acting().user_id:
        flash(_("You do this for yourself in your profile, where the password is asked for."), "warning")
        return redirect(url_for("users.details", user_id=user_id))
    return _hand_over(user, RESET, RESET_ASKED)


def _hand_over(user: User, purpose: str, act: str) -> Response:
    """Make the link, write the mail, and show the link, which is the only time that it can be seen."""
    work = accounts().database.session()
    link, token = links.make(work, user, purpose, by=acting().user_id)
    note(work, act, user)
    try:
        mailed = mail_link(link, token, preferences().language)
    except (SecretError, ConfigError) as error:
        work.rollback()
        flash(str(error), "danger")
        return redirect(url_for("invitations.listing"), 303)
    work.commit()
    html = render_template(
        "core/link_made.html", person=user, invites=purpose == INVITATION, mailed=mailed, expires_at=link.expires_at,
        address=links.address_of(accounts().config, purpose, token),
    )  # fmt: skip
    return make_response(html, 200, {"Cache-Control": "no-store"})


def _listing(
    *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    work = accounts().database.session()
    rows = links.invitations(work, PER_PAGE + 1, read_id(request.args.get("before", "")))
    html = render_template(
        "core/invitations.html", rows=rows[:PER_PAGE], states=STATES, roles=roles_to_give(), errors=errors or {},
        values=values or {}, older=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None,
    )  # fmt: skip
    return make_response(html, status)
