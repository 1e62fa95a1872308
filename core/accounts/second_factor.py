"""The second step of a sign-in: a code that an app on the telephone shows for half a minute (TOTP, RFC 6238), or one of
ten recovery codes.

A code works once: the time step it was made for is kept, and only later ones are accepted. Recovery codes are stored as
hashes, and their row goes with their use. Nothing here commits: the caller's unit of work does.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import time
from typing import Any

import pyotp
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts import sessions
from core.accounts.acts import NEW_CODES, RECOVERY_CODE_USED, TWO_FACTOR_OFF, TWO_FACTOR_ON, note
from core.accounts.models import Base, Role, User, now
from core.accounts.passkeys import Passkey
from core.config import Config
from core.database.keyring import Place
from core.database.secrets import Secrets
from core.database.types import UtcDateTime
from core.records.audit import record_act
from core.text import latin_digits

STEP = 30  # seconds that a code is shown
DRIFT = 1  # steps that the clock of a telephone may be off
DIGITS = 6
CODES = 10
# 80 bits, so a plain digest of a code cannot be guessed back; without letters that look alike.
CODE_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_GROUPS, GROUP_LENGTH = 4, 4


class SecondFactor(Base):
    """The app of one user. Until the user has typed a first code it does not count (``User.two_factor_at``)."""

    __tablename__ = "core_second_factor"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class RecoveryCode(Base):
    """A code for the day the telephone is lost."""

    __tablename__ = "core_recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("core_user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)


def place_of(user_id: int) -> Place:
    """Where the key of a user's app is kept."""
    return Place("core_second_factor", str(user_id), "key")


def begin(session: Session, config: Config, user: User) -> str:
    """Make a key for the app of ``user``, instead of one that was never confirmed.

    Returns:
        The key in base32, for the app.

    Raises:
        SecretError: it cannot be stored.
    """
    key = pyotp.random_base32()
    session.execute(sa.delete(SecondFactor).where(SecondFactor.user_id == user.id))
    session.add(SecondFactor(user_id=user.id))
    session.flush()
    Secrets(config).keep(session.connection(), place_of(user.id), key)
    return key


def begun(session: Session, config: Config, user: User) -> str | None:
    """The key that waits for its first code, or None.

    Raises:
        SecretError: it cannot be opened.
    """
    if user.two_factor_at is not None:
        return None
    return Secrets(config).read(session, place_of(user.id))


def address_of(config: Config, user: User, key: str) -> str:
    """What the QR code holds: who the key is for, in the words of the app's list."""
    host = config.public_url.partition("://")[2].partition("/")[0].partition(":")[0]
    return str(pyotp.TOTP(key).provisioning_uri(name=user.email, issuer_name=f"Peyvand {host}"))


def confirm(session: Session, config: Config, user: User, code: str, *, browser: str | None) -> list[str] | None:
    """Switch the second step on for ``user`` if ``code`` is the app's; every browser but that of ``browser`` is out.

    Args:
        session: the unit of work.
        config: the installation's, which has the keys.
        user: whose.
        code: what the app shows.
        browser: the token of the browser that stays signed in.

    Returns:
        The recovery codes, to be shown once; None where the code is not right.
    """
    if user.two_factor_at is not None or not _is_totp(session, config, user, code):
        return None
    user.two_factor_at = now()
    note(session, TWO_FACTOR_ON, user)
    sessions.end_all(session, user, but=browser)
    return _write_codes(session, user)


def renew_codes(session: Session, user: User) -> list[str]:
    """Ten new recovery codes for ``user``, to be shown once; the earlier ones are worth nothing any more."""
    note(session, NEW_CODES, user)
    return _write_codes(session, user)


def switch_off(session: Session, user: User) -> None:
    """Forget the app, the recovery codes and the passkeys of ``user``."""
    if user.two_factor_at is not None:
        note(session, TWO_FACTOR_OFF, user)
    user.two_factor_at = None
    session.execute(sa.delete(SecondFactor).where(SecondFactor.user_id == user.id))
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    session.execute(sa.delete(Passkey).where(Passkey.user_id == user.id))
    Secrets.forget(session.connection(), place_of(user.id))
    session.flush()


def is_code(session: Session, config: Config, user: User, code: str) -> bool:
    """Whether ``code`` is one of the app's that was not used yet, or a recovery code; it is used up by this.

    Raises:
        SecretError: the app's key cannot be opened; recovery codes are accepted nevertheless.
    """
    if user.two_factor_at is None:
        return False
    return _is_recovery_code(session, user, code) or _is_totp(session, config, user, code)


def codes_left(session: Session, user: User) -> int:
    """How many recovery codes ``user`` has."""
    count: Any = session.scalar(sa.select(sa.func.count()).where(RecoveryCode.user_id == user.id))
    return int(count)


def must_enrol(user: User) -> bool:
    """Whether a role of ``user`` requires the second step, and there is none yet."""
    return user.two_factor_at is None and any(role.two_factor_required for role in user.roles)


def require_of(session: Session, role: Role, *, required: bool) -> None:
    """Require the second step of whoever has ``role``, or not; it counts from everybody's next request."""
    if role.two_factor_required != required:
        changes = {"role": (None, role.name), "two_factor_required": (role.two_factor_required, required)}
        record_act(session, "core.role", "changed", changes)
        role.two_factor_required = required
        session.flush()


def _is_totp(session: Session, config: Config, user: User, code: str) -> bool:
    typed = "".join(latin_digits(code).split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return False
    key = Secrets(config).read(session, place_of(user.id))
    if key is None:
        return False
    totp, here = pyotp.TOTP(key), int(time.time()) // STEP
    steps = range(here - DRIFT, here + DRIFT + 1)
    right = [step for step in steps if hmac.compare_digest(totp.at(step * STEP), typed)]
    if not right:
        return False
    used = (
        sa.update(SecondFactor)
        .where(SecondFactor.user_id == user.id, SecondFactor.last_step < right[-1])
        .values(last_step=right[-1])
    )
    # Of two requests at once the second one finds the step taken.
    return bool(session.connection().execute(used).rowcount)


def _is_recovery_code(session: Session, user: User, code: str) -> bool:
    plain = _plain(code)
    if len(plain) != CODE_GROUPS * GROUP_LENGTH:
        return False
    used = sa.delete(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == sessions.token_hash(f"{user.id}:{plain}")
    )
    if not session.connection().execute(used).rowcount:
        return False
    note(session, RECOVERY_CODE_USED, user, {"left": (None, codes_left(session, user))})
    return True


def _write_codes(session: Session, user: User) -> list[str]:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["-".join(_group() for _ in range(CODE_GROUPS)) for _ in range(CODES)]
    hashes = [sessions.token_hash(f"{user.id}:{_plain(code)}") for code in codes]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=code_hash) for code_hash in hashes)
    session.flush()
    return codes


def _group() -> str:
    return "".join(secrets.choice(CODE_SIGNS) for _ in range(GROUP_LENGTH))


def _plain(code: str) -> str:
    return "".join(sign for sign in latin_digits(code).lower() if sign in CODE_SIGNS)
