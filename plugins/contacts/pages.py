"""What this plugin draws on pages of the core: a panel and a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from core import Panel, may, session
from plugins.contacts.models import Company, Person
from plugins.contacts.services import main_phones, people_of, recent_people

SHOWN_PEOPLE = 20
SHOWN_RECENT = 6


def people_panel(company: Company) -> Panel:
    """The people of a company, on its page."""
    people = people_of(session, company, SHOWN_PEOPLE + 1)
    return Panel(
        title=_l("People"),
        template="contacts/people_panel.html",
        context={
            "people": _lines(people[:SHOWN_PEOPLE]),
            "more": len(people) > SHOWN_PEOPLE,
            "add_url": url_for("contacts_person.create_view") if may("contacts.person.create") else None,
        },
    )


def recent_card() -> Mapping[str, Any]:
    """The people added last, for the home page."""
    return {"people": _lines(recent_people(session, SHOWN_RECENT))}


def _lines(people: Sequence[Person]) -> list[dict[str, Any]]:
    phones = main_phones(people)
    return [
        {
            "name": str(person),
            "job_title": person.job_title or "",
            "company": str(person.company) if person.company else "",
            "phone": phones.get(person.id, ""),
            "added": person.created_at,
            "url": url_for("contacts_person.details_view", id=person.id),
        }
        for person in people
    ]
