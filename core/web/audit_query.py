"""What is asked of the audit: filters read from an address, and pages found by their place.

Rows are ordered by time and number, which an index has for everybody's rows, for one person's and for one type's; so a
page costs the same wherever it lies among a million.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.admin.ids import read_id
from core.calendars import parse_date
from core.parts import Label
from core.records.audit import Audit
from core.records.catalog import current_catalog
from core.records.privacy.marks import told_changes
from core.site.reader import preferences

PER_PAGE = 50
NOBODY = "0"
SOURCES: dict[str, Label] = {
    "web": _l("In the browser"),
    "job": _l("By a job"),
    "command": _l("On the command line"),
    "import": _l("By an import"),
    "api": _l("By a program"),
}
KINDS: dict[str, Label] = {
    "core.user": _l("Account"),
    "core.role": _l("Role"),
    "core.team": _l("Team"),
    "core.module": _l("Module"),
    "core.setting": _l("Setting"),
    "core.mail_server": _l("Mail server"),
    "core.backup": _l("Backup"),
    "core.audit": _l("Audit"),
    "core.privacy": _l("Personal data"),
    "core.retention_rule": _l("Rule of retention"),
}
"""What is no record and stands in the audit all the same."""

COLUMNS: tuple[Any, ...] = (
    Audit.id, Audit.at, Audit.actor_id, Audit.actor_name, Audit.source, Audit.address, Audit.reason, Audit.operation,
    Audit.record_type, Audit.record_id, Audit.action, told_changes(),
)  # fmt: skip


@dataclass(frozen=True)
class AuditQuery:
    """The filters of one page, each empty where it does not count. ``errors`` are sentences about what was typed."""

    person: str = ""
    kind: str = ""
    record: str = ""
    action: str = ""
    source: str = ""
    operation: str = ""
    since: str = ""
    until: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, arguments: Mapping[str, str]) -> AuditQuery | None:
        """The filters of an address; None where one of them names nothing that there is."""
        names = ("person", "kind", "record", "action", "source", "operation", "since", "until")
        asked = {name: arguments.get(name, "").strip()[:80] for name in names}
        known = (
            (asked["person"] in ("", NOBODY) or read_id(asked["person"]) is not None)
            and (not asked["kind"] or asked["kind"] in KINDS or asked["kind"] in current_catalog())
            and (not asked["record"] or read_id(asked["record"]) is not None)
            and (not asked["source"] or asked["source"] in SOURCES)
            and all(sign.isalnum() or sign == "_" for sign in asked["action"] + asked["operation"])
        )
        if not known:
            return None
        unread = [name for name in ("since", "until") if asked[name] and _day(asked[name]) is None]
        errors = {name: _("This is no date.") for name in unread}
        return cls(**asked, errors=errors)

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of the address."""
        names = ("person", "kind", "record", "action", "source", "operation", "since", "until")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def statement(self) -> sa.Select[Any]:
        """The rows asked for, in no order."""
        wanted = sa.select(*COLUMNS)
        if self.person:
            person = Audit.actor_id.is_(None) if self.person == NOBODY else Audit.actor_id == int(self.person)
            wanted = wanted.where(person)
        for column, value in (
            (Audit.record_type, self.kind),
            (Audit.action, self.action),
            (Audit.source, self.source),
            (Audit.operation, self.operation),
        ):
            if value:
                wanted = wanted.where(column == value)
        if self.record:
            wanted = wanted.where(Audit.record_id == int(self.record))
        if first := _day(self.since):
            wanted = wanted.where(Audit.at >= _midnight(first))
        if last := _day(self.until):
            wanted = wanted.where(Audit.at < _midnight(last + dt.timedelta(days=1)))
        return wanted


@dataclass(frozen=True)
class Page:
    """Rows of one page, newest first, and the rows beside which the pages before and after it lie."""

    rows: Sequence[Any]
    newer: int | None
    older: int | None


def find_page(session: Session, query: AuditQuery, before: int | None, after: int | None) -> Page:
    """The page of older rows than ``before``, of newer ones than ``after``, or the newest."""
    beside = before if before is not None else after
    place = session.execute(sa.select(Audit.at, Audit.id).where(Audit.id == beside)).first() if beside else None
    wanted = query.statement()
    # The rows of one record lie together in an index by number; SQLite would walk along the times of its whole type.
    columns: tuple[Any, ...] = (Audit.id,) if query.kind and query.record else (Audit.at, Audit.id)
    here = sa.tuple_(*columns)
    backwards = place is not None and before is None
    if place is not None:
        there = sa.tuple_(*(sa.literal(getattr(place, column.key), column.type) for column in columns))
        wanted = wanted.where(here > there if backwards else here < there)
    order = (column.asc() if backwards else column.desc() for column in columns)
    found = session.execute(wanted.order_by(*order).limit(PER_PAGE + 1)).all()
    rows = found[:PER_PAGE]
    more = len(found) > PER_PAGE
    if backwards:
        rows = rows[::-1]
    has_newer = more if backwards else place is not None
    has_older = True if backwards else more
    return Page(rows, rows[0].id if rows and has_newer else None, rows[-1].id if rows and has_older else None)


def _day(text: str) -> dt.date | None:
    try:
        return parse_date(text) if text else None
    except ValueError:
        return None


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(preferences().timezone)).astimezone(dt.UTC)
