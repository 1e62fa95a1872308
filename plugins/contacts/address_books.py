"""The CSV files that Google Contacts and Outlook write, recognised by their titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

# Google's files number what a contact may have several of: «Phone 2 - Value». The label is called Type in older ones.
_GOOGLE_MARK = re.compile(r"E-mail 1 - (Value|Label|Type)|Phone 1 - (Value|Label|Type)|Group Membership")
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
    "Label": "address_label", "Type": "address_label",
}  # fmt: skip

_OUTLOOK_MARK = frozenset({"E-mail Address", "Business Phone", "Mobile Phone", "Home Street", "Business Street"})
_OUTLOOK = {
    "First Name": "first_name", "Middle Name": "middle_name", "Last Name": "last_name",
    "Company": "company", "Job Title": "job_title", "Birthday": "birthday", "Notes": "note", "Categories": "tags",
    "E-mail Address": "email_1", "E-mail 2 Address": "email_2", "E-mail 3 Address": "email_3",
    "Mobile Phone": "mobile", "Business Phone": "work_phone", "Home Phone": "home_phone",
    "Business Phone 2": "phone_1", "Home Phone 2": "phone_2", "Other Phone": "phone_3", "Business Fax": "fax",
    "Business Street": "street", "Business City": "city", "Business State": "province",
    "Business Postal Code": "postal_code", "Business Country/Region": "country", "Business Country": "country",
    "Home Street": "home_street", "Home City": "home_city", "Home State": "home_province",
    "Home Postal Code": "home_postal_code", "Home Country/Region": "home_country", "Home Country": "home_country",
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
        return _GOOGLE_ADDRESS.get(what) if number == "1" else None
    name = f"{'email' if thing == 'E-mail' else 'phone'}_{number}"
    if what == "Value":
        return name
    return f"{name}_label" if what in ("Label", "Type") else None


def _once(pairs: Iterable[tuple[int, str | None]]) -> dict[int, str]:
    mapping: dict[int, str] = {}
    for position, name in pairs:
        if name is not None and name not in mapping.values():
            mapping[position] = name
    return mapping
