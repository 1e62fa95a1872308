"""Activities about a person, for the person's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import REMOVED, PersonalData, Record, format_local_date, session
from plugins.activities.models import KINDS, Activity

LABELS = {option.code: option.label for option in KINDS}


def held(record: Any) -> list[PersonalData]:
    """What is to be done and was done about ``record``, also what lies in the recycle bin."""
    if not isinstance(record, Record) or isinstance(record, Activity):
        return []
    statement = (
        sa.select(Activity)
        .where(Activity.about_type == record.__record_type__, Activity.about_id == record.id)
        .order_by(Activity.id)
        .execution_options(include_archived=True)
    )
    found = session.scalars(statement).unique().all()
    if not found:
        return []
    return [
        PersonalData(
            name="activities.activity",
            title=_("Activities"),
            columns={"kind": _l("Kind"), "subject": _l("Subject"), "due": _l("Due"), "note": _l("Note")},
            rows=[
                {
                    "kind": str(LABELS.get(activity.kind, activity.kind)),
                    "subject": activity.subject,
                    "due": format_local_date(activity.due) if activity.due else "",
                    "note": activity.note or "",
                }
                for activity in found
            ],
            fate=REMOVED,
            outcome=_("Activities about this person are deleted for good, also those in the recycle bin."),
            erase=lambda: _remove(found),
            records={"activities.activity": [activity.id for activity in found]},
        )
    ]


def _remove(activities: Sequence[Activity]) -> None:
    for activity in activities:
        session.delete(activity)
