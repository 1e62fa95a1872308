"""Teams: people who share their views. A team may be part of a larger one, and its members belong to that too."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.models import Base, User, now
from core.database.types import UtcDateTime
from core.errors import ValidationError
from core.text import clean

NAME_LENGTH = 80


class Team(Base):
    """A group of people; ``parent_id`` is the team it is part of."""

    __tablename__ = "core_team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_team.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)

    def __str__(self) -> str:
        return self.name


class TeamMember(Base):
    """That somebody belongs to a team."""

    __tablename__ = "core_team_member"

    team_id: Mapped[int] = mapped_column(sa.ForeignKey("core_team.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True, index=True
    )


def teams_of(user_id: int | None | sa.BindParameter[int]) -> sa.Select[tuple[int]]:
    """The ids of a user's teams and of those they are part of, as a query; ``user_id`` may be a parameter for one."""
    own = sa.select(TeamMember.team_id.label("id")).where(TeamMember.user_id == user_id).cte(recursive=True)
    above = sa.select(Team.parent_id).join(own, Team.id == own.c.id).where(Team.parent_id.is_not(None))
    # UNION, not UNION ALL: it ends even where somebody made a ring of teams.
    return sa.select(own.union(above).c.id)


def save_team(session: Session, team: Team, name: str, parent_id: int | None) -> None:
    """Give ``team`` a name and the team it is part of.

    Raises:
        ValidationError: no name, a name that another team has, or a team that would be part of itself.
    """
    plain = clean(name).strip()[:NAME_LENGTH]
    if not plain:
        raise ValidationError(name=_("This field is required."))
    same = sa.select(Team.id).where(sa.func.lower(Team.name) == plain.lower(), Team.id != (team.id or 0))
    if session.scalar(same.limit(1)) is not None:
        raise ValidationError(name=_("There is a team of this name already."))
    if parent_id is not None:
        if session.get(Team, parent_id) is None:
            raise ValidationError(parent=_("This team is no longer there."))
        if team.id is not None and team.id in _above(session, parent_id):
            raise ValidationError(parent=_("A team cannot be part of itself."))
    team.name, team.parent_id = plain, parent_id
    session.add(team)


def _above(session: Session, team_id: int) -> set[int]:
    """``team_id`` and every team it is part of."""
    found: set[int] = set()
    here: int | None = team_id
    while here is not None and here not in found:
        found.add(here)
        here = session.scalar(sa.select(Team.parent_id).where(Team.id == here))
    return found


def set_members(session: Session, team: Team, user_ids: set[int]) -> None:
    """Make exactly these active users the members of ``team``."""
    known = set(session.scalars(sa.select(User.id).where(User.id.in_(user_ids), User.active)))
    present = set(session.scalars(sa.select(TeamMember.user_id).where(TeamMember.team_id == team.id)))
    gone = present - known
    session.execute(sa.delete(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id.in_(gone)))
    session.add_all(TeamMember(team_id=team.id, user_id=user_id) for user_id in sorted(known - present))
