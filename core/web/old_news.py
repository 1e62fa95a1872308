"""Old notifications, mails, told events and keys of sent forms, which nobody looks at any more, are removed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from core.accounts.links import LIFETIMES
from core.accounts.models import now
from core.database.secrets import SECRETS
from core.mail.models import DONE, MAILS
from core.notifications.models import Notification
from core.records.events import OutboxEvent, told_long_ago
from core.records.submissions import forget_old
from core.site.site import session

REMOVE_OLD_NEWS = "core.remove_old_news"
KEPT = dt.timedelta(days=90)
LINKS_KEPT = max(LIFETIMES.values())
BATCH = 1000


def remove_old_news(progress: Any) -> int:
    """The job that removes what was read or sent long ago, and what waits unread for twice as long. Returns how many.

    A mail keeps its key as long as its notification may be told again, which is far shorter.
    """
    before, long_before = now() - KEPT, now() - 2 * KEPT
    read = sa.and_(Notification.read_at < before, Notification.created_at < before)
    notifications = sa.select(Notification.id).where(sa.or_(read, Notification.created_at < long_before))
    mails = sa.select(MAILS.c.id).where(MAILS.c.state == DONE, MAILS.c.created_at < before)
    removed = 0
    # A link that never left is worth nothing any more, and its mail need not hold it.
    never_left = SECRETS.c.table_name == MAILS.name, SECRETS.c.changed_at < now() - LINKS_KEPT
    session.connection().execute(sa.delete(SECRETS).where(*never_left))
    session.commit()
    for table, old in (
        (Notification.__table__, notifications), (MAILS, mails), (OutboxEvent.__table__, told_long_ago()),
    ):  # fmt: skip
        while ids := session.scalars(old.limit(BATCH)).all():
            session.connection().execute(sa.delete(table).where(table.c.id.in_(ids)))  # type: ignore[arg-type]
            session.commit()
            removed += len(ids)
            progress.report(removed)
    forget_old(session)
    return removed
