"""Activities as a screen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core import Column, FieldGroup, Screen, format_digits, format_local_date
from plugins.activities.about import record_about, records_about
from plugins.activities.actions import ACTIONS
from plugins.activities.models import Activity
from plugins.activities.services import label_of_kind

SECTION = _l("Activities")


def _subtitle(activity: Activity) -> str:
    """Of which kind it is, what it is about, and when it is due."""
    subject = record_about(activity.about_type, activity.about_id)
    due = " ".join(part for part in (format_local_date(activity.due), format_digits(activity.due_time)) if part)
    return " · ".join(part for part in (label_of_kind(activity.kind), str(subject or ""), due) if part)


ACTIVITY_SCREEN = Screen(
    model=Activity,
    title=_l("Activity"),
    plural=_l("Activities"),
    icon="checklist",
    section=SECTION,
    weight=16,
    columns=("subject", "kind", "about", "due", "due_time", "assignee", "priority", "outcome", "done_at"),
    form=(
        FieldGroup(
            _l("Activity"),
            ("subject", "kind", "about_type", "due", "due_time", "duration", "assignee", "priority"),
        ),
        FieldGroup(_l("More"), ("note", "reminder_at", "previous")),
        FieldGroup(_l("What came of it"), ("outcome",)),
    ),
    filters=("kind", "assignee", "due", "outcome", "done_at", "priority", "about_type", "created_at"),
    search=("search_text",),
    editable=("subject", "due", "due_time", "assignee", "priority", "outcome"),
    order="due",
    descending=True,
    subtitle=_subtitle,
    computed=(Column(name="about", label=_l("About"), load=records_about, kind="link"),),
    actions=ACTIONS,
)
