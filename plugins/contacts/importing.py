"""Rows of a file as people and companies: whole names cut, numbers labelled, and who is the same as whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import phonenumbers
from flask_babel import gettext as _

from core import ImportHints, fold, format_phone
from plugins.contacts.address_books import recognise
from plugins.contacts.import_columns import COMPANY_TITLES, NAME_COLUMNS, PARSE, PERSON_TITLES, SAMPLES
from plugins.contacts.models import MOBILE, NAME_LENGTH, WORK, full_name

PART_LENGTH = 100  # of a first or a last name
_LETTER = ("street", "province", "postal_code")
_MOBILE_TYPES = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def settle_person(values: dict[str, Any]) -> None:
    """Bring the values of a row in order: the name in its parts, labels where there are none.

    Raises:
        ValueError: nothing in the row could serve as a name.
    """
    first, last = values.get("first_name"), values.get("last_name")
    if middle := values.get("middle_name"):
        first = full_name(first, middle)
    if not (first or last) and (whole := values.get("full_name")):
        first, last = split_name(whole)
    if first:
        values["first_name"] = first[:PART_LENGTH]
    if last:
        values["last_name"] = last[:PART_LENGTH]
    _settle(values)
    name = full_name(values.get("first_name"), values.get("last_name")) or _stand_in(values)
    if name:
        values["name"] = name[:NAME_LENGTH]
    elif not values.get("id"):
        raise ValueError(_("The row has no name, e-mail address or phone number."))


def settle_company(values: dict[str, Any]) -> None:
    """Bring the values of a row in order, like ``settle_person``."""
    _settle(values)


def _settle(values: dict[str, Any]) -> None:
    for part in values.get("phones", ()):
        if not part.get("label") and (number := part.get("number")):
            part["label"] = MOBILE if is_mobile(number) else WORK
    places = values.get("addresses")
    if not places:
        return
    if not values.get("city") and (city := next((place["city"] for place in places if place.get("city")), None)):
        values["city"] = city
    # A city alone is where somebody is, not where a letter arrives.
    values["addresses"] = [place for place in places if any(place.get(part) for part in _LETTER)]
    for place in values["addresses"]:
        if place.get("label") in (None, WORK) and not place.get("city") and values.get("city"):
            place["city"] = values["city"]


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


def same_person(values: Mapping[str, Any], name: str, key: str, value: Any) -> bool:
    """Whether a shared key makes two people one: the number of an office does only when their names agree."""
    return key != "phones" or is_mobile(value) or alike(name, str(values.get("name") or ""))


def same_company(values: Mapping[str, Any], name: str, key: str, value: Any) -> bool:
    """Whether a shared key makes two companies one; companies of one building share numbers, so names must agree."""
    return key not in ("phones", "emails") or alike(name, str(values.get("name") or ""))


def _stand_in(values: Mapping[str, Any]) -> str:
    """What an address book shows for somebody without a name."""
    for part in values.get("emails", ()):
        return str(part["address"])
    for part in values.get("phones", ()):
        return format_phone(part["number"])
    return ""


PEOPLE = ImportHints(
    synonyms=PERSON_TITLES,
    samples=SAMPLES,
    parse=PARSE,
    columns=NAME_COLUMNS,
    derived=("name",),
    together=("first_name", "last_name"),
    settle=settle_person,
    recognise=recognise,
    keys=("emails", "phones", "name"),
    agree=same_person,
)
COMPANIES = ImportHints(
    synonyms=COMPANY_TITLES,
    samples=SAMPLES,
    parse=PARSE,
    settle=settle_company,
    keys=("name", "emails", "phones"),
    agree=same_company,
)
