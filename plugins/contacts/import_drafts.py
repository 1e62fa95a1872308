"""Rows of a file as contacts that are about to be written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers

from core import fold, format_phone
from core.records.transfer.checking import CheckedRow
from core.records.transfer.inserting import search_columns
from plugins.contacts.models import (
    FAX,
    HOME,
    MOBILE,
    NAME_LENGTH,
    PROSPECT,
    WORK,
    contact_words,
    full_name,
    name_key,
)

PART_LENGTH = 100  # of a first or a last name
_ADDRESS_PARTS = ("street", "city", "province", "postal_code", "country")
_FIXED_LABELS = (("mobile", MOBILE), ("work_phone", WORK), ("home_phone", HOME), ("fax", FAX))
_COPIED = ("first_name", "last_name", "job_title", "birthday", "website", "industry", "national_id", "city", "status")
_NAMES = frozenset({"first_name", "last_name"})
_MOBILE_TYPES = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


@dataclass
class Draft:
    """A contact read from one row: column values, parts, and the names of what it is linked to."""

    row: int
    values: dict[str, Any]
    phones: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    addresses: list[dict[str, Any]] = field(default_factory=list)
    tags: tuple[str, ...] = ()
    note: str = ""
    company: str = ""

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    @property
    def key(self) -> str:
        return name_key(self.name)

    def fill(self, other: Draft) -> bool:
        """Take over what this draft lacks from another row about the same contact; whether there was anything."""
        kept = {key: value for key, value in self.values.items() if value is not None}
        gained = {key: value for key, value in other.values.items() if key not in _NAMES or not _NAMES & set(kept)}
        before = (dict(self.values), dict(self.phones), dict(self.emails), list(self.addresses), self.tags, self.note)
        self.values = {**gained, **kept}
        self.values["name"] = full_name(self.values.get("first_name"), self.values.get("last_name")) or self.name
        self.phones = {**other.phones, **self.phones}
        self.emails = {**other.emails, **self.emails}
        self.addresses = self.addresses or other.addresses
        self.tags = tuple(dict.fromkeys((*self.tags, *other.tags)))
        if other.note not in self.note:
            self.note = "\n\n".join(note for note in (self.note, other.note) if note)
        self.company = self.company or other.company
        return before != (self.values, self.phones, self.emails, self.addresses, self.tags, self.note)

    def columns(self, company_id: int | None, owner_id: int | None) -> dict[str, Any]:
        """The values of the contact's own row."""
        shown = {key: value for key, value in self.values.items() if value is not None}
        words = contact_words([self.name, self.values.get("city")], list(self.phones), list(self.emails))
        words.append(self.values.get("job_title"))
        row = {**shown, "name_key": self.key, "owner_id": owner_id, **search_columns(words, self.name)}
        row.setdefault("status", PROSPECT)
        return row if company_id is None else {**row, "company_id": company_id}

    def parts(self) -> dict[str, Any]:
        """Numbers, addresses and tags as the history tells them."""
        return {
            "phones": [format_phone(number) for number in self.phones],
            "emails": list(self.emails),
            "tags": list(self.tags),
        }


def person_draft(row: CheckedRow) -> Draft | None:
    """The person in a row; None when nothing in it could serve as a name."""
    values = row.values
    first, last = values.get("first_name"), values.get("last_name")
    if middle := values.get("middle_name"):
        first = full_name(first, middle)
    if not (first or last) and (whole := values.get("full_name")):
        first, last = split_name(whole)
    first, last = (part[:PART_LENGTH] if part else None for part in (first, last))
    draft = _draft(row, {"first_name": first, "last_name": last})
    draft.values["name"] = (full_name(first, last) or _stand_in(draft))[:NAME_LENGTH]
    draft.company = values.get("company", "")
    return draft if draft.name else None


def company_draft(row: CheckedRow) -> Draft | None:
    """The company in a row."""
    return _draft(row, {"name": row.values["name"]}) if row.values.get("name") else None


def split_name(whole: str) -> tuple[str | None, str | None]:
    """First and last name of a whole one.

    «Karimi, Sara» says itself which is which. Otherwise the last word of a Latin name is the surname; of a Persian one
    the first word is the given name, because surnames such as «صادقی نژاد» are the ones with several words.
    """
    if "," in whole or "،" in whole:
        last, _comma, first = whole.replace("،", ",").partition(",")
        return first.strip() or None, last.strip() or None
    words = whole.split()
    if len(words) < 2:
        return whole, None
    cut = len(words) - 1 if whole.isascii() else 1
    return " ".join(words[:cut]), " ".join(words[cut:])


def is_mobile(number: str) -> bool:
    """Whether an E.164 number is carried by one person, unlike the number of an office or a family."""
    if number.startswith("+98"):
        return number.startswith("+989")
    return phonenumbers.number_type(phonenumbers.parse(number)) in _MOBILE_TYPES


def alike(one: str, other: str) -> bool:
    """Whether two names can be one person's: one has no word that the other lacks."""
    first, second = set(fold(one).split()), set(fold(other).split())
    return first <= second or second <= first


def _draft(row: CheckedRow, named: Mapping[str, Any]) -> Draft:
    cells = row.values
    values = {key: cells.get(key) for key in _COPIED if cells.get(key) is not None} | dict(named)
    addresses = list(_addresses(cells))
    if "city" not in values and addresses:
        values["city"] = next((place["city"] for place in addresses if place["city"]), None)
    return Draft(
        row=row.number,
        values=values,
        phones=_phones(cells),
        emails=_labelled(cells, "email", WORK),
        addresses=addresses,
        tags=cells.get("tags", ()),
        note=cells.get("note", ""),
    )


def _phones(cells: Mapping[str, Any]) -> dict[str, str]:
    phones = {number: code for name, code in _FIXED_LABELS for number in cells.get(name, ())}
    for number, label in _labelled(cells, "phone", "").items():
        phones.setdefault(number, label or (MOBILE if is_mobile(number) else WORK))
    return phones


def _labelled(cells: Mapping[str, Any], thing: str, usual: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for n in (1, 2, 3):
        label = cells.get(f"{thing}_{n}_label", usual)
        if thing == "email" and label in (MOBILE, FAX):
            label = usual
        for value in cells.get(f"{thing}_{n}", ()):
            found.setdefault(value, label)
    return found


def _addresses(cells: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    label = cells.get("address_label", WORK)
    for prefix, code in (("", WORK if label in (MOBILE, FAX) else label), ("home_", HOME)):
        place = {part: cells.get(f"{prefix}{part}") for part in _ADDRESS_PARTS}
        # A city alone is where somebody is, not where a letter arrives.
        if any(place[part] for part in _ADDRESS_PARTS if part not in ("city", "country")):
            yield {"label": code, **place}


def _stand_in(draft: Draft) -> str:
    """What an address book shows for somebody without a name."""
    return next(iter(draft.emails), "") or next((format_phone(number) for number in draft.phones), "")
