"""People and companies written from a table, a batch at a time, in a handful of statements per batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, selectinload

from core import ImportTarget, Note, acting, now
from core.records.transfer.checking import CREATED, FAILED, SKIPPED, UPDATED, CheckedRow, RowOutcome
from core.records.transfer.inserting import chunks, insert_records, search_columns
from plugins.contacts.address_books import recognise
from plugins.contacts.import_columns import COMPANY_COLUMNS, PERSON_COLUMNS
from plugins.contacts.import_drafts import Draft, company_draft, person_draft
from plugins.contacts.import_matches import Match, Matches
from plugins.contacts.models import (
    NAME_LENGTH,
    PROSPECT,
    Address,
    Company,
    Contact,
    EmailAddress,
    Person,
    PhoneNumber,
    Tag,
    contact_tag,
    name_key,
)
from plugins.contacts.services import add_tags

SKIP, UPDATE, CREATE = "skip", "update", "create"
"""What becomes of a row about a known contact: nothing, its blank fields are filled, or a second contact."""

_FILLED = ("first_name", "last_name", "job_title", "birthday", "city", "website", "industry", "national_id")


def write_people(session: Session, rows: Sequence[CheckedRow], options: Mapping[str, Any]) -> list[RowOutcome]:
    """Write people; see ``core.parts.ImportTarget``. ``options["duplicates"]`` is skip, update or create."""
    return _write(session, Person, person_draft, rows, options)


def write_companies(session: Session, rows: Sequence[CheckedRow], options: Mapping[str, Any]) -> list[RowOutcome]:
    """Write companies, like ``write_people``."""
    return _write(session, Company, company_draft, rows, options)


PEOPLE = ImportTarget(columns=PERSON_COLUMNS, write=write_people, recognise=recognise)
COMPANIES = ImportTarget(columns=COMPANY_COLUMNS, write=write_companies)


def _write(
    session: Session,
    model: type[Contact],
    read: Callable[[CheckedRow], Draft | None],
    rows: Sequence[CheckedRow],
    options: Mapping[str, Any],
) -> list[RowOutcome]:
    choice = options.get("duplicates", SKIP)
    drafts = [read(row) for row in rows]
    matches = Matches(session, model, [draft for draft in drafts if draft] if choice != CREATE else [])
    fresh: list[Draft] = []
    updates: list[tuple[int, Draft]] = []
    outcomes: list[RowOutcome | Draft] = []
    for draft in drafts:
        if draft is None:
            outcomes.append(RowOutcome(FAILED, _("The row has no name, e-mail address or phone number.")))
            continue
        match = matches.find(draft) if choice != CREATE else None
        if match is None:
            fresh.append(draft)
            outcomes.append(draft)
            if choice != CREATE:
                matches.add(draft)
        elif choice == UPDATE:
            outcomes.append(_update(match, draft, updates))
        else:
            outcomes.append(RowOutcome(SKIPPED, match.reason, match.known.id))
    known = _load(session, model, (contact_id for contact_id, _draft in updates))
    homeless = [draft for contact_id, draft in updates if getattr(known[contact_id], "company_id", 0) is None]
    companies = _companies(session, [*fresh, *homeless])
    tags = _tags(session, [*fresh, *(draft for _id, draft in updates)])
    ids = _insert(session, model, fresh, companies, tags)
    filled = _fill(session, known, updates, companies, tags)
    created = {id(draft): contact_id for draft, contact_id in zip(fresh, ids, strict=True)}
    written: list[RowOutcome] = []
    for outcome in outcomes:
        if isinstance(outcome, Draft):
            written.append(RowOutcome(CREATED, record_id=created[id(outcome)]))
        elif outcome.kind == UPDATED and outcome.record_id is not None and outcome.record_id not in filled:
            written.append(RowOutcome(SKIPPED, _("There was nothing to add."), outcome.record_id))
        else:
            written.append(outcome)
    return written


def _update(match: Match, draft: Draft, updates: list[tuple[int, Draft]]) -> RowOutcome:
    if match.known.draft is not None:
        filled = match.known.draft.fill(draft)
        return RowOutcome(UPDATED if filled else SKIPPED, match.reason)
    assert match.known.id is not None, "what is known is in the database or in this batch"
    updates.append((match.known.id, draft))
    return RowOutcome(UPDATED, match.reason, match.known.id)


def _insert(
    session: Session,
    model: type[Contact],
    drafts: Sequence[Draft],
    companies: Mapping[str, int],
    tags: Mapping[str, int],
) -> list[int]:
    owner_id = acting().user_id
    rows = [draft.columns(companies.get(name_key(draft.company)), owner_id) for draft in drafts]
    ids = insert_records(session, model, rows, [draft.parts() for draft in drafts])
    pairs = list(zip(ids, drafts, strict=True))
    _rows(session, PhoneNumber.__table__, (
        {"contact_id": id_, "number": number, "label": label}
        for id_, draft in pairs for number, label in draft.phones.items()
    ))  # fmt: skip
    _rows(session, EmailAddress.__table__, (
        {"contact_id": id_, "address": address, "label": label}
        for id_, draft in pairs for address, label in draft.emails.items()
    ))  # fmt: skip
    _rows(session, Address.__table__, (
        {"contact_id": id_, **place} for id_, draft in pairs for place in draft.addresses
    ))  # fmt: skip
    _rows(session, contact_tag, (
        {"contact_id": id_, "tag_id": tag_id}
        for id_, draft in pairs for tag_id in dict.fromkeys(tags[name_key(name)] for name in draft.tags)
    ))  # fmt: skip
    _notes(session, model, pairs)
    return ids


def _rows(session: Session, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    if values := list(rows):
        session.connection().execute(sa.insert(table), values)


def _notes(session: Session, model: type[Contact], pairs: Iterable[tuple[int, Draft]]) -> None:
    author_id, moment = acting().user_id, now()
    _rows(session, Note.__table__, (
        {"record_type": model.__record_type__, "record_id": id_, "body": draft.note, "author_id": author_id,
         "created_at": moment}
        for id_, draft in pairs if draft.note
    ))  # fmt: skip


def _companies(session: Session, drafts: Sequence[Draft]) -> dict[str, int]:
    """Ids of the companies the drafts name, by key; those that are missing are created."""
    names = {name_key(draft.company): draft.company[:NAME_LENGTH] for draft in drafts if name_key(draft.company)}
    return _named(session, Company, names, lambda: {"status": PROSPECT, "owner_id": acting().user_id})


def _tags(session: Session, drafts: Sequence[Draft]) -> dict[str, int]:
    """Ids of the tags the drafts name, by key; those that are missing are created."""
    names = {name_key(name): name for draft in drafts for name in draft.tags}
    return _named(session, Tag, names, lambda: {"color": "gray"})


def _named(
    session: Session, model: type[Company] | type[Tag], names: Mapping[str, str], rest: Callable[[], dict[str, Any]]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for keys in chunks(names):
        query = sa.select(model.name_key, model.id).where(model.name_key.in_(keys)).order_by(model.id)
        for key, record_id in session.execute(query):
            found.setdefault(key, record_id)
    absent = [key for key in names if key not in found]
    rows = [
        {"name": names[key], "name_key": key, **rest(), **search_columns([names[key]], names[key])} for key in absent
    ]
    found.update(zip(absent, insert_records(session, model, rows), strict=True))
    return found


def _load(session: Session, model: type[Contact], ids: Iterable[int]) -> dict[int, Contact]:
    """Contacts with their parts, by id."""
    options = (selectinload(model.phones), selectinload(model.emails), selectinload(model.addresses),
               selectinload(model.tags))  # fmt: skip
    return {
        contact.id: contact
        for some in chunks(set(ids))
        for contact in session.scalars(sa.select(model).where(model.id.in_(some)).options(*options))
    }


def _fill(
    session: Session,
    known: Mapping[int, Contact],
    updates: Sequence[tuple[int, Draft]],
    companies: Mapping[str, int],
    tags: Mapping[str, int],
) -> set[int]:
    """Fill what known contacts lack, through the unit of work; the ids of those that gained something."""
    if not updates:
        return set()
    wanted = {
        tag.id: tag for some in chunks(tags.values()) for tag in session.scalars(sa.select(Tag).where(Tag.id.in_(some)))
    }
    gained: set[int] = set()
    for contact_id, draft in updates:
        contact = known[contact_id]
        some = [_fill_columns(contact, draft, companies), _fill_parts(contact, draft)]
        added = add_tags(contact, [wanted[tags[name_key(name)]] for name in draft.tags])
        if any(some) or added:
            gained.add(contact_id)
    gained |= _add_notes(session, known, updates)
    session.flush()
    return gained


def _add_notes(session: Session, known: Mapping[int, Contact], updates: Sequence[tuple[int, Draft]]) -> set[int]:
    """Write the notes that the contacts do not have yet; the ids of those that got one."""
    noted = {contact_id for contact_id, draft in updates if draft.note}
    if not noted:
        return set()
    model = type(known[next(iter(noted))])
    present: set[tuple[int, str]] = set()
    for some in chunks(noted):
        query = sa.select(Note.record_id, Note.body).where(
            Note.record_type == model.__record_type__, Note.record_id.in_(some)
        )
        present |= {(record_id, body) for record_id, body in session.execute(query)}
    pairs = [pair for pair in updates if pair[1].note and (pair[0], pair[1].note) not in present]
    _notes(session, model, pairs)
    return {contact_id for contact_id, _draft in pairs}


def _fill_columns(contact: Contact, draft: Draft, companies: Mapping[str, int]) -> bool:
    some = False
    named = bool(getattr(contact, "first_name", None) or getattr(contact, "last_name", None))
    for key in _FILLED:
        value = draft.values.get(key)
        if value is None or getattr(contact, key, None) or (named and key in ("first_name", "last_name")):
            continue
        setattr(contact, key, value)
        some = True
    company_id = companies.get(name_key(draft.company)) if draft.company else None
    if isinstance(contact, Person) and contact.company_id is None and company_id is not None:
        contact.company_id = company_id
        some = True
    return some


def _fill_parts(contact: Contact, draft: Draft) -> bool:
    numbers = {row.number for row in contact.phones}
    present = {row.address for row in contact.emails}
    phones = [PhoneNumber(number=value, label=label) for value, label in draft.phones.items() if value not in numbers]
    emails = [EmailAddress(address=value, label=label) for value, label in draft.emails.items() if value not in present]
    places = [] if contact.addresses else [Address(**place) for place in draft.addresses]
    contact.phones.extend(phones)
    contact.emails.extend(emails)
    contact.addresses.extend(places)
    return bool(phones or emails or places)
