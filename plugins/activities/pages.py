"""What this plugin draws on the page of an activity itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _

from core import Panel, session
from plugins.activities.models import Activity
from plugins.activities.my_day import lines

SHOWN = 5


def head_panel(activity: Activity) -> Panel:
    """What it is about and what can be done with it, under the name."""
    after = session.scalars(
        sa.select(Activity).where(Activity.previous_id == activity.id).order_by(Activity.id).limit(SHOWN)
    ).all()
    chain = [(_("After"), activity.previous), *((_("Next:"), entry) for entry in after)]
    return Panel(
        title=_("Activity"),
        template="activities/head_panel.html",
        context={"line": lines([activity])[0], "chain": [_link(label, entry) for label, entry in chain if entry]},
        slot="header",
    )


def _link(label: str, activity: Activity) -> dict[str, Any]:
    url = url_for("activities_activity.details_view", id=activity.id)
    return {"label": label, "name": activity.subject, "url": url}
