"""What this plugin adds to the site."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core import Actor, Card, Permission, PersonalData, Screen, SiteInfo, concerns, hookimpl, record_permissions
from plugins.contacts import demo, pages, privacy, rules
from plugins.contacts.models import Contact, Person, Tag
from plugins.contacts.screens import COMPANY_SCREEN, PERSON_SCREEN, TAG_SCREEN


@hookimpl
def permissions() -> list[Permission]:
    return [
        *record_permissions("contacts.person", _l("People")),
        *record_permissions("contacts.company", _l("Companies")),
        *record_permissions("contacts.tag", _l("Tags")),
    ]


@hookimpl
def screens(site: SiteInfo) -> list[Screen]:
    return [PERSON_SCREEN, COMPANY_SCREEN, TAG_SCREEN]


@hookimpl
def dashboard_cards(site: SiteInfo) -> list[Card]:
    return [
        Card(
            title=_l("Recently added people"),
            template="contacts/recent_people.html",
            load=pages.recent_card,
            permission="contacts.person.see",
            weight=60,
        )
    ]


@hookimpl
def query_filter(model: type, actor: Actor) -> Any:
    return rules.visible_to(model, actor) if issubclass(model, Contact) else None


@hookimpl
@concerns(Contact, Tag, detached=(Contact,))
def before_save(record: Any, changes: dict[str, Any]) -> None:
    rules.check(record)


@hookimpl
@concerns(Person)
def personal_data(record: Person) -> list[PersonalData]:
    return privacy.held(record)


@hookimpl
def demo_data(session: Session) -> None:
    demo.add(session)
