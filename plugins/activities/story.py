"""Activities on the page of the record they are about: what is planned, and what was done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import joinedload

from core import (
    ONE_PLAN,
    EntryAction,
    StoryQuery,
    StoryShape,
    TimelineEntry,
    Upcoming,
    User,
    about,
    may,
    preferences,
    session,
)  # fmt: skip
from plugins.activities.models import CALL, ICONS, MEETING, OUTCOMES, Activity

KIND = "activity"
_COLUMNS: tuple[Any, ...] = (
    Activity.id,
    Activity.done_at,
    Activity.about_type,
    Activity.about_id,
    Activity.kind,
    Activity.subject,
    Activity.outcome,
    Activity.note,
    User.name,
    User.email,
)


def done(query: StoryQuery) -> Iterator[TimelineEntry]:
    """What was done about the records, newest first."""
    if not query.wants(KIND):
        return
    page = _page()
    found = session.execute(_done(query.shape), query.values).all()
    for id_, done_at, about_type, about_id, kind, subject, outcome, note, name, email in found:
        yield TimelineEntry(
            at=done_at,
            id=id_,
            record_type=about_type or "",
            record_id=about_id or 0,
            kind=KIND,
            icon=ICONS.get(kind, "checklist"),
            actor=name or email or "",
            text=_told(kind, subject, outcome),
            body=note or "",
            url=f"{page}{id_}",
        )


@lru_cache(maxsize=128)
def _done(shape: StoryShape) -> sa.Select[Any]:
    return shape.query.page(
        sa.select(*_COLUMNS).outerjoin(User, User.id == Activity.assignee_id).where(Activity.done_at.is_not(None)),
        record_type=Activity.about_type,
        record_id=Activity.about_id,
        at=Activity.done_at,
        id=Activity.id,
    ).execution_options(**{ONE_PLAN: True})


def planned(records: Any, limit: int) -> list[Upcoming]:
    """What is open about the records, earliest first."""
    query = StoryQuery(records=records, limit=limit)
    return [
        Upcoming(
            due=_moment(activity),
            record_type=activity.about_type or "",
            record_id=activity.about_id or 0,
            icon=ICONS.get(activity.kind, "checklist"),
            text=activity.subject,
            body=activity.note or "",
            assignee=str(activity.assignee or ""),
            url=url_for("activities_activity.details_view", id=activity.id),
            actions=_actions(activity),
        )
        for activity in session.scalars(_planned(query.shape), query.values)
    ]


@lru_cache(maxsize=128)
def _planned(shape: StoryShape) -> sa.Select[Any]:
    query = shape.query
    return (
        sa.select(Activity)
        .where(about(query.records, Activity.about_type, Activity.about_id), Activity.done_at.is_(None))
        .options(joinedload(Activity.assignee).lazyload(User.roles))
        .order_by(Activity.due.nulls_last(), Activity.due_time.nulls_last(), Activity.id)
        .limit(query.limit)
        .execution_options(**{ONE_PLAN: True})
    )


def _page() -> str:
    """What comes before the id in the address of an activity's page."""
    return url_for("activities_activity.details_view", id=0).removesuffix("0")


def _told(kind: str, subject: str, code: str | None) -> str:
    """What somebody did, after their name."""
    if kind == CALL:
        told = _("called: %(subject)s", subject=subject)
    elif kind == MEETING:
        told = _("met: %(subject)s", subject=subject)
    else:
        told = _("did: %(subject)s", subject=subject)
    outcome = next((option.label for option in OUTCOMES if option.code == code), "")
    return f"{told} · {outcome}" if outcome else told


def _moment(activity: Activity) -> dt.date | dt.datetime | None:
    """When it is due: a day, or a moment where it has a time."""
    if activity.due is None or not activity.due_time:
        return activity.due
    clock = dt.time.fromisoformat(activity.due_time)
    return dt.datetime.combine(activity.due, clock, ZoneInfo(preferences().timezone)).astimezone(dt.UTC)


def _actions(activity: Activity) -> tuple[EntryAction, ...]:
    if not may("activities.activity.edit", activity):
        return ()
    here = {"back": "record"}
    move = url_for("activities.reschedule", activity_id=activity.id)
    return (
        EntryAction(
            label=_("Mark as done"),
            icon="check",
            url=url_for("activities.completing", activity_id=activity.id, back="record"),
            primary=True,
        ),
        EntryAction(label=_("Move to tomorrow"), icon="clock", method="post", url=move, fields={**here, "due": "1"}),
        EntryAction(label=_("Move by a week"), icon="calendar", method="post", url=move, fields={**here, "due": "7"}),
        EntryAction(
            label=_("Edit"), icon="pencil", url=url_for("activities_activity.edit_view", id=activity.id)
        ),
    )
