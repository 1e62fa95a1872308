"""Looking at the site with somebody else's eyes: the rights of that person, and nothing can be changed meanwhile.

The cookie names whom one looks as; whether one may is asked again at every request.
"""

from __future__ import annotations

from typing import cast

from flask import g, request, session
from sqlalchemy.orm import Session

from core.accounts.actor import acting_as
from core.accounts.acts import VIEWED_AS, VIEWED_AS_ENDED, note
from core.accounts.models import User
from core.accounts.rights import actor_of, covers

VIEW_AS = "core.users.view_as"
COOKIE_KEY = "view_as"
LEAVE = "view_as.leave"
# What somebody who only looks may still post.
POSTED = frozenset({LEAVE, "security.logout", "profile.choose"})


def eyes_of(work: Session, user: User) -> User:
    """Whose eyes ``user`` looks through in this request: his own, or those of whom he views as."""
    chosen = session.get(COOKIE_KEY)
    if not isinstance(chosen, int):
        return user
    other = work.get(User, chosen)
    if other is None or not other.active or not may_view(user, other):
        session.pop(COOKIE_KEY, None)
        return user
    g.viewer = user
    return other


def viewer() -> User | None:
    """Who it really is that looks with somebody else's eyes; None for everybody else."""
    return cast(User | None, g.get("viewer"))


def may_view(user: User, other: User) -> bool:
    """Whether ``user`` may look with the eyes of ``other``: never of somebody who may do more than himself."""
    own, others = actor_of(user), actor_of(other)
    if user.id == other.id or not own.may(VIEW_AS) or own.rights is None or others.rights is None:
        return False
    return covers(own.rights, others.rights)


def is_refused() -> bool:
    """Whether this request would change something while somebody only looks."""
    changes = request.method not in ("GET", "HEAD", "OPTIONS")
    return viewer() is not None and changes and request.endpoint not in POSTED


def begin(work: Session, other: User) -> None:
    """Look with the eyes of ``other`` from the next request on. The caller commits."""
    note(work, VIEWED_AS, other)
    session[COOKIE_KEY] = other.id


def end(work: Session, user: User, other: User) -> None:
    """Look with one's own eyes again. The caller commits."""
    session.pop(COOKIE_KEY, None)
    with acting_as(actor_of(user, address=request.remote_addr or "")):
        note(work, VIEWED_AS_ENDED, other)
