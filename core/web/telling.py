"""What the core itself tells people: mentions, what was assigned to them, records they follow, jobs that ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from core.accounts.actor import as_system
from core.accounts.models import User, now
from core.jobs.models import DONE, FAILED, JOBS
from core.notifications.models import Notification
from core.notifications.notify import notify
from core.parts import Event, NotificationType
from core.records.followers import Follower
from core.records.naming import find_records
from core.site.site import current_site, session

MENTIONED, ASSIGNED, FOLLOWED, JOB_ENDED = (
    "core.mentioned", "core.assigned", "core.followed", "core.job_ended",
)  # fmt: skip
TELL_OF_JOBS = "core.tell_of_jobs"
RESPONSIBLE = ("owner", "assignee")
MOST_MENTIONED = 50
MOST_FOLLOWERS = 500
LOOK_BACK = dt.timedelta(hours=1)
LONG = dt.timedelta(seconds=20)  # whoever waited less has seen the end of it
BATCH = 200
LONGEST_BURST = 20


def job_values(data: Any) -> dict[str, Any]:
    """What a sentence about a job shows: what the job is called in the reader's language."""
    job = current_site().jobs.get(str(data.get("job", "")))
    return {"job": str(job.label) if job is not None else str(data.get("job", ""))}


@dataclass
class Burst:
    """What one person assigned of one type of record, as far as one delivery of events tells it."""

    count: int = 0
    people: set[int] = field(default_factory=set)


TYPES = (
    NotificationType(
        name=MENTIONED,
        label=_l("Somebody mentions you"),
        texts={"": _l("%(actor)s mentioned you in a note on “%(record)s”.")},
        icon="message",
    ),
    NotificationType(
        name=ASSIGNED,
        label=_l("Something is assigned to you"),
        texts={
            "": _l("%(actor)s made you responsible for “%(record)s”."),
            "many": _l("%(actor)s made you responsible for many more records."),
        },
        icon="user-plus",
    ),
    NotificationType(
        name=FOLLOWED,
        label=_l("A record you follow is changed"),
        texts={
            "updated": _l("%(actor)s changed “%(record)s”."),
            "note": _l("%(actor)s wrote a note on “%(record)s”."),
        },
        icon="eye",
    ),
    NotificationType(
        name=JOB_ENDED,
        label=_l("Work you started has ended"),
        texts={"done": _l("“%(job)s” is finished."), "failed": _l("“%(job)s” has failed.")},
        icon="checklist",
        prepare=job_values,
        endpoint="jobs.mine",
    ),
)


def matters(event: Event) -> bool:
    """Whether a fact may concern anybody, told from the event alone."""
    # Whether somebody follows a record that was changed stands in the database.
    if event.name in ("core.note.added", f"{event.record_type}.updated"):
        return True
    fields = event.data.get("fields") or ()
    responsible = any(name in fields or f"{name}_id" in fields for name in RESPONSIBLE)
    return responsible and event.name == f"{event.record_type}.created"


def hear(event: Event) -> None:
    """Tell those whom a committed fact concerns."""
    if event.record_id is None or not event.record_type:
        return
    record = (event.record_type, event.record_id)
    if event.name == "core.note.added":
        told = _tell_mentioned(event, record)
        _tell_followers(event, record, "note", besides=told)
    elif event.name in (f"{event.record_type}.created", f"{event.record_type}.updated"):
        _tell_responsible(event, record)
        if event.name.endswith(".updated"):
            _tell_followers(event, record, "updated")


def _tell_mentioned(event: Event, record: tuple[str, int]) -> set[int]:
    asked = event.data.get("mentions") or ()
    ids = {number for number in list(asked)[:MOST_MENTIONED] if isinstance(number, int)} - {event.actor_id}
    if ids:
        key = f"mentioned-{event.data.get('note_id') or event.id}"
        notify(session, ids, MENTIONED, key=key, record=record, data={"actor": _name(event)})
    return ids


def _tell_responsible(event: Event, record: tuple[str, int]) -> None:
    fields = set(event.data.get("fields") or ())
    names = [name for name in RESPONSIBLE if name in fields or f"{name}_id" in fields]
    if not names or event.actor_id is None:
        return
    burst = session.info.setdefault("assigned", {}).setdefault((event.actor_id, event.record_type), Burst())
    burst.count += 1
    if burst.count > LONGEST_BURST:
        # An import of a hundred thousand records is told in twenty-one lines, and costs no more than that.
        if burst.count == LONGEST_BURST + 1:
            key = f"assigned-many-{event.id}"
            notify(session, burst.people, ASSIGNED, key=key, text="many", data={"actor": _name(event)})
        return
    found = find_records(session, [record]).get(record)
    asked = (getattr(found, f"{name}_id", None) for name in names)
    people = {number for number in asked if isinstance(number, int) and number != event.actor_id}
    burst.people |= people
    if people:
        notify(session, people, ASSIGNED, key=f"assigned-{event.id}", record=record, data={"actor": _name(event)})


def _tell_followers(event: Event, record: tuple[str, int], text: str, besides: set[int] | None = None) -> None:
    ids = _followers(record) - {event.actor_id} - (besides or set())
    if not ids:
        return
    # One that is still new says already that there is something to look at.
    waiting = sa.select(Notification.user_id).where(
        Notification.user_id.in_(ids),
        Notification.type == FOLLOWED,
        Notification.record_type == record[0],
        Notification.record_id == record[1],
        Notification.read_at.is_(None),
    )
    ids -= set(session.scalars(waiting))
    if ids:
        key = f"followed-{event.id}"
        notify(session, ids, FOLLOWED, key=key, text=text, record=record, data={"actor": _name(event)})


def _followers(record: tuple[str, int]) -> set[int]:
    """Who follows a record; a type of which nobody follows any record is asked about once in a delivery."""
    known: dict[str, bool] = session.info.setdefault("followed", {})
    of_type = sa.select(Follower.user_id).where(Follower.record_type == record[0])
    if record[0] not in known:
        known[record[0]] = session.scalar(of_type.limit(1)) is not None
    if not known[record[0]]:
        return set()
    return set(session.scalars(of_type.where(Follower.record_id == record[1]).limit(MOST_FOLLOWERS)))


def _name(event: Event) -> str:
    user = session.get(User, event.actor_id) if event.actor_id is not None else None
    return str(user) if user is not None else ""


def tell_of_jobs(progress: Any) -> int:
    """The job that tells people of the work they started: what took long, and what failed. Returns how many."""
    key = sa.literal("job-").concat(JOBS.c.id).concat("-").concat(sa.cast(JOBS.c.attempts, sa.String))
    known = sa.exists().where(Notification.user_id == JOBS.c.actor_id, Notification.key == key)
    ended = (
        sa.select(JOBS.c.id, JOBS.c.name, JOBS.c.actor_id, JOBS.c.status, JOBS.c.attempts, JOBS.c.started_at,
                  JOBS.c.finished_at)
        .where(
            JOBS.c.finished_at > now() - LOOK_BACK,
            JOBS.c.status.in_((DONE, FAILED)),
            JOBS.c.actor_id.is_not(None),
            JOBS.c.system.is_(False),
            ~known,
        )
        .order_by(JOBS.c.finished_at.desc())
        .limit(BATCH)
    )  # fmt: skip
    count = 0
    with as_system("tell of jobs"):
        for row in session.execute(ended):
            long = row.started_at is not None and row.finished_at - row.started_at >= LONG
            if row.status == FAILED or long:
                text = "failed" if row.status == FAILED else "done"
                key_of_run = f"job-{row.id}-{row.attempts}"
                count += notify(session, [row.actor_id], JOB_ENDED, key=key_of_run, text=text, data={"job": row.name})
    return count
