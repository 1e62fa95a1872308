"""From somebody who has proved to know the password, or to read the mail, to a signed-in browser."""

from __future__ import annotations

from flask import redirect, session, url_for
from flask_security import login_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from core.accounts import pending
from core.accounts.actor import as_system
from core.accounts.models import User


def enter(work: Session, user: User, landing: str = "/") -> Response:
    """Sign ``user`` in, or ask for the code of the second step first. Commits.

    Args:
        work: the unit of work.
        user: who it is.
        landing: a path of this site where the person wanted to go.
    """
    if user.two_factor_at is None:
        login_user(user)
        return redirect(landing)
    return ask_for_code(work, user, landing)


def ask_for_code(work: Session, user: User, landing: str | None) -> Response:
    """Lead to the page that asks for the code; nobody is signed in until it is right. Commits."""
    with as_system("sign-in", source="web"):
        session[pending.COOKIE_KEY] = pending.start(work, user)
        work.commit()
    return redirect(url_for("two_factor.ask", next=landing) if landing else url_for("two_factor.ask"))
