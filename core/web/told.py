"""Notifications as their reader sees them: the sentence in the reader's language, and where it leads."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, has_request_context, url_for
from flask_babel import gettext as _

from core.notifications.choices import types
from core.notifications.models import Notification
from core.parts import NotificationType
from core.records.naming import find_records
from core.records.policy import may
from core.site.site import current_site, session

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """One notification, ready to be shown."""

    id: int
    text: str
    icon: str
    label: str
    at: dt.datetime
    is_new: bool
    url: str
    type: str
    record_type: str
    record_id: int | None


def told(notifications: Iterable[Notification]) -> list[Told]:
    """``notifications`` for the current reader; a record that the reader may not see (any more) is not named."""
    notifications = list(notifications)
    keys = [(row.record_type, row.record_id) for row in notifications if row.record_type and row.record_id is not None]
    records = find_records(session, keys)
    return [_one(row, records) for row in notifications]


def path_to(endpoint: str, **values: Any) -> str:
    """The path of a page, also in a job, where there is no request to take it from."""
    if has_request_context():
        return url_for(endpoint, **values)
    public = urlsplit(current_site().runtime.config.public_url)
    adapter = current_app.url_map.bind(public.netloc, script_name=public.path or "/", url_scheme=public.scheme)
    return adapter.build(endpoint, values)


def _page_of(record: Any) -> str:
    screen = current_site().screens.get(record.__record_type__)
    if screen is None or not may(screen.permission("see"), record):
        return ""
    return path_to(f"{screen.endpoint}.details_view", id=record.id)


def _one(row: Notification, records: Mapping[tuple[str, int], Any]) -> Told:
    kind = types().get(row.type)
    record = records.get((row.record_type or "", row.record_id or 0))
    url = _page_of(record) if record is not None else ""
    if kind is not None and kind.endpoint and not row.record_type:
        url = path_to(kind.endpoint)
    return Told(
        id=row.id,
        text=_sentence(row, kind, record),
        icon=kind.icon if kind is not None else "bell",
        label=str(kind.label) if kind is not None else "",
        at=row.created_at,
        is_new=row.read_at is None,
        url=url,
        type=row.type if kind is not None else "",
        record_type=row.record_type or "",
        record_id=row.record_id,
    )


def _sentence(row: Notification, kind: NotificationType | None, record: Any) -> str:
    if kind is None:
        return _("Something from a module that is switched off.")
    values: dict[str, Any] = {"record": str(record) if record is not None else _("a record that is not there any more")}
    template = str(kind.texts.get(row.text, ""))
    try:
        values |= kind.prepare(row.data) if kind.prepare is not None else row.data
        return template % values
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # A newer version of its plugin may want values that were not stored then.
        log.warning("The notification %s (%s) cannot be told.", row.id, row.type, exc_info=True)
        return str(kind.label)
