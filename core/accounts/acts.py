"""What happens to accounts stands in the audit: who signed in or failed to, who changed what of whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import User, now
from core.records import events
from core.records.audit import record_act

SIGNED_IN, SIGN_IN_FAILED, SIGNED_OUT = "signed_in", "sign_in_failed", "signed_out"
PASSWORD_CHOSEN, PASSWORD_CHANGED, PASSWORD_RESET = "password_chosen", "password_changed", "password_reset"
TWO_FACTOR_ON, TWO_FACTOR_OFF, NEW_CODES = "two_factor_on", "two_factor_off", "recovery_codes_made"
RECOVERY_CODE_USED = "recovery_code_used"
SESSIONS_ENDED = "sessions_ended"
CREATED, CHANGED, ROLES_CHANGED, DEACTIVATED, REACTIVATED = (
    "created", "changed", "roles_changed", "deactivated", "reactivated",
)  # fmt: skip
VIEWED_AS, VIEWED_AS_ENDED = "viewed_as", "viewed_as_ended"
PASSKEY_ADDED, PASSKEY_REMOVED = "passkey_added", "passkey_removed"
TIED, UNTIED = "tied_to_provider", "untied"
TOKEN_MADE, TOKEN_REVOKED, TOKEN_REFUSED = "token_made", "token_revoked", "token_refused"
INVITED, INVITATION_REVOKED, RESET_ASKED = "invited", "invitation_revoked", "reset_asked"


OPENS = frozenset(
    {PASSWORD_CHANGED, PASSWORD_RESET, TWO_FACTOR_ON, TWO_FACTOR_OFF, NEW_CODES, RECOVERY_CODE_USED, PASSKEY_ADDED,
     PASSKEY_REMOVED, TIED, UNTIED, TOKEN_MADE}
)  # fmt: skip
"""What changes how an account is opened: its owner hears of it, whoever did it."""


def note(
    session: Session, action: str, user: User | None, changes: Mapping[str, tuple[Any, Any]] | None = None
) -> None:
    """Write an act on the account of ``user`` into the audit, for the current actor and in the current transaction.

    What changes how the account is opened becomes an event as well, of which its owner is told.

    Args:
        session: the unit of work.
        action: one of the names above.
        user: whose account; None where somebody tried one that does not exist.
        changes: what else to tell, as old and new values; never a secret.
    """
    told = changes or {}
    record_act(session, "core.user", action, {"user": (None, user), **told})
    if user is not None and (action in OPENS or "email" in told and action == CHANGED):
        data = {
            "action": action,
            "at": now(),
            "address": acting().address or (request.remote_addr if has_request_context() else "") or "",
            "browser": request.user_agent.string[:200] if has_request_context() else "",
            "email": told["email"][0] if "email" in told else "",
        }
        events.write_event(session, events.ACCOUNT_CHANGED, "core.user", user.id, data)
