"""Who may be the same person or company: told by e-mail address, phone number or name."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from core import DuplicateRule
from plugins.contacts.models import full_name, name_key

SHORTEST = 2  # letters of a name that say anything


def typed_key(values: Mapping[str, str]) -> str:
    """The key of the name that is being typed; "" while it is too short."""
    key = name_key(values.get("name") or full_name(values.get("first_name"), values.get("last_name")))
    return key if len(key) >= SHORTEST else ""


RULES = (
    DuplicateRule(field="emails.address", weight=90, reason=_l("Has the e-mail address %(value)s too.")),
    DuplicateRule(field="phones.number", weight=80, reason=_l("Has the phone number %(value)s too.")),
    DuplicateRule(field="name_key", weight=60, reason=_l("Has the same name."), typed=typed_key),
)
