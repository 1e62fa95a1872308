"""Viewing the site as another user."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_security import current_user
from werkzeug.wrappers import Response

from core.accounts import viewing
from core.accounts.models import User
from core.accounts.security import accounts
from core.parts import ADMINISTRATOR, Permission

VIEW_AS = Permission(viewing.VIEW_AS, _l("View the site as somebody else"), (ADMINISTRATOR,))

view_as_pages = Blueprint("view_as", __name__, url_prefix="/view-as")


@view_as_pages.post("/<int(max=2147483647):user_id>")
def begin(user_id: int) -> Response:
    """Look with the eyes of a user."""
    work = accounts().database.session()
    other = work.get(User, user_id)
    if other is None or not other.active or not viewing.may_view(current_user, other):
        abort(404)
    viewing.begin(work, other)
    work.commit()
    return redirect("/", 303)


@view_as_pages.post("/leave")
def leave() -> Response:
    """Look with one's own eyes again."""
    work, user = accounts().database.session(), viewing.viewer()
    if user is None:
        return redirect("/", 303)
    other = current_user._get_current_object()
    viewing.end(work, user, other)
    work.commit()
    flash(_("You see the site with your own eyes again."), "success")
    return redirect(url_for("users.details", user_id=other.id), 303)


@view_as_pages.record
def _add_viewer(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["viewer"] = viewing.viewer

