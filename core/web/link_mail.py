"""Mails with a link that opens an account, and the job that writes to whoever forgot a password."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import render_template
from flask_babel import gettext as _

from core.accounts import links
from core.accounts.acts import RESET_ASKED, note
from core.accounts.links import INVITATION, RESET, AccountLink
from core.accounts.models import User
from core.mail.outbox import send_mail
from core.mail.server import has_server
from core.site.reader import preferences, reading_as
from core.site.site import current_site, session

SEND_RESET = "core.send_reset"


def send_reset(progress: Any, email: str, language: str) -> bool:
    """The job that mails a link for a new password, if there is such a user.

    The request does the same for every address, so neither its answer nor its time tells who has an account.
    """
    user = session.scalar(sa.select(User).where(User.email == email, User.active.is_(True)))
    if user is None:
        return False
    link, token = links.make(session, user, RESET)
    note(session, RESET_ASKED, user)
    return mail_link(link, token, language)


def mail_link(link: AccountLink, token: str, language: str) -> bool:
    """Write a mail with the link, in the user's language, or else in ``language``; False where mail is off.

    Raises:
        SecretError: it cannot be sealed until it leaves.
    """
    config, user = current_site().runtime.config, link.user
    if not has_server(session, config):
        return False
    reader = SimpleNamespace(
        language=user.language or language, calendar=user.calendar, digits=user.digits, timezone=user.timezone
    )
    site = config.public_url.partition("://")[2]
    with reading_as(reader):
        context = {
            "invites": link.purpose == INVITATION,
            "name": user.name,
            "by": link.created_by.name if link.created_by else "",
            "url": links.address_of(config, link.purpose, token),
            "site": site,
            "expires_at": link.expires_at,
        }
        invited, forgot = _("You are invited to %(site)s", site=site), _("A new password for %(site)s", site=site)
        return send_mail(
            session,
            key=f"{link.purpose}-{link.id}",
            address=user.email,
            subject=invited if link.purpose == INVITATION else forgot,
            text=render_template("core/mail/link.txt", **context),
            html=render_template("core/mail/link.html", **context),
            language=preferences().language,
            user_id=user.id,
            private=True,
        )
