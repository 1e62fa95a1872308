"""What happens to accounts stands in the audit: who signed in or failed to, who changed what of whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from core.accounts.models import User
from core.records.audit import record_act

SIGNED_IN, SIGN_IN_FAILED, SIGNED_OUT = "signed_in", "sign_in_failed", "signed_out"
PASSWORD_CHANGED, PASSWORD_RESET = "password_changed", "password_reset"
TWO_FACTOR_ON, TWO_FACTOR_OFF, NEW_CODES = "two_factor_on", "two_factor_off", "recovery_codes_made"
RECOVERY_CODE_USED = "recovery_code_used"
SESSIONS_ENDED = "sessions_ended"
CREATED, CHANGED, ROLES_CHANGED, DEACTIVATED, REACTIVATED = (
    "created", "changed", "roles_changed", "deactivated", "reactivated",
)  # fmt: skip
VIEWED_AS, VIEWED_AS_ENDED = "viewed_as", "viewed_as_ended"
PASSKEY_ADDED, PASSKEY_REMOVED = "passkey_added", "passkey_removed"
TIED, UNTIED = "tied_to_provider", "untied"
INVITED, INVITATION_REVOKED, RESET_ASKED = "invited", "invitation_revoked", "reset_asked"


def note(
    session: Session, action: str, user: User | None, changes: Mapping[str, tuple[Any, Any]] | None = None
) -> None:
    """Write an act on the account of ``user`` into the audit, for the current actor and in the current transaction.

    Args:
        session: the unit of work.
        action: one of the names above.
        user: whose account; None where somebody tried one that does not exist.
        changes: what else to tell, as old and new values; never a secret.
    """
    record_act(session, "core.user", action, {"user": (None, user), **(changes or {})})
