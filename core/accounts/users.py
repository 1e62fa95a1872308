"""Making and changing users. Nothing here commits: the caller's unit of work does.

Every function needs an application context, because the password hash is set up there.
"""

from __future__ import annotations

import unicodedata
import uuid

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from flask_security import hash_password
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.accounts import links, sessions, tokens
from core.accounts.acts import (
    CHANGED,
    CREATED,
    DEACTIVATED,
    PASSWORD_CHANGED,
    PASSWORD_CHOSEN,
    REACTIVATED,
    ROLES_CHANGED,
    note,
)
from core.accounts.blocklist import is_guessable
from core.accounts.models import Role, User
from core.accounts.rights import may_give
from core.errors import Blocked, ValidationError
from core.parts import ADMINISTRATOR, USER
from core.text import clean

LONGEST_NAME = 120
LONGEST_EMAIL = 254
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024  # bytes: hashing must not be a way to keep the processor busy


def normal_email(text: str) -> str:
    """An e-mail address as it is stored: valid, in lower case.

    Whether mail arrives there is not asked: that needs the internet.

    Raises:
        ValidationError: on ``email``.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise ValidationError(email=_("This is not an e-mail address.")) from None
    address = checked.normalized.lower()
    if len(address) > LONGEST_EMAIL:
        raise ValidationError(email=_("This is not an e-mail address."))
    return address


def normal_name(text: str) -> str:
    """A person's name as it is stored.

    Raises:
        ValidationError: on ``name``.
    """
    name = " ".join(clean(text).split())
    if not name:
        raise ValidationError(name=_("A name is needed."))
    if len(name) > LONGEST_NAME:
        raise ValidationError(name=_("The name is too long."))
    return name


def hashed(password: str, *, email: str = "", name: str = "") -> str:
    """The argon2id hash of a new password, which may hold any characters and is never asked for a mixture of kinds.

    Args:
        password: as it was typed, or pasted.
        email: the address of whose it is, which others know.
        name: the name of whose it is.

    Raises:
        ValidationError: on ``password``: too short, too long, or one that everybody tries first.
    """
    # Sign-in normalizes in the same way, so a keyboard that composes accents differently makes no other password.
    plain = unicodedata.normalize("NFKD", password)
    if len(plain) < SHORTEST_PASSWORD:
        raise ValidationError(password=_("The password needs at least %(count)s characters.", count=SHORTEST_PASSWORD))
    if len(plain.encode("utf-8", "replace")) > LONGEST_PASSWORD:
        raise ValidationError(password=_("The password is too long."))
    if is_guessable(unicodedata.normalize("NFKC", password), (email, name, "Peyvand")):
        raise ValidationError(password=_("This password is easy to guess. Please choose another."))
    return str(hash_password(plain))


def is_password(user: User, password: str) -> bool:
    """Whether ``password`` is the user's; takes as long as hashing it does."""
    plain = unicodedata.normalize("NFKD", password)
    if not user.password or len(password.encode("utf-8", "replace")) > LONGEST_PASSWORD:
        return False
    return bool(user.verify_and_update_password(plain))


def create_user(session: Session, email: str, name: str, password: str | None = None, role: str = USER) -> User:
    """Add a user. Without a password nobody can sign in as this user yet.

    Raises:
        ValidationError: with every field that cannot be stored.
    """
    errors: dict[str, object] = {}
    values: dict[str, str] = {}
    for field, normal, text in (("email", normal_email, email), ("name", normal_name, name)):
        try:
            values[field] = normal(text)
        except ValidationError as error:
            errors |= error.errors
    found = session.scalar(sa.select(Role).where(Role.name == role))
    if found is None or not may_give(session, found):
        errors["role"] = _("There is no such role.")
    if "email" in values and has_user(session, values["email"]):
        errors["email"] = _("Somebody has this e-mail address already.")
    secret = None
    if password is not None:
        try:
            secret = hashed(password, email=values.get("email", ""), name=values.get("name", ""))
        except ValidationError as error:
            errors |= error.errors
    if errors or found is None:
        raise ValidationError(**errors)
    user = User(**values, password=secret, fs_uniquifier=uuid.uuid4().hex, roles=[found])
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise ValidationError(email=_("Somebody has this e-mail address already.")) from None
    note(session, CREATED, user, {"email": (None, user.email), "role": (None, role)})
    return user


def describe(session: Session, user: User, name: str, email: str) -> None:
    """Give ``user`` another name and another e-mail address. Links that were sent to the earlier address end.

    Raises:
        ValidationError: on ``name`` and ``email``.
    """
    errors: dict[str, object] = {}
    before = {"name": user.name, "email": user.email}
    after = dict(before)
    for field, normal, text in (("name", normal_name, name), ("email", normal_email, email)):
        try:
            after[field] = normal(text)
        except ValidationError as error:
            errors |= error.errors
    if after["email"] != user.email and has_user(session, after["email"]):
        errors["email"] = _("Somebody has this e-mail address already.")
    if errors:
        raise ValidationError(**errors)
    user.name, user.email = after["name"], after["email"]
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise ValidationError(email=_("Somebody has this e-mail address already.")) from None
    if before["email"] != user.email:
        links.end(session, user, links.REPLACED)
    changes = {field: (before[field], after[field]) for field in before if before[field] != after[field]}
    if changes:
        note(session, CHANGED, user, changes)


def set_password(session: Session, user: User, password: str, *, act: str = PASSWORD_CHANGED) -> None:
    """Give ``user`` another password; all of the user's browsers are signed out, and links to the account end.

    Args:
        session: the unit of work.
        user: whose password.
        password: the new one.
        act: how the audit calls it where there was one before.

    Raises:
        ValidationError: on ``password``.
    """
    first = user.password is None
    user.password = hashed(password, email=user.email, name=user.name)
    note(session, PASSWORD_CHOSEN if first else act, user)
    _end_sessions(session, user)


def set_role(session: Session, user: User, role: str) -> None:
    """Give ``user`` the role called ``role`` instead of the present ones; it counts from the next request.

    Raises:
        ValidationError: on ``role``.
        Blocked: nobody else could administer the installation.
    """
    set_roles(session, user, {role})


def set_roles(session: Session, user: User, names: set[str]) -> None:
    """Give ``user`` the roles of these names instead of the present ones; they count from the next request.

    Raises:
        ValidationError: on ``role``: there is none, or the actor would give or take more than he has.
        Blocked: nobody else could administer the installation.
    """
    found = list(session.scalars(sa.select(Role).where(Role.name.in_(names)).order_by(Role.id)))
    if not names or len(found) < len(names):
        raise ValidationError(role=_("There is no such role."))
    if any(not may_give(session, role) for role in {*found} ^ {*user.roles}):
        raise ValidationError(role=_("You cannot give or take a role that may do more than you."))
    if ADMINISTRATOR not in names:
        _keep_an_administrator(session, user)
    before = sorted(role.name for role in user.roles)
    user.roles = found
    if sorted(names) != before:
        note(session, ROLES_CHANGED, user, {"roles": (", ".join(before), ", ".join(sorted(names)))})
    session.flush()


def deactivate(session: Session, user: User) -> None:
    """Keep ``user`` from signing in, and end all of the user's browsers and access tokens. What the user wrote stays.

    Raises:
        Blocked: nobody else could administer the installation.
    """
    _keep_an_administrator(session, user)
    user.active = False
    note(session, DEACTIVATED, user)
    tokens.revoke_all(session, user)
    _end_sessions(session, user)


def reactivate(session: Session, user: User) -> None:
    """Let ``user`` sign in again."""
    user.active = True
    note(session, REACTIVATED, user)
    session.flush()


def seed_roles(session: Session) -> None:
    """Add the built-in roles that are missing. Bears being repeated, by several processes at once too."""
    for name in (ADMINISTRATOR, USER):
        if session.scalar(sa.select(Role.id).where(Role.name == name)) is None:
            try:
                with session.begin_nested():
                    session.add(Role(name=name, permissions=[]))
            except IntegrityError:
                continue  # another process was faster


def has_user(session: Session, email: str) -> bool:
    """Whether somebody has this e-mail address."""
    return session.scalar(sa.select(User.id).where(User.email == email.strip().lower())) is not None


def lock_administrators(session: Session) -> None:
    """Wait until no other transaction changes who administers. SQLite writers wait for each other anyway."""
    session.execute(sa.select(Role.id).where(Role.name == ADMINISTRATOR).with_for_update())


def has_administrator(session: Session, *, besides: User | None = None, active: bool = False) -> bool:
    """Whether anybody, ``besides`` left aside, has the role administrator, counting only the ``active`` if so asked."""
    statement = sa.select(User.id).where(User.roles.any(Role.name == ADMINISTRATOR))
    if besides is not None:
        statement = statement.where(User.id != besides.id)
    if active:
        statement = statement.where(User.active.is_(True))
    return session.scalar(statement.limit(1)) is not None


def _keep_an_administrator(session: Session, user: User) -> None:
    lock_administrators(session)
    if user.is_administrator and not has_administrator(session, besides=user, active=True):
        raise Blocked(_("This is the last administrator. Make somebody else administrator first."))


def _end_sessions(session: Session, user: User) -> None:
    user.fs_uniquifier = uuid.uuid4().hex
    sessions.end_all(session, user)
    links.end(session, user, links.REPLACED)
    session.flush()
