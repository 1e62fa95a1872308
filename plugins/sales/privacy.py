"""Deals with a person, for the person's file."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import EMPTIED, PersonalData, match_key, session
from plugins.contacts.models import Person
from plugins.sales.models import Deal


def held(person: Person) -> list[PersonalData]:
    """The deals whose contact is ``person``, also those in the recycle bin."""
    statement = (
        sa.select(Deal).where(Deal.contact_id == person.id).order_by(Deal.id).execution_options(include_archived=True)
    )
    found = session.scalars(statement).unique().all()
    if not found:
        return []
    name = person.name  # as it is now; the person may be emptied first
    return [
        PersonalData(
            name="sales.deal",
            title=_("Deals"),
            columns={"name": _l("Name"), "next_step": _l("Next step"), "lost_note": _l("What happened")},
            rows=[
                {"name": deal.name, "next_step": deal.next_step or "", "lost_note": deal.lost_note or ""}
                for deal in found
            ],
            fate=EMPTIED,
            outcome=_(
                "The deals stay with their amounts. Next step and what happened are emptied, and a name that holds the "
                "name of the person is replaced; what their history told until now is hidden. Those in the recycle "
                "bin are deleted for good."
            ),
            erase=lambda: _empty(found, name),
            records={"sales.deal": [deal.id for deal in found]},
        )
    ]


def _empty(deals: Sequence[Deal], name: str) -> None:
    words = match_key(name)
    for deal in deals:
        if deal.archived_at is not None:
            session.delete(deal)
            continue
        deal.next_step = deal.lost_note = None
        if words and words in match_key(deal.name):
            deal.name = _("Deal %(number)s", number=deal.id)
