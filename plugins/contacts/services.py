"""Verbs on contacts, and what lists need to know of a whole page of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from plugins.contacts.models import FAX, Company, Contact, EmailAddress, Person, PhoneNumber, Tag, contact_tag, name_key


def main_phones(contacts: Sequence[Contact]) -> Mapping[int, str]:
    """The first number of each contact that is no fax; one query for all."""
    rows = _of(contacts, lambda ids: sa.select(PhoneNumber.contact_id, PhoneNumber.number, PhoneNumber.label)
               .where(PhoneNumber.contact_id.in_(ids)).order_by(PhoneNumber.id.desc()))  # fmt: skip
    # Later entries win, so faxes come first and the oldest number last.
    ordered = sorted(rows, key=lambda row: row.label != FAX)
    return {contact_id: number for contact_id, number, _label in ordered}


def main_emails(contacts: Sequence[Contact]) -> Mapping[int, str]:
    """The first e-mail address of each contact; one query for all."""
    rows = _of(contacts, lambda ids: sa.select(EmailAddress.contact_id, EmailAddress.address)
               .where(EmailAddress.contact_id.in_(ids)).order_by(EmailAddress.id.desc()))  # fmt: skip
    return dict(rows)


def people_counts(companies: Sequence[Company]) -> Mapping[int, int]:
    """How many people of each company the reader may see; one query for all."""
    rows = _of(companies, lambda ids: sa.select(Person.company_id, sa.func.count())
               .where(Person.company_id.in_(ids)).group_by(Person.company_id))  # fmt: skip
    return dict(rows)


def _of(contacts: Sequence[Contact], query: Callable[[list[int]], sa.Select]) -> list[sa.Row]:  # type: ignore[type-arg]
    session = object_session(contacts[0]) if contacts else None
    if session is None:
        return []
    return list(session.execute(query([contact.id for contact in contacts])).all())


def recent_people(session: Session, limit: int) -> list[Person]:
    """The people added last, with their companies."""
    query = (
        sa.select(Person)
        .options(sa.orm.selectinload(Person.company))
        .order_by(Person.created_at.desc(), Person.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def tag_named(session: Session, name: str) -> Tag | None:
    """The tag of this name, in any spelling."""
    return session.scalars(sa.select(Tag).where(Tag.name_key == name_key(name)).order_by(Tag.id).limit(1)).first()


def add_tags(contact: Contact, tags: Iterable[Tag]) -> int:
    """Mark ``contact`` with the tags it does not have yet; how many those were."""
    absent = [tag for tag in dict.fromkeys(tags) if tag not in contact.tags]
    contact.tags.extend(absent)
    return len(absent)


def tagged_counts(tags: Sequence[Tag]) -> Mapping[int, int]:
    """How many contacts carry each tag; one query for all."""
    session = object_session(tags[0]) if tags else None
    if session is None:
        return {}
    query = (
        sa.select(contact_tag.c.tag_id, sa.func.count(Contact.id))
        .join(Contact, Contact.id == contact_tag.c.contact_id)
        .where(contact_tag.c.tag_id.in_([tag.id for tag in tags]))
        .group_by(contact_tag.c.tag_id)
    )
    return dict(session.execute(query).all())
