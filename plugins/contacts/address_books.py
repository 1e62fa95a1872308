"""The CSV files that Google Contacts and Outlook write, recognised by their titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

# Google's files number what a contact may have several of: «Phone 2 - Value». The label is called Type in older ones.
_GOOGLE_MARK = re.compile(r"E-mail 1 - (Value|Label|Type)|Phone 1 - (Value|Label|Type)|Group Membership")
MOST_ADDRESSES = 2  # of one person; a file may hold more
_GOOGLE_PLAIN = {
    "Given Name": "first_name", "First Name": "first_name",
    "Additional Name": "middle_name", "Middle Name": "middle_name",
    "Family Name": "last_name", "Last Name": "last_name",
    "Name": "full_name",
    "Birthday": "birthday", "Notes": "note",
    "Organization Name": "company", "Organization 1 - Name": "company",
    "Organization Title": "job_title", "Organization 1 - Title": "job_title",
    "Group Membership": "tags", "Labels": "tags",
    "Website 1 - Value": "website",
}  # fmt: skip
_GOOGLE_NUMBERED = re.compile(r"(E-mail|Phone|Address) ([1-3]) - (.+)")
_GOOGLE_ADDRESS = {
    "Street": "street", "City": "city", "Region": "province", "Postal Code": "postal_code", "Country": "country",
    "Label": "label", "Type": "label",
}  # fmt: skip

_OUTLOOK_MARK = frozenset({"E-mail Address", "Business Phone", "Mobile Phone", "Home Street", "Business Street"})
_OUTLOOK = {
    "First Name": "first_name", "Middle Name": "middle_name", "Last Name": "last_name",
    "Company": "company", "Job Title": "job_title", "Birthday": "birthday", "Notes": "note", "Categories": "tags",
    "E-mail Address": "emails.1.address", "E-mail 2 Address": "emails.2.address",
    "E-mail 3 Address": "emails.3.address",
    "Mobile Phone": "phones.mobile.number", "Business Phone": "phones.work.number",
    "Home Phone": "phones.home.number", "Business Phone 2": "phones.1.number", "Home Phone 2": "phones.2.number",
    "Other Phone": "phones.3.number", "Business Fax": "phones.fax.number",
    "Business Street": "addresses.work.street", "Business City": "addresses.work.city",
    "Business State": "addresses.work.province", "Business Postal Code": "addresses.work.postal_code",
    "Business Country/Region": "addresses.work.country", "Business Country": "addresses.work.country",
    "Home Street": "addresses.home.street", "Home City": "addresses.home.city",
    "Home State": "addresses.home.province", "Home Postal Code": "addresses.home.postal_code",
    "Home Country/Region": "addresses.home.country", "Home Country": "addresses.home.country",
    "Web Page": "website",
}  # fmt: skip


def recognise(header: Sequence[str]) -> Mapping[int, str]:
    """The mapping of a file in one of the known formats; empty for any other."""
    titles = [title.strip() for title in header]
    if any(_GOOGLE_MARK.fullmatch(title) for title in titles):
        return _google(titles)
    if len(_OUTLOOK_MARK.intersection(titles)) >= 2:
        return _once((position, _OUTLOOK.get(title)) for position, title in enumerate(titles))
    return {}


def _google(titles: Sequence[str]) -> dict[int, str]:
    # The older format has the whole name beside its parts; the parts are surer.
    parts = {"Given Name", "Family Name"}.intersection(titles)
    return _once(
        (position, None if title == "Name" and parts else _google_column(title))
        for position, title in enumerate(titles)
    )


def _google_column(title: str) -> str | None:
    match = _GOOGLE_NUMBERED.fullmatch(title)
    if match is None:
        return _GOOGLE_PLAIN.get(title)
    thing, number, what = match.groups()
    if thing == "Address":
        part = _GOOGLE_ADDRESS.get(what)
        return f"addresses.{number}.{part}" if part and int(number) <= MOST_ADDRESSES else None
    group, value = ("emails", "address") if thing == "E-mail" else ("phones", "number")
    if what == "Value":
        return f"{group}.{number}.{value}"
    return f"{group}.{number}.label" if what in ("Label", "Type") else None


def _once(pairs: Iterable[tuple[int, str | None]]) -> dict[int, str]:
    mapping: dict[int, str] = {}
    for position, name in pairs:
        if name is not None and name not in mapping.values():
            mapping[position] = name
    return mapping
