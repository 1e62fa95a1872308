"""Sixty activities around today with people nobody ever met."""

from __future__ import annotations

import datetime as dt
import random

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core import User, current_site, now, reader_today
from plugins.activities.models import CALL, HIGH, LOW, MEETING, NORMAL, OUTCOMES_OF, TASK, Activity
from plugins.activities.rules import outcomes_of

COUNT = 60
LATEST, EARLIEST = 14, 45  # days after and before today
ABOUT = ("contacts.person", "contacts.person", "contacts.company")


def add(session: Session) -> None:
    """Add the sample activities in the language of the moment; the same ones every time."""
    dice = random.Random(3)
    today, moment = reader_today(), now()
    users = session.scalars(sa.select(User).where(User.active).order_by(User.id).limit(3)).all()
    subjects = {
        CALL: (_("Follow-up call"), _("Ask about the quote"), _("Say thank you for the order")),
        MEETING: (_("Demonstration at their office"), _("Contract talk"), _("First meeting")),
        TASK: (_("Send the price list"), _("Prepare the quote"), _("Check the delivery date")),
    }
    notes = (_("Budget is approved for this season."), _("Prefers to be called in the morning."), None, None)
    records = _records(session)
    for number in range(COUNT):
        kind = dice.choice((CALL, CALL, TASK, MEETING))
        due = today + dt.timedelta(days=_offset(number, dice))
        activity = Activity(
            kind=kind,
            subject=dice.choice(subjects[kind]),
            due=due,
            due_time=f"{dice.randint(8, 17):02d}:{dice.choice(('00', '30'))}" if kind != TASK else None,
            duration=dice.choice((15, 30, 60)) if kind != TASK else None,
            priority=dice.choice((NORMAL, NORMAL, HIGH, LOW)),
            note=dice.choice(notes),
            assignee=users[number % len(users)] if users else None,
        )
        if records:
            activity.about_type, activity.about_id = records[(number * 7) % len(records)]
        if due < today - dt.timedelta(days=3) or (due < today and number % 2):
            # Most calls reach somebody, some do not.
            activity.outcome = dice.choice((outcomes_of(kind)[0], *OUTCOMES_OF[kind][:-1]))
            activity.done_at = moment - (today - due) * 1 - dt.timedelta(minutes=dice.randint(0, 240))
        session.add(activity)
    session.flush()


def _offset(number: int, dice: random.Random) -> int:
    """How many days from today: some today, the others around it."""
    if number % 10 == 0:
        return 0
    return -2 if number % 12 == 4 else dice.randint(-EARLIEST, LATEST)


def _records(session: Session) -> list[tuple[str, int]]:
    """What the activities are about: people and companies, where there are any."""
    catalog = current_site().catalog
    found: list[tuple[str, int]] = []
    for record_type in ABOUT:
        if record_type in catalog:
            model = catalog.find(record_type).model
            found += [(record_type, key) for key in session.scalars(sa.select(model.id).order_by(model.id).limit(20))]
    return found
