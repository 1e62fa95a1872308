"""Which account a person of a provider is.

They are tied by issuer and subject: an address may be given to another person, a subject never is (OIDC Core, 5.7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.acts import TIED, UNTIED, note
from core.accounts.models import Base, User, now
from core.accounts.openid import Claims
from core.accounts.users import create_user, has_user, normal_email
from core.config import Config
from core.database.types import UtcDateTime
from core.errors import Blocked, ValidationError


class OutsideIdentity(Base):
    """That a user is the person whom a provider calls ``subject``."""

    __tablename__ = "core_outside_identity"
    __table_args__ = (
        sa.UniqueConstraint("issuer", "subject", name="uq_core_outside_identity_issuer"),
        sa.UniqueConstraint("user_id", "issuer", name="uq_core_outside_identity_user_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"))
    issuer: Mapped[str] = mapped_column(sa.String(255))
    subject: Mapped[str] = mapped_column(sa.String(255))
    tied_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


def user_of(session: Session, config: Config, claims: Claims) -> User:
    """The active user who is the person of ``claims``: tied already, or tied now by the verified address.

    Whoever is unknown gets an account where the configuration names a role for it.

    Raises:
        Blocked: nobody is, or may be; the sentence is for the person.
    """
    refused = Blocked(_("There is no account for you here. Ask an administrator for an invitation."))
    tied = session.scalar(
        sa.select(User)
        .join(OutsideIdentity, OutsideIdentity.user_id == User.id)
        .where(OutsideIdentity.issuer == claims.issuer, OutsideIdentity.subject == claims.subject)
    )
    if tied is not None:
        if not tied.active:
            raise refused
        return tied
    if not claims.email:
        raise Blocked(_("The provider has not verified your e-mail address."))
    if config.oidc_domains and claims.email.rpartition("@")[2] not in config.oidc_domains:
        raise refused
    try:
        address = normal_email(claims.email)
    except ValidationError:
        raise refused from None
    user = session.scalar(sa.select(User).where(User.email == address))
    if user is None:
        if not config.oidc_new_users or has_user(session, address):
            raise refused
        try:
            user = create_user(session, address, claims.name or address.partition("@")[0], None, config.oidc_new_users)
        except ValidationError:
            raise refused from None
    if not user.active:
        raise refused
    try:
        with session.begin_nested():
            session.add(OutsideIdentity(user_id=user.id, issuer=claims.issuer, subject=claims.subject))
    except IntegrityError:
        # The address belongs to somebody whom the provider calls otherwise: it was given to another person.
        raise refused from None
    note(session, TIED, user, {"issuer": (None, claims.issuer)})
    return user


def identities_of(session: Session, user: User) -> Sequence[OutsideIdentity]:
    """The persons of providers that ``user`` is."""
    return session.scalars(sa.select(OutsideIdentity).where(OutsideIdentity.user_id == user.id)).all()


def untie(session: Session, user: User) -> None:
    """Let no provider speak for ``user`` any more, until the next sign-in through one."""
    for identity in identities_of(session, user):
        note(session, UNTIED, user, {"issuer": (identity.issuer, None)})
        session.delete(identity)
    session.flush()
