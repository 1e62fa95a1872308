"""Verbs on contacts, and what lists need to know of a whole page of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from plugins.contacts.models import FAX, Company, Contact, EmailAddress, Person, PhoneNumber, Tag, contact_tag, name_key

Wanted = Callable[[Any], Any]
"""Narrows a column of ids to those asked for, see ``core.Column``."""


def phone_query(wanted: Wanted) -> Any:
    """The numbers of contacts: faxes first and the oldest number last, which is the one that counts."""
    rows = sa.select(PhoneNumber.contact_id, PhoneNumber.number).where(wanted(PhoneNumber.contact_id))
    return rows.order_by((PhoneNumber.label == FAX).desc(), PhoneNumber.id.desc())


def email_query(wanted: Wanted) -> Any:
    """The e-mail addresses of contacts, the oldest last."""
    rows = sa.select(EmailAddress.contact_id, EmailAddress.address).where(wanted(EmailAddress.contact_id))
    return rows.order_by(EmailAddress.id.desc())


def people_query(wanted: Wanted) -> Any:
    """How many people of companies the reader may see."""
    rows = sa.select(Person.company_id, sa.func.count()).where(wanted(Person.company_id))
    return rows.group_by(Person.company_id)


def main_phones(contacts: Sequence[Contact]) -> Mapping[int, str]:
    """The first number of each contact that is no fax; one query for all."""
    return _of(contacts, phone_query)


def main_emails(contacts: Sequence[Contact]) -> Mapping[int, str]:
    """The first e-mail address of each contact; one query for all."""
    return _of(contacts, email_query)


def people_counts(companies: Sequence[Company]) -> Mapping[int, int]:
    """How many people of each company the reader may see; one query for all."""
    return _of(companies, people_query)


def _of(contacts: Sequence[Contact], query: Callable[[Wanted], Any]) -> Mapping[int, Any]:
    session = object_session(contacts[0]) if contacts else None
    if session is None:
        return {}
    ids = [contact.id for contact in contacts]
    rows: Sequence[Any] = session.execute(query(lambda key: key.in_(ids))).all()
    return dict(rows)


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
