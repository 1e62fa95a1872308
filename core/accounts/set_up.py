"""The one-time link by which the first administrator is made.

There is no default password: whoever can read the console or the owner-only file in the instance folder sets one.
Both functions that write commit, because the file and the database must tell the same.
"""

from __future__ import annotations

import datetime as dt
import secrets
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import as_system
from core.accounts.models import SetUpLink, User, now
from core.accounts.sessions import token_hash
from core.accounts.users import create_user, has_administrator, lock_administrators, seed_roles
from core.config import Config
from core.errors import Blocked
from core.parts import ADMINISTRATOR
from core.private_file import write_over

LIFETIME = dt.timedelta(hours=1)


def link_file(config: Config) -> Path:
    """Where the link is written, readable by the owner of the installation only."""
    return config.instance / "set-up-link"


def make_link(session: Session, config: Config) -> str | None:
    """Make the set-up link, write it to its file and commit; earlier links stop working.

    Returns:
        The address to open within an hour, or None when somebody is administrator already.
    """
    with as_system("set-up link", source="command"):
        seed_roles(session)
        lock_administrators(session)
        session.execute(sa.delete(SetUpLink))
        if has_administrator(session):
            session.commit()
            link_file(config).unlink(missing_ok=True)
            return None
        token = secrets.token_urlsafe(32)
        session.add(SetUpLink(token_hash=token_hash(token), expires_at=now() + LIFETIME))
        session.commit()
    url = f"{config.public_url}/set-up/{token}"
    write_over(link_file(config), url)
    return url


def is_open(session: Session, token: str) -> bool:
    """Whether ``token`` may still be redeemed."""
    statement = sa.select(SetUpLink.id).where(SetUpLink.token_hash == token_hash(token), SetUpLink.expires_at > now())
    return session.scalar(statement) is not None and not has_administrator(session)


def redeem(session: Session, config: Config, token: str, *, name: str, email: str, password: str) -> User:
    """Make the first administrator and commit. Of several requests at once exactly one succeeds.

    Raises:
        ValidationError: with every field that cannot be stored; the link stays good.
        Blocked: the link was used, has expired or never was.
    """
    try:
        with as_system("first administrator", source="web"):
            seed_roles(session)
            # The others wait here, and see the first one's administrator when they go on.
            lock_administrators(session)
            if not is_open(session, token):
                raise Blocked(_("This link was used or has expired."))
            user = create_user(session, email, name, password, ADMINISTRATOR)
            session.execute(sa.delete(SetUpLink))
            session.commit()
    except BaseException:
        session.rollback()
        raise
    link_file(config).unlink(missing_ok=True)
    return user
