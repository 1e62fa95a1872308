"""Mails to the owner of an account when something changes about how it is opened: no such change goes unnoticed.

It cannot be switched off, and of another e-mail address both the new and the old one hear.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts import acts
from core.accounts.models import SignIn, User
from core.mail.outbox import send_mail
from core.mail.server import has_server
from core.parts import Event
from core.records.events import ACCOUNT_CHANGED
from core.site.reader import preferences, reading_as
from core.site.site import current_site, session

SENTENCES = {
    acts.PASSWORD_CHANGED: _l("The password was changed."),
    acts.PASSWORD_RESET: _l("The password was replaced by means of a link."),
    acts.TWO_FACTOR_ON: _l("Two-step sign-in was switched on."),
    acts.TWO_FACTOR_OFF: _l("Two-step sign-in was switched off, and passkeys were removed."),
    acts.NEW_CODES: _l("New recovery codes were made. The earlier ones are worth nothing any more."),
    acts.RECOVERY_CODE_USED: _l("Somebody signed in with one of the recovery codes."),
    acts.PASSKEY_ADDED: _l("A passkey was added."),
    acts.PASSKEY_REMOVED: _l("A passkey was removed."),
    acts.TIED: _l("The account can be opened through the sign-in provider now."),
    acts.UNTIED: _l("The account can no longer be opened through the sign-in provider."),
    acts.TOKEN_MADE: _l("An access token was made, with which a program acts for you."),
    acts.CHANGED: _l("The e-mail address was changed."),
}


def is_about_account(event: Event) -> bool:
    """Whether a fact is about how an account is opened."""
    return event.name == ACCOUNT_CHANGED


def tell_owner(event: Event) -> None:
    """Write to the owner of the account, and to the address that was the owner's until now."""
    config, data = current_site().runtime.config, event.data
    user = session.get(User, event.record_id)
    if user is None or not user.active or not has_server(session, config):
        return
    by = session.get(User, event.actor_id) if event.actor_id not in (None, user.id) else None
    with reading_as(user):
        context = {
            "name": user.name,
            "site": config.public_url.partition("://")[2],
            "sentence": SENTENCES[data["action"]],
            "email": user.email if data["email"] else "",
            "by": str(by) if by is not None else "",
            "at": dt.datetime.fromisoformat(data["at"]),
            "address": data["address"],
            "browser": SignIn(browser=data["browser"]).browser_name,
            "url": f"{config.public_url}/forgot",
        }
        _write(event, user, user.email, context, "")
        if data["email"]:
            # Whoever took the account over has its new address, and its owner the old one.
            _write(event, user, data["email"], context, "-before")


def _write(event: Event, user: User, address: str, context: dict[str, Any], which: str) -> None:
    send_mail(
        session,
        key=f"account-{event.id}{which}",
        address=address,
        subject=_("Your account at %(site)s was changed", site=context["site"]),
        text=render_template("core/mail/account.txt", **context),
        html=render_template("core/mail/account.html", **context),
        language=preferences().language,
        user_id=user.id,
    )
