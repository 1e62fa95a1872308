"""The teams screen of administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from core.accounts.actor import acting
from core.accounts.models import CALLED, User
from core.accounts.security import accounts
from core.accounts.teams import Team, TeamMember, save_team, set_members
from core.admin.ids import read_id
from core.errors import ValidationError
from core.parts import ADMINISTRATOR, Permission
from core.records.audit import record_act

MANAGE_TEAMS = Permission("core.teams.manage", _l("Manage teams"), (ADMINISTRATOR,))
AUDITED = "core.team"
MOST_TEAMS = 200
MOST_USERS = 500  # offered as members; a larger house needs a search here

team_pages = Blueprint("teams", __name__, url_prefix="/admin/teams")


@team_pages.before_request
def managers_only() -> None:
    """Hide the pages from whoever may not manage teams."""
    if not acting().may(MANAGE_TEAMS.name):
        abort(404)


@team_pages.get("/")
def listing() -> Any:
    """The teams, and the form of a new one."""
    return _listing()


@team_pages.post("/")
def create() -> Any:
    """Add a team."""
    work = accounts().database.session()
    team = Team()
    try:
        save_team(work, team, request.form.get("name", ""), read_id(request.form.get("parent", "")))
    except ValidationError as error:
        work.rollback()
        return _listing(errors=error.errors, values=request.form), 422
    record_act(work, AUDITED, "created", {"name": (None, team.name)})
    work.commit()
    flash(_("The team “%(name)s” is saved.", name=team.name), "success")
    return redirect(url_for("teams.details", team_id=team.id))


@team_pages.get("/<int(max=2147483647):team_id>")
def details(team_id: int) -> Any:
    """One team with its members."""
    return _details(_team(team_id))


@team_pages.post("/<int(max=2147483647):team_id>")
def change(team_id: int) -> Any:
    """Change a team's name, place and members."""
    work, team = accounts().database.session(), _team(team_id)
    before = _told(work, team)
    try:
        save_team(work, team, request.form.get("name", ""), read_id(request.form.get("parent", "")))
    except ValidationError as error:
        work.rollback()
        return _details(team, errors=error.errors, values=request.form), 422
    chosen = {number for text in request.form.getlist("member") if (number := read_id(text)) and number < 2**31}
    set_members(work, team, chosen)
    work.flush()
    after = _told(work, team)
    changes = {name: (before[name], after[name]) for name in after if name == "name" or before[name] != after[name]}
    if before != after:
        record_act(work, AUDITED, "changed", changes)
    work.commit()
    flash(_("The team “%(name)s” is saved.", name=team.name), "success")
    return redirect(url_for("teams.listing"))


@team_pages.post("/<int(max=2147483647):team_id>/delete")
def delete(team_id: int) -> Response:
    """Delete a team; its views become their owners' own, and its sub-teams stand for themselves."""
    work, team = accounts().database.session(), _team(team_id)
    record_act(work, AUDITED, "deleted", {"name": (team.name, None)})
    work.delete(team)
    work.commit()
    flash(_("The team “%(name)s” was deleted.", name=team.name), "success")
    return redirect(url_for("teams.listing"))


def _told(work: Any, team: Team) -> dict[str, Any]:
    """A team as the audit tells of it."""
    parent = work.get(Team, team.parent_id) if team.parent_id is not None else None
    members = sa.select(CALLED).join(TeamMember, TeamMember.user_id == User.id).where(TeamMember.team_id == team.id)
    named = ", ".join(work.scalars(members.order_by(User.id)))
    return {"name": team.name, "parent": parent.name if parent is not None else None, "members": named or None}


def _team(team_id: int) -> Team:
    found: Team | None = accounts().database.session.get(Team, team_id)
    return found if found is not None else abort(404)


def _teams() -> list[Team]:
    statement = sa.select(Team).order_by(sa.func.lower(Team.name)).limit(MOST_TEAMS)
    return list(accounts().database.session.scalars(statement))


def _details(team: Team, *, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None) -> str:
    session = accounts().database.session
    users = session.scalars(
        sa.select(User).where(User.active).order_by(sa.func.lower(User.name), User.id).limit(MOST_USERS)
    )
    members = set(session.scalars(sa.select(TeamMember.user_id).where(TeamMember.team_id == team.id)))
    shown = values or {"name": team.name, "parent": str(team.parent_id or "")}
    parents = [("", "–"), *((str(other.id), other.name) for other in _teams() if other.id != team.id)]
    return render_template(
        "core/team.html", team=team, people=list(users), members=members, parents=parents, values=shown,
        errors=errors or {},
    )  # fmt: skip


def _listing(*, errors: Mapping[str, Any] | None = None, values: Mapping[str, str] | None = None) -> str:
    teams = _teams()
    counts = sa.select(TeamMember.team_id, sa.func.count()).group_by(TeamMember.team_id)
    sizes = {row[0]: row[1] for row in accounts().database.session.execute(counts)}
    names = {team.id: team.name for team in teams}
    return render_template(
        "core/teams.html", rows=[(team, names.get(team.parent_id or 0, ""), sizes.get(team.id, 0)) for team in teams],
        parents=[("", "–"), *((str(team.id), team.name) for team in teams)], errors=errors or {}, values=values or {},
    )  # fmt: skip
