"""Saving, sharing, ordering and deleting the views of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import abort, flash, redirect, request
from flask_babel import gettext as _

from core.accounts.actor import acting
from core.admin.condition_builder import VIEWS
from core.admin.ids import not_found, read_id
from core.admin.list_rows import address
from core.admin.opened_view import checked
from core.errors import ConditionError, ValidationError
from core.records.views import saved
from core.records.views.models import EVERYONE, MINE, TEAM, SavedView
from core.records.views.view import View

if TYPE_CHECKING:
    from core.admin.record_view import RecordView

LONGEST = 20_000  # characters of an address


def new_view(view: RecordView) -> Any:
    """The form that keeps the list in ``?q=`` under a name; a post keeps it."""
    view.require("see")
    what = _asked(view, request.values.get("q", ""))
    if request.method == "GET":
        return _form(view, None, request.args)
    session = view.session
    try:
        made = saved.create(session, view.screen.name, what, request.form.get("name", ""), *_sharing())
    except ValidationError as error:
        session.rollback()
        return _form(view, None, request.form, error.errors), 422
    _choose_defaults(view, made)
    made.pinned = bool(request.form.get("pinned"))
    session.commit()
    flash(_("The view “%(name)s” is saved.", name=made.name), "success")
    return redirect(_url(view, made))


def edit_view(view: RecordView, view_id: str) -> Any:
    """The form of a view's name, sharing and place; a post changes them."""
    found = _view_or_404(view, view_id)
    if request.method == "GET":
        return _form(view, found, {"name": found.name, "shared": found.shared, "team": str(found.team_id or "")})
    session = view.session
    if saved.may_change(found):
        try:
            saved.save(session, found, request.form.get("name", ""), *_sharing())
        except ValidationError as error:
            session.rollback()
            return _form(view, found, request.form, error.errors), 422
        found.pinned = bool(request.form.get("pinned"))
        position = request.form.get("position", "")
        found.position = int(position) if position.isascii() and position.isdigit() and len(position) < 5 else 0
    _choose_defaults(view, found)
    session.commit()
    flash(_("The view “%(name)s” is saved.", name=found.name), "success")
    return redirect(_url(view, found))


def save_view(view: RecordView, view_id: str) -> Any:
    """Keep what the posted address shows in a view, together with what of it is not there today."""
    found = _view_or_404(view, view_id)
    if not saved.may_change(found):
        not_found()
    _kept, gone = checked(view, View.of_definition(found.definition))
    found.definition = _asked(view, request.form.get("q", "")).with_gone(gone).definition
    view.session.commit()
    flash(_("The view “%(name)s” is saved.", name=found.name), "success")
    return redirect(_url(view, found))


def delete_view(view: RecordView, view_id: str) -> Any:
    """Put a view aside; the message offers to bring it back."""
    found = _view_or_404(view, view_id)
    if not saved.may_change(found):
        not_found()
    saved.delete(view.session, found)
    view.session.commit()
    undo = view.get_url(".restore_saved_view", view_id=found.id)
    flash(_("The view “%(name)s” was deleted.", name=found.name), f"undo {undo}")
    return redirect(view.list_url())


def restore_view(view: RecordView, view_id: str) -> Any:
    """Bring a deleted view back."""
    found = _view_or_404(view, view_id, deleted=True)
    if not saved.may_change(found):
        not_found()
    saved.restore(view.session, found)
    view.session.commit()
    return redirect(_url(view, found))


def _view_or_404(view: RecordView, view_id: str, *, deleted: bool = False) -> SavedView:
    view.require("see")
    number = read_id(view_id)
    small = number is not None and number < 2**31
    found = saved.find(view.session, view.screen.name, number or 0, deleted=deleted) if small else None
    return found if found is not None else not_found()


def _asked(view: RecordView, text: str) -> View:
    """The view in the arguments of a list's address; unknown names in it are answered with 400."""
    if len(text) > LONGEST:
        abort(400)
    args = dict(parse_qsl(text))
    try:
        asked = view.query.read(args, view.page_size_options).changed()
    except ConditionError:
        abort(400)
    return View.of_address({key: str(value) for key, value in view.query.arguments(asked).items()})


def _sharing() -> tuple[str, int | None]:
    return request.form.get("shared") or MINE, read_id(request.form.get("team", ""))


def _choose_defaults(view: RecordView, chosen: SavedView) -> None:
    """For whom the list opens with the view: the person, and each of his teams that can see it."""
    session, me = view.session, acting().user_id
    listed = next((entry for entry in saved.visible(session, view.screen.name) if entry.id == chosen.id), None)
    if request.form.get("mine"):
        saved.set_default(session, chosen, user_id=me)
    elif listed is not None and listed.mine:
        saved.clear_default(session, chosen.record_type, user_id=me)
    team = chosen.team_id if chosen.shared == TEAM else None
    if team is not None and saved.may_change(chosen):
        if request.form.get("teams"):
            saved.set_default(session, chosen, team_id=team)
        elif listed is not None and listed.teams:
            saved.clear_default(session, chosen.record_type, team_id=team)


def _url(view: RecordView, found: SavedView) -> str:
    """The view in the list, or in the page of it that the reader comes from."""
    back = request.args.get("to")
    return address(view.get_url(f".{back}") if back in VIEWS else view.list_url(), {"view": found.id})


def _form(view: RecordView, found: SavedView | None, values: Any, errors: Any = None) -> Any:
    teams = saved.my_teams(view.session)
    shares = [(MINE, _("Only me"))]
    if teams:
        shares.append((TEAM, _("A team of mine")))
    if acting().may(saved.SHARE) or (found is not None and found.shared == EVERYONE):
        shares.append((EVERYONE, _("Everyone")))
    every = saved.visible(view.session, view.screen.name)
    listed = next((entry for entry in every if found is not None and entry.id == found.id), None)
    if found is not None:
        action = view.get_url(".saved_view", view_id=found.id, to=request.args.get("to"))
    else:
        action = view.get_url(".new_saved_view", to=request.args.get("to"))
    return view.render(
        "nova/saved_view.html",
        title=_("Save as a view") if found is None else found.name,
        list_label=view.screen.plural,
        list_url=view.list_url(),
        saved=found,
        listed=listed,
        may_change=found is None or saved.may_change(found),
        action=action,
        delete_url=view.get_url(".delete_saved_view", view_id=found.id) if found is not None else None,
        shares=shares,
        teams=[("", "–"), *((str(team.id), team.name) for team in teams)],
        values=values,
        errors=errors or {},
        q=request.values.get("q", ""),
    )
