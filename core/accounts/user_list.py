"""Finding users, for those who look after them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import Role, User
from core.text import clean

ACTIVE, DEACTIVATED, INVITED, ONE_STEP = STATES = ("active", "deactivated", "invited", "one_step")
LONGEST_SEARCH = 200


def find_users(
    session: Session, *, text: str = "", state: str = "", role: str = "", offset: int = 0, limit: int = 50
) -> Sequence[User]:
    """Users in the order of their names.

    Args:
        session: the unit of work.
        text: part of a name or an e-mail address.
        state: ``active``, ``deactivated``, ``invited`` (never came), ``one_step`` (active without a second step).
        role: the name of a role.
        offset: how many to pass over.
        limit: how many at most.
    """
    statement = sa.select(User).order_by(sa.func.lower(User.name), User.id).offset(offset).limit(limit)
    words = " ".join(clean(text[:LONGEST_SEARCH]).split())
    if words:
        statement = statement.where(
            sa.or_(User.name.icontains(words, autoescape=True), User.email.icontains(words, autoescape=True))
        )
    never_came = sa.and_(User.password.is_(None), User.last_sign_in_at.is_(None))
    if state == DEACTIVATED:
        statement = statement.where(User.active.is_(False))
    elif state:
        statement = statement.where(User.active.is_(True))
    if state == INVITED:
        statement = statement.where(never_came)
    elif state == ONE_STEP:
        statement = statement.where(User.two_factor_at.is_(None))
    if role:
        statement = statement.where(User.roles.any(Role.name == role))
    return session.scalars(statement).all()
