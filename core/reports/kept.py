"""Figures that are kept, so that a dashboard over a large table need not count it each time.

    asked ─▶ kept?  ─ yes ─▶ shown with their age
               └ no ─▶ counted, and kept for a minute when that took long
    every 30 s ─▶ what was asked for lately is counted again in the background

They lie in Redis, which forgets them after a minute: a page that is only looked at writes nothing to the database, and
without Redis everything is counted. The key is the report with all that its query depends on, so what is kept answers
exactly one question: another day, calendar or filter is another key. Kept figures are of all records. They are made
by, and shown to, only actors from whom nothing is hidden of what the query reads; everybody else's are counted.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import now
from core.database.limits import TooSlow, time_limit
from core.errors import PeyvandError
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.parts import Report
from core.records.policy import sees_every
from core.reports.definition import Source, check, read_report, source, stored
from core.reports.figures import Row, rows_of, statement
from core.site.formats import reader_today
from core.site.reader import preferences, reading_as

log = logging.getLogger(__name__)

REFRESH = "core.refresh_reports"
REFRESH_EVERY = 30  # seconds
KEPT_FOR = 60  # seconds
WANTED_FOR = 600  # seconds after which nobody seems to look any more
WORTH_KEEPING = 0.03  # seconds that counting took
MOST_WANTED = 200
LONGEST_COUNT = 30.0  # seconds of one report in the background

Answer = Iterable[Any]


@dataclass(frozen=True)
class Figures:
    """The rows of a report, and when they were counted; None is just now."""

    rows: list[Row]
    counted_at: dt.datetime | None = None


def figures(session: Session, report: Report, origin: Source, patience: float | None = None) -> Figures:
    """The figures of a checked report, kept ones where they may be shown.

    Raises:
        TooSlow: they had to be counted, and that took longer than ``patience``, in seconds.
        ValidationError: a filter is unknown to the list by now.
    """
    if not _sees_all(report, origin):
        return Figures(_read(report, origin, _count(session, report, origin, patience)))
    queue, key = _queue(), key_of(report)
    kept = queue.ask(lambda client: client.get(queue.key("figures", key)))
    if kept is not None:
        _want(queue, key, report)
        answer = json.loads(kept)
        return Figures(_read(report, origin, answer["rows"]), dt.datetime.fromisoformat(answer["at"]))
    started, moment = time.monotonic(), now()
    rows = _count(session, report, origin, patience)
    if time.monotonic() - started >= WORTH_KEEPING:
        _keep(queue, key, rows, moment)
        _want(queue, key, report)
    return Figures(_read(report, origin, rows))


def key_of(report: Report) -> str:
    """What the figures are known by: the database, the Site, the report, and what dates and "me" mean to the reader."""
    site, reader = current_app.extensions["peyvand"], preferences()
    # Addresses say "me", and so do conditions; who that is matters only where somebody is meant.
    personal = any(value == "me" or '"me"' in value for value in report.filters.values())
    parts = (
        site.runtime.config.database_url, site.generation, sorted(stored(report).items(), key=str),
        reader.calendar, reader.timezone, reader_today(), acting().user_id if personal else None,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def refresh_reports(progress: Progress) -> int:
    """The job that counts again what was asked for lately; returns how many reports that were."""
    queue, done = _queue(), 0
    wanted = queue.ask(lambda client: client.hgetall(queue.key("reports"))) or {}
    oldest = time.time() - WANTED_FOR
    for number, (field, text) in enumerate(sorted(wanted.items())):
        progress.report(number, len(wanted))
        wish = json.loads(text)
        if wish["asked_at"] >= oldest and number < MOST_WANTED and _count_again(queue, field.decode(), wish):
            done += 1
        else:
            _forget(queue, field)
    return done


def _count_again(queue: JobQueue, key: str, wish: dict[str, Any]) -> bool:
    """Whether the report could be counted and is still the same question."""
    session: Session = current_app.extensions["peyvand"].runtime.database.session()
    with current_app.test_request_context("/"), reading_as(SimpleNamespace(**wish["reader"])):
        try:
            report = read_report(wish["report"])
            origin = source(report.record_type)
            if origin is None:
                return False
            check(report, origin)
            if key_of(report) != key:
                return False
            moment = now()
            rows = _count(session, report, origin, LONGEST_COUNT)
        except (PeyvandError, TooSlow) as error:
            log.info("A report is not counted in the background any more: %s", error)
            return False
        _keep(queue, key, rows, moment)
    return True


def _count(session: Session, report: Report, origin: Source, patience: float | None) -> Sequence[Any]:
    with time_limit(session, patience) if patience is not None else contextlib.nullcontext():
        return session.execute(statement(report, origin)).all()


def _sees_all(report: Report, origin: Source) -> bool:
    """Whether nothing the query reads is hidden from the actor; filters may look at records of other types."""
    if not sees_every(origin.view.model):
        return False
    fields = origin.view.record_type.fields
    # A search looks into the words of the record itself; a whole condition may look anywhere.
    named = [fields.get(_field_of(argument)) for argument in report.filters if argument != "search"]
    own_columns = all(field is not None and field.kind != "links" for field in named)
    return own_columns or all(sees_every(entry.model) for entry in current_app.extensions["peyvand"].catalog)


def _field_of(argument: str) -> str:
    """The field that an argument of a list's address filters by."""
    name = argument.partition("_")[2] if argument.startswith("flt") else argument
    return name.partition("__")[0]


def _queue() -> JobQueue:
    queue: JobQueue = current_app.extensions["peyvand"].runtime.queue
    return queue


def _read(report: Report, origin: Source, rows: Answer) -> list[Row]:
    return [rows_of(report, origin, tuple(row)) for row in rows]


def _keep(queue: JobQueue, key: str, rows: Answer, moment: dt.datetime) -> None:
    plain = [[str(value) if isinstance(value, Decimal) else value for value in row] for row in rows]
    text = json.dumps({"at": moment.isoformat(), "rows": plain})
    queue.ask(lambda client: client.set(queue.key("figures", key), text, ex=KEPT_FOR))


def _forget(queue: JobQueue, field: bytes) -> None:
    queue.ask(lambda client: client.hdel(queue.key("reports"), field))


def _want(queue: JobQueue, key: str, report: Report) -> None:
    wish = {"report": stored(report), "reader": asdict(preferences()), "asked_at": int(time.time())}
    queue.ask(lambda client: client.hset(queue.key("reports"), key, json.dumps(wish)))
