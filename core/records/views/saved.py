"""Saved views: which ones somebody sees, and what may be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.accounts.teams import Team, teams_of
from core.errors import Forbidden, ValidationError
from core.records.views.arrangement import kept_arrangement
from core.records.views.models import EVERYONE, MINE, NAME_LENGTH, SHARES, TEAM, DefaultView, ListLayout, SavedView
from core.records.views.view import View
from core.text import clean

SHARE = "core.views.share"
MOST = 200  # views one person sees of all lists together


@dataclass(frozen=True)
class Listed:
    """A view somebody sees, as the row of it says, and for whom it is the default: this person, a team of his, or
    nobody."""

    id: int
    record_type: str
    name: str
    owner_id: int | None
    shared: str
    definition: Mapping[str, Any]
    pinned: bool
    mine: bool = False
    teams: bool = False


@dataclass(frozen=True)
class Arranged:
    """What a page needs to know of the reader's views: those of one list and the pinned ones of all, in their order.

    ``widths`` are those he gave the columns of the list, in pixels. Nothing in here is changed: pages share it.
    """

    record_type: str
    views: Sequence[Listed]
    widths: Mapping[str, int]


def visible(session: Session, record_type: str) -> list[Listed]:
    """The views of a list, in their order: the reader's own, those of his teams, and everybody's."""
    return [entry for entry in arranged(session, record_type).views if entry.record_type == record_type]


def pinned(session: Session) -> list[Listed]:
    """The views that stand in the reader's menu."""
    return [entry for entry in arranged(session, "").views if entry.pinned]


def arranged(session: Session, record_type: str) -> Arranged:
    """What the reader arranged on a list, with the pinned views for the menu of the same page.

    One query for both, and none where the mark of the moment (``core.database.marks``) is that of what was read before.
    """
    return kept_arrangement(session, acting().user_id, record_type, lambda: _read(session, record_type))


def _read(session: Session, record_type: str) -> Arranged:
    found: dict[int, Listed] = {}
    widths: Mapping[str, int] = {}
    asked = {"me": acting().user_id, "record_type": record_type}
    for given, user_id, team_id, *row in session.execute(_arrangement(), asked):
        widths = given or {}
        if row[0] is not None:
            entry = found.get(row[0]) or Listed(*row)
            mine, teams = entry.mine or user_id is not None, entry.teams or team_id is not None
            found[entry.id] = replace(entry, mine=mine, teams=teams)
    return Arranged(record_type, tuple(found.values()), widths)


# As ``Listed`` has them.
_LISTED = (
    SavedView.id, SavedView.record_type, SavedView.name, SavedView.owner_id, SavedView.shared, SavedView.definition,
    SavedView.pinned,
)  # fmt: skip


@lru_cache(maxsize=1)
def _arrangement() -> Any:
    """Making the statement took longer than running it.

    It begins with a row of its own, so that widths come without views and views without widths.
    """
    me, record_type = sa.bindparam("me", type_=sa.Integer), sa.bindparam("record_type", type_=sa.String)
    reader = sa.select(me.label("id")).subquery("reader")
    layout = sa.and_(ListLayout.user_id == reader.c.id, ListLayout.record_type == record_type)
    wanted = sa.or_(SavedView.record_type == record_type, SavedView.pinned)
    default = sa.and_(
        DefaultView.view_id == SavedView.id,
        sa.or_(DefaultView.user_id == me, DefaultView.team_id.in_(teams_of(me))),
    )
    return (
        sa.select(ListLayout.widths, DefaultView.user_id, DefaultView.team_id, *_LISTED)
        .select_from(reader)
        .outerjoin(ListLayout, layout)
        .outerjoin(SavedView, sa.and_(_readable(me), SavedView.deleted_at.is_(None), wanted))
        .outerjoin(DefaultView, default)
        .order_by(SavedView.position, SavedView.id)
        .limit(MOST)
    )


def default_of(views: Sequence[Listed]) -> Listed | None:
    """The view with which the list opens: the person's own choice goes before the team's."""
    own = next((entry for entry in views if entry.mine), None)
    return own or next((entry for entry in views if entry.teams), None)


def find(session: Session, record_type: str, view_id: int, *, deleted: bool = False) -> SavedView | None:
    """The view with this id that the reader may see, or None."""
    there = SavedView.deleted_at.is_not(None) if deleted else SavedView.deleted_at.is_(None)
    statement = sa.select(SavedView).where(
        SavedView.id == view_id, SavedView.record_type == record_type, there, _readable(acting().user_id)
    )
    return session.scalars(statement).one_or_none()


def _readable(me: Any) -> sa.ColumnElement[bool]:
    """What ``me``, a user's id or a parameter for it, may see."""
    return sa.or_(
        SavedView.owner_id == me,
        SavedView.shared == EVERYONE,
        sa.and_(SavedView.shared == TEAM, SavedView.team_id.in_(teams_of(me))),
    )


def may_change(view: SavedView | Listed) -> bool:
    """Its owner may change a view; one for everyone also whoever may share with everyone."""
    mine = view.owner_id is not None and view.owner_id == acting().user_id
    return mine or (view.shared == EVERYONE and acting().may(SHARE))


def my_teams(session: Session) -> list[Team]:
    """The reader's teams, those they are part of included."""
    return list(session.scalars(sa.select(Team).where(Team.id.in_(teams_of(acting().user_id))).order_by(Team.name)))


def save(session: Session, view: SavedView, name: str, shared: str, team_id: int | None) -> None:
    """Name and share a view, new or not.

    Raises:
        Forbidden: the actor may not change it.
        ValidationError: no name, or shared with people with whom the actor may not share.
    """
    if view.id is not None and not may_change(view):
        raise Forbidden(SHARE)
    plain = clean(name).strip()[:NAME_LENGTH]
    if not plain:
        raise ValidationError(name=_("This field is required."))
    if shared not in SHARES or (shared == EVERYONE and shared != view.shared and not acting().may(SHARE)):
        raise ValidationError(shared=_("You may not share a view with everyone."))
    if shared == TEAM and team_id not in {team.id for team in my_teams(session)}:
        raise ValidationError(team=_("Choose one of your teams."))
    view.name, view.shared, view.team_id = plain, shared, team_id if shared == TEAM else None
    session.add(view)
    session.flush()


def create(session: Session, record_type: str, what: View, name: str, shared: str, team_id: int | None) -> SavedView:
    """Keep ``what`` under a name, as the last of its list.

    Raises:
        ValidationError: as ``save``.
    """
    last = session.scalar(sa.select(sa.func.max(SavedView.position)).where(SavedView.record_type == record_type))
    made = SavedView(
        record_type=record_type, owner_id=acting().user_id, definition=what.definition, position=(last or 0) + 1,
        shared=MINE,
    )  # fmt: skip
    save(session, made, name, shared, team_id)
    return made


def set_default(session: Session, view: SavedView, *, user_id: int | None = None, team_id: int | None = None) -> None:
    """Open the list with ``view``, for a person or for a team."""
    clear_default(session, view.record_type, user_id=user_id, team_id=team_id)
    session.add(DefaultView(record_type=view.record_type, user_id=user_id, team_id=team_id, view_id=view.id))


def clear_default(
    session: Session, record_type: str, *, user_id: int | None = None, team_id: int | None = None
) -> None:
    """Open the list as its screen says again."""
    whose = DefaultView.user_id == user_id if user_id is not None else DefaultView.team_id == team_id
    session.execute(sa.delete(DefaultView).where(DefaultView.record_type == record_type, whose))


def delete(session: Session, view: SavedView) -> None:
    """Put a view aside; ``restore`` brings it back.

    Raises:
        Forbidden: the actor may not change it.
    """
    if not may_change(view):
        raise Forbidden(SHARE)
    view.deleted_at = now()


def restore(session: Session, view: SavedView) -> None:
    """Bring a view back.

    Raises:
        Forbidden: the actor may not change it.
    """
    if not may_change(view):
        raise Forbidden(SHARE)
    view.deleted_at = None
