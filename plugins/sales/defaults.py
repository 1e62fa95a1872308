"""What a sales team begins with: one pipeline with the usual stages, and the usual reasons for losing."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from plugins.sales.models import LOST, OPEN, WON, LostReason, Pipeline, Stage


def add_defaults(session: Session) -> None:
    """Add pipeline and lost reasons where there are none yet, in the current language."""
    if not _has_any(session, Pipeline):
        add_pipeline(session, _("Sales"))
    if not _has_any(session, LostReason):
        names = (_("Price too high"), _("Chose a competitor"), _("No budget"), _("No answer any more"))
        session.add_all([LostReason(name=name, position=number) for number, name in enumerate(names, 1)])


def add_pipeline(session: Session, name: str, position: int = 1) -> Pipeline:
    """A new pipeline with the usual stages."""
    pipeline = Pipeline(name=name.strip(), position=position)
    stages = (
        Stage(name=_("Lead"), probability=10, color="gray", rot_days=14),
        Stage(name=_("Qualified"), probability=25, color="blue", rot_days=14),
        Stage(name=_("Proposal"), probability=50, color="violet", rot_days=21),
        Stage(name=_("Negotiation"), probability=75, color="amber", rot_days=21),
        Stage(name=_("Won"), probability=100, color="green", kind=WON),
        Stage(name=_("Lost"), probability=0, color="rose", kind=LOST),
    )
    for position_, stage in enumerate(stages, 1):
        stage.pipeline, stage.position, stage.kind = pipeline, position_, stage.kind or OPEN
    session.add_all([pipeline, *stages])
    return pipeline


def _has_any(session: Session, model: type[Pipeline] | type[LostReason]) -> bool:
    statement = sa.select(model.id).limit(1).execution_options(include_archived=True)
    return session.scalar(statement) is not None
