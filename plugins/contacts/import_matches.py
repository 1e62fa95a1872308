"""Rows of a file matched with contacts that exist, and with rows further up, in a few queries per batch.

Two people are one when they share an e-mail address or a mobile number, when they share another number and their names
agree, or when their names are equal and one of them has neither number nor address to tell them apart. A company is
told by its name first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import InstrumentedAttribute, Session

from core import format_phone
from core.records.transfer.inserting import chunks
from plugins.contacts.import_drafts import Draft, alike, is_mobile
from plugins.contacts.models import Company, Contact, EmailAddress, PhoneNumber


@dataclass
class Known:
    """A contact that a row can be the same as: one in the database (``id``), or one of this batch (``draft``)."""

    name: str
    reachable: bool
    id: int | None = None
    draft: Draft | None = None


@dataclass(frozen=True)
class Match:
    """The contact that a row is about, and a sentence that says how it was recognised."""

    known: Known
    reason: str


class Matches:
    """What a batch can match.

    Args:
        session: the unit of work; only contacts its actor may see are matched.
        model: ``Person`` or ``Company``.
        drafts: the batch, whose numbers, addresses and names are looked up together.
    """

    def __init__(self, session: Session, model: type[Contact], drafts: Sequence[Draft]) -> None:
        self._by_name_first = issubclass(model, Company)
        self._contacts: dict[int, Known] = {}
        self._emails: dict[str, list[Known]] = {}
        self._phones: dict[str, list[Known]] = {}
        self._names: dict[str, list[Known]] = {}
        reachable = sa.or_(
            sa.exists().where(PhoneNumber.contact_id == model.id),
            sa.exists().where(EmailAddress.contact_id == model.id),
        )
        self._load(session, model, EmailAddress.address, (e for d in drafts for e in d.emails), self._emails)
        self._load(session, model, PhoneNumber.number, (p for d in drafts for p in d.phones), self._phones)
        for keys in chunks({draft.key for draft in drafts if draft.key}):
            query = sa.select(model.name_key, model.id, model.name, reachable).where(model.name_key.in_(keys))
            for key, contact_id, name, has_reach in session.execute(query):
                self._keep(self._names, key, self._contacts.setdefault(contact_id, Known(name, has_reach, contact_id)))

    def _load(
        self,
        session: Session,
        model: type[Contact],
        column: InstrumentedAttribute[str],
        values: Iterable[str],
        index: dict[str, list[Known]],
    ) -> None:
        for wanted in chunks(set(values)):
            query = (
                sa.select(column, model.id, model.name)
                .join(model, model.id == column.class_.contact_id)
                .where(column.in_(wanted))
                .order_by(model.id)
            )
            for value, contact_id, name in session.execute(query):
                self._keep(index, value, self._contacts.setdefault(contact_id, Known(name, True, contact_id)))

    @staticmethod
    def _keep(index: dict[str, list[Known]], value: str, known: Known) -> None:
        index.setdefault(value, []).append(known)

    def add(self, draft: Draft) -> None:
        """Let rows further down match this one."""
        known = Known(draft.name, bool(draft.phones or draft.emails), draft=draft)
        self._keep(self._names, draft.key, known)
        for number in draft.phones:
            self._keep(self._phones, number, known)
        for address in draft.emails:
            self._keep(self._emails, address, known)

    def find(self, draft: Draft) -> Match | None:
        """The contact that ``draft`` is about, if it is known."""
        if self._by_name_first:
            return self._same_name(draft) or self._same_email(draft) or self._same_phone(draft)
        return self._same_email(draft) or self._same_phone(draft) or self._same_name(draft)

    def _same_email(self, draft: Draft) -> Match | None:
        for address in draft.emails:
            for known in self._emails.get(address, ()):
                if not self._by_name_first or alike(known.name, draft.name):
                    return Match(known, _("%(name)s has the e-mail address %(address)s.", name=known.name,
                                          address=address))  # fmt: skip
        return None

    def _same_phone(self, draft: Draft) -> Match | None:
        for number in draft.phones:
            for known in self._phones.get(number, ()):
                if alike(known.name, draft.name) or (not self._by_name_first and is_mobile(number)):
                    return Match(known, _("%(name)s has the phone number %(number)s.", name=known.name,
                                          number=format_phone(number)))  # fmt: skip
        return None

    def _same_name(self, draft: Draft) -> Match | None:
        reachable = bool(draft.phones or draft.emails)
        for known in self._names.get(draft.key, ()):
            if self._by_name_first or not (reachable and known.reachable):
                return Match(known, _("%(name)s exists already.", name=known.name))
        return None
