"""What this plugin draws on pages of the core: a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for

from core import session
from plugins.contacts.models import Person
from plugins.contacts.services import main_phones, recent_people

SHOWN_RECENT = 6


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
