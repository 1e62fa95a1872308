"""Who may be the same person or company, told by name, phone number or e-mail address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core import Match, format_phone, parse_phone, session
from plugins.contacts.models import Contact, EmailAddress, PhoneNumber, full_name, name_key

MOST = 5  # candidates shown while somebody types


def candidates(model: type[Contact]) -> Callable[[Mapping[str, str], int | None], list[Match]]:
    """The function that a screen of ``model`` asks while its form is being filled."""

    def find(values: Mapping[str, str], record_id: int | None) -> list[Match]:
        return find_duplicates(session, model, values, record_id)

    return find


def find_duplicates(
    session: Session, model: type[Contact], values: Mapping[str, str], record_id: int | None = None
) -> list[Match]:
    """Candidates for what was typed so far, the surest reason first.

    Args:
        session: the unit of work; only records its actor may see are found.
        model: ``Person`` or ``Company``.
        values: form fields as typed, parts such as ``phones-0-number`` included.
        record_id: the record being edited, which is no duplicate of itself.
    """
    found: dict[int, Match] = {}
    for address, records in _by_email(session, model, _typed(values, "emails", "address")):
        _note(found, records, record_id, _("Has the e-mail address %(address)s too.", address=address))
    for number, records in _by_phone(session, model, _numbers(values)):
        _note(found, records, record_id, _("Has the phone number %(number)s too.", number=format_phone(number)))
    name = values.get("name") or full_name(values.get("first_name"), values.get("last_name"))
    _note(found, _by_name(session, model, name), record_id, _("Has the same name."))
    return list(found.values())[:MOST]


def _note(found: dict[int, Match], records: Iterable[Contact], record_id: int | None, reason: str) -> None:
    for record in records:
        if record.id != record_id:
            found.setdefault(record.id, Match(record, reason))


def _typed(values: Mapping[str, str], group: str, part: str) -> list[str]:
    return [
        value.strip()
        for key, value in values.items()
        if isinstance(value, str) and value.strip() and key.startswith(group) and key.endswith(part)
    ]


def _numbers(values: Mapping[str, str]) -> list[str]:
    numbers = []
    for text in _typed(values, "phones", "number"):
        try:
            numbers.append(parse_phone(text))
        except ValueError:
            pass  # a number that is still being typed
    return numbers


def _by_name(session: Session, model: type[Contact], name: str | None) -> Sequence[Contact]:
    key = name_key(name or "")
    if len(key) < 2:
        return []
    return session.scalars(sa.select(model).where(model.name_key == key).order_by(model.id).limit(MOST + 1)).all()


def _by_phone(session: Session, model: type[Contact], numbers: list[str]) -> list[tuple[str, list[Contact]]]:
    if not numbers:
        return []
    query = (
        sa.select(PhoneNumber.number, model)
        .join(model, model.id == PhoneNumber.contact_id)
        .where(PhoneNumber.number.in_(numbers))
        .limit(MOST + 1)
    )
    return [(number, [record]) for number, record in session.execute(query)]


def _by_email(session: Session, model: type[Contact], addresses: list[str]) -> list[tuple[str, list[Contact]]]:
    wanted = [address.lower() for address in addresses]
    if not wanted:
        return []
    query = (
        sa.select(EmailAddress.address, model)
        .join(model, model.id == EmailAddress.contact_id)
        .where(EmailAddress.address.in_(wanted))
        .limit(MOST + 1)
    )
    return [(address, [record]) for address, record in session.execute(query)]
