"""What this plugin holds about a person, and what is left of it when the person is erased."""

from __future__ import annotations

from flask_babel import gettext as _

from core import PersonalData, empty_fields, personal_fields
from plugins.contacts.models import Person

# Besides the fields that are personal by themselves: who works where and is marked how is soon known again.
TELLING = ("company", "tags", "latitude", "longitude")
EMPTIED = (
    "first_name", "last_name", "job_title", "birthday", "city", "phones", "emails", "addresses", *TELLING,
)  # fmt: skip


def held(person: Person) -> list[PersonalData]:
    """The person's own fields."""
    return [personal_fields(person, _("Contact data"), also=TELLING, empty=lambda: anonymise(person))]


def anonymise(person: Person) -> None:
    """Leave nothing of ``person`` but a number; status, owner and dates stay for the figures."""
    empty_fields(person, EMPTIED)
    person.name = _("Anonymised person %(number)s", number=person.id)
