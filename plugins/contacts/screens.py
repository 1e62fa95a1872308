"""People, companies and tags as screens."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from core import Column, FieldGroup, Screen
from plugins.contacts.duplicates import RULES
from plugins.contacts.importing import COMPANIES, PEOPLE
from plugins.contacts.models import Company, Person, Tag
from plugins.contacts.services import (
    email_query,
    main_emails,
    main_phones,
    people_counts,
    people_query,
    phone_query,
    tagged_counts,
)

SECTION = _l("Contacts")

PHONE = Column(name="phone", label=_l("Phone"), load=main_phones, query=phone_query, kind="phone")
EMAIL = Column(name="email", label=_l("E-mail"), load=main_emails, query=email_query, kind="email")
PEOPLE_COUNT = Column(name="people", label=_l("People"), load=people_counts, query=people_query, kind="integer")

REACH = FieldGroup(_l("Reachable at"), ("phones", "emails", "addresses"))


def _work(person: Person) -> str:
    """What a person does, and where."""
    return " · ".join(part for part in (person.job_title, str(person.company or "")) if part)


def _trade(company: Company) -> str:
    return company.city or ""


PERSON_SCREEN = Screen(
    model=Person,
    title=_l("Person"),
    plural=_l("People"),
    icon="user",
    section=SECTION,
    weight=10,
    key="C",
    sign="@",
    columns=("name", "company", "status", "phone", "email", "city", "tags"),
    form=(
        FieldGroup(_l("Person"), ("first_name", "last_name", "company", "job_title", "birthday", "status")),
        REACH,
        FieldGroup(_l("More"), ("city", "tags", "owner", "private")),
    ),
    filters=("status", "company", "city", "tags", "owner", "birthday", "created_at"),
    search=("search_text",),
    editable=("job_title", "city", "status"),
    order="name",
    subtitle=_work,
    children=("phones", "emails", "addresses"),
    computed=(PHONE, EMAIL),
    importing=PEOPLE,
    duplicates=RULES,
)

COMPANY_SCREEN = Screen(
    model=Company,
    title=_l("Company"),
    plural=_l("Companies"),
    icon="building",
    section=SECTION,
    weight=11,
    key="O",
    sign="@",
    columns=("name", "industry", "status", "people", "phone", "email", "city", "tags"),
    form=(
        FieldGroup(_l("Company"), ("name", "industry", "website", "national_id", "status")),
        REACH,
        FieldGroup(_l("More"), ("city", "tags", "owner", "private")),
    ),
    filters=("status", "industry", "city", "tags", "owner", "created_at"),
    search=("search_text",),
    editable=("industry", "city", "status"),
    order="name",
    subtitle=_trade,
    children=("phones", "emails", "addresses"),
    computed=(PEOPLE_COUNT, PHONE, EMAIL),
    importing=COMPANIES,
    duplicates=RULES,
)

TAG_SCREEN = Screen(
    model=Tag,
    title=_l("Tag"),
    plural=_l("Tags"),
    icon="tags",
    section=SECTION,
    weight=12,
    key="T",
    sign="#",
    columns=("name", "color", "tagged", "created_at"),
    form=(FieldGroup(_l("Tag"), ("name", "color")),),
    filters=("color",),
    search=("search_text",),
    editable=("name", "color"),
    order="name",
    computed=(Column(name="tagged", label=_l("Contacts"), load=tagged_counts, kind="integer"),),
)
