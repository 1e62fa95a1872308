"""Passkeys (W3C Web Authentication): keys in a telephone, a computer or a stick, which sign for this site alone.

A passkey asks its owner for a finger, a face or a number, so it stands for both steps of a sign-in. People add one once
two-step sign-in is on, which leaves them the app and the recovery codes for the day the passkey is not there. A
challenge is used once. Nothing here commits: the caller's unit of work does.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import json
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.acts import PASSKEY_ADDED, PASSKEY_REMOVED, note
from core.accounts.models import Base, User, now
from core.accounts.sessions import token_hash
from core.config import Config
from core.database.types import UtcDateTime
from core.errors import Blocked
from core.text import clean

LIFETIME = dt.timedelta(minutes=5)
LONGEST_ANSWER = 20_000  # characters of what an authenticator says
LONGEST_NAME = 80
MOST = 20  # passkeys of one user


class Passkey(Base):
    """One passkey. ``credential_hash`` is how it is found, since its own name may be a thousand bytes long."""

    __tablename__ = "core_passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    credential_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    credential_id: Mapped[str] = mapped_column(sa.Text)
    public_key: Mapped[str] = mapped_column(sa.Text)
    sign_count: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PasskeyChallenge(Base):
    """A challenge that waits for its answer; ``user_id`` is who may answer, and empty where anybody may."""

    __tablename__ = "core_passkey_challenge"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    challenge: Mapped[str] = mapped_column(sa.String(100))
    adds: Mapped[bool] = mapped_column(default=False)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"))
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)


def are_possible(config: Config) -> bool:
    """Whether browsers offer passkeys for this installation's address: a name, reached by https or on this machine."""
    parts = urlsplit(config.public_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return parts.scheme == "https" or host == "localhost"
    return False


def of_user(session: Session, user: User) -> Sequence[Passkey]:
    """The passkeys of ``user``, the oldest first."""
    return session.scalars(sa.select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)).all()


def begin_adding(session: Session, config: Config, user: User) -> tuple[str, dict[str, Any]]:
    """A challenge for a new passkey of ``user``: its token, and the options for the browser.

    Raises:
        Blocked: there are many already.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    present = of_user(session, user)
    if len(present) >= MOST:
        raise Blocked(_("You have many passkeys already. Remove one first."))
    token, challenge = _challenge(session, user, adds=True)
    options = generate_registration_options(
        rp_id=_host(config),
        rp_name="Peyvand",
        user_name=user.email,
        user_display_name=user.name,
        user_id=_handle(user),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=_bytes(known.credential_id)) for known in present],
    )
    return token, json.loads(options_to_json(options))


def add(session: Session, config: Config, user: User, token: str, answer: str, name: str) -> Passkey:
    """Keep the passkey that answered the challenge.

    Args:
        session: the unit of work.
        config: the installation's.
        user: whose passkey.
        token: what ``begin_adding`` returned.
        answer: what the browser's authenticator said, as JSON.
        name: what its owner calls it.

    Raises:
        Blocked: it is no answer to this challenge, or the passkey is known already.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    refused = Blocked(_("The passkey could not be added. Please try again."))
    challenge = _use(session, token, adds=True)
    if challenge is None or challenge.user_id != user.id or len(answer) > LONGEST_ANSWER:
        raise refused
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=_bytes(challenge.challenge),
            expected_rp_id=_host(config),
            expected_origin=_origin(config),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError) as error:
        raise refused from error
    passkey = Passkey(
        user_id=user.id,
        credential_hash=hashlib.sha256(verified.credential_id).hexdigest(),
        credential_id=_text(verified.credential_id),
        public_key=_text(verified.credential_public_key),
        sign_count=verified.sign_count,
        name=" ".join(clean(name).split())[:LONGEST_NAME] or _("Passkey"),
    )
    try:
        with session.begin_nested():
            session.add(passkey)
    except IntegrityError:
        raise refused from None
    note(session, PASSKEY_ADDED, user, {"name": (None, passkey.name)})
    return passkey


def remove(session: Session, user: User, number: int) -> bool:
    """Forget one passkey of ``user``; False where it is not the user's."""
    found = session.scalar(sa.select(Passkey).where(Passkey.id == number, Passkey.user_id == user.id))
    if found is None:
        return False
    note(session, PASSKEY_REMOVED, user, {"name": (found.name, None)})
    session.delete(found)
    session.flush()
    return True


def begin_entering(session: Session, config: Config, user: User | None) -> tuple[str, dict[str, Any]]:
    """A challenge for a sign-in: its token, and the options for the browser.

    Args:
        session: the unit of work.
        config: the installation's.
        user: who has shown a password already; None for anybody, whose passkey then says who it is.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    token, challenge = _challenge(session, user, adds=False)
    known = of_user(session, user) if user is not None else ()
    options = generate_authentication_options(
        rp_id=_host(config),
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=_bytes(one.credential_id)) for one in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return token, json.loads(options_to_json(options))


def enter(session: Session, config: Config, token: str, answer: str) -> User | None:
    """The active user whose passkey answered the challenge; None where it is no answer to it.

    Args:
        session: the unit of work.
        config: the installation's.
        token: what ``begin_entering`` returned; it is used up by this.
        answer: what the browser's authenticator said, as JSON.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = _use(session, token, adds=False)
    if challenge is None or len(answer) > LONGEST_ANSWER:
        return None
    try:
        credential = parse_authentication_credential_json(answer)
        hashed = hashlib.sha256(credential.raw_id).hexdigest()
        passkey = session.scalar(sa.select(Passkey).where(Passkey.credential_hash == hashed))
        user = session.get(User, passkey.user_id) if passkey is not None else None
        if passkey is None or user is None or not user.active or challenge.user_id not in (None, user.id):
            return None
        handle = credential.response.user_handle
        if handle is not None and handle != _handle(user):
            return None
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=_bytes(challenge.challenge),
            expected_rp_id=_host(config),
            expected_origin=_origin(config),
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, TypeError, KeyError):
        return None
    passkey.sign_count, passkey.used_at = verified.new_sign_count, now()
    session.flush()
    return user


def _challenge(session: Session, user: User | None, *, adds: bool) -> tuple[str, bytes]:
    session.execute(sa.delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= now()))
    token, challenge = secrets.token_urlsafe(32), secrets.token_bytes(32)
    session.add(
        PasskeyChallenge(
            token_hash=token_hash(token),
            challenge=_text(challenge),
            adds=adds,
            user_id=user.id if user is not None else None,
            expires_at=now() + LIFETIME,
        )
    )
    session.flush()
    return token, challenge


def _use(session: Session, token: str, *, adds: bool) -> PasskeyChallenge | None:
    """The challenge, which of several requests at once one gets."""
    found: PasskeyChallenge | None = session.scalar(
        sa.select(PasskeyChallenge).where(
            PasskeyChallenge.token_hash == token_hash(token),
            PasskeyChallenge.adds.is_(adds),
            PasskeyChallenge.expires_at > now(),
        )
    )
    used = sa.delete(PasskeyChallenge).where(PasskeyChallenge.token_hash == token_hash(token))
    if found is None or not session.connection().execute(used).rowcount:
        return None
    session.expunge(found)
    return found


def forget_challenge(session: Session, token: str) -> None:
    """Let nobody answer the challenge any more."""
    session.execute(sa.delete(PasskeyChallenge).where(PasskeyChallenge.token_hash == token_hash(token)))


def _host(config: Config) -> str:
    return urlsplit(config.public_url).hostname or ""


def _origin(config: Config) -> str:
    parts = urlsplit(config.public_url)
    return f"{parts.scheme}://{parts.netloc}"


def _handle(user: User) -> bytes:
    """What an authenticator calls the user: it names nobody, and stays when the address changes."""
    return f"user {user.id}".encode()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
