"""Notifications that go out by mail: one at once, or all of a day in one in the reader's morning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import render_template
from flask_babel import gettext as _

from core.accounts.actor import acting_as
from core.accounts.models import User, now
from core.accounts.rights import actor_of
from core.mail.outbox import send_mail
from core.mail.server import has_server
from core.notifications.models import Notification
from core.parts import DIGEST
from core.site.formats import format_local_date
from core.site.reader import preferences, reading_as
from core.site.site import current_site, session
from core.web.told import Told, path_to, told

SEND_DIGESTS = "core.send_digests"
MORNING = dt.time(8)
OLDEST = dt.timedelta(days=3)  # what waited longer, because mail was off, is no news
MOST_LINES = 100
BATCH = 200  # people in one run


def mail_notification(progress: Any, notification: int) -> bool:
    """The job that mails one notification to whoever it is for; False where there is nobody to mail it to any more."""
    row = session.get(Notification, notification)
    user = session.get(User, row.user_id) if row is not None else None
    if row is None or user is None or not user.active or row.mailed_at is not None:
        return False
    with acting_as(actor_of(user, source="job")), reading_as(user):
        entries = told([row])
        written = _write(user, entries, entries[0].text, key=f"notification-{row.id}")
    row.mailed_at = now()
    return written


def send_digests(progress: Any) -> int:
    """The job that writes to everybody whose morning it is what came since the last one. Returns how many mails."""
    if not has_server(session, current_site().runtime.config):
        return 0
    written, last = 0, 0
    while True:
        waiting = sa.exists().where(
            Notification.user_id == User.id, Notification.channel == DIGEST, Notification.mailed_at.is_(None)
        )
        people = session.scalars(sa.select(User).where(User.id > last, waiting).order_by(User.id).limit(BATCH)).all()
        for user in people:
            written += _send_digest(user)
            # Each mail with what it holds, so that a run that is cut off repeats nothing.
            session.commit()
        if len(people) < BATCH:
            return written
        last = people[-1].id


def _send_digest(user: User) -> bool:
    with acting_as(actor_of(user, source="job")), reading_as(user):
        local = now().astimezone(ZoneInfo(preferences().timezone))
        if local.time() < MORNING:
            return False
        rows = session.scalars(
            sa.select(Notification)
            .where(Notification.user_id == user.id, Notification.channel == DIGEST, Notification.mailed_at.is_(None))
            .order_by(Notification.id)
            .limit(MOST_LINES)
        ).all()
        news = [row for row in rows if row.read_at is None and row.created_at > now() - OLDEST]
        subject = _("What is new, %(day)s", day=format_local_date(local.date()))
        key = f"digest-{user.id}-{local.date().isoformat()}"
        written = bool(news) and user.active and _write(user, told(news), subject, key=key)
    if written or not news or not user.active:
        for row in rows:
            row.mailed_at = now()
    return written


def _write(user: User, entries: Sequence[Told], subject: str, *, key: str) -> bool:
    """Write a mail of ``entries`` down; False where it was already."""
    public = urlsplit(current_site().runtime.config.public_url)
    # Paths hold the prefix under which the site is reached, if there is one.
    base = f"{public.scheme}://{public.netloc}"
    context = {
        "entries": entries,
        "base": base,
        "inbox_url": base + path_to("notifications.listing"),
        "choices_url": f"{base}{path_to('profile.index')}#notifications",
    }
    return send_mail(
        session,
        key=key,
        address=user.email,
        subject=subject,
        text=render_template("core/mail/notifications.txt", **context),
        html=render_template("core/mail/notifications.html", **context),
        language=preferences().language,
        user_id=user.id,
    )
