"""What deals mean for the people and companies they are made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from core import Column, session
from plugins.contacts.models import CUSTOMER, FORMER, PROSPECT, Contact
from plugins.sales.models import Deal

WON_EVENT = "sales.deal.won"


def open_deals(link: Any) -> Any:
    """A function that counts the open deals of the contacts on one page in one query.

    Args:
        link: the column of ``Deal`` that points to them.
    """

    def count(contacts: Sequence[Contact]) -> Mapping[int, int]:
        ids = [contact.id for contact in contacts]
        query = sa.select(link, sa.func.count(Deal.id)).where(link.in_(ids), Deal.closed_at.is_(None)).group_by(link)
        rows: Sequence[Any] = session.execute(query).all()
        return dict(rows)

    return count


OPEN_DEALS = {
    "contacts.person": Column(
        name="open_deals", label=_l("Open deals"), load=open_deals(Deal.contact_id), kind="integer"
    ),
    "contacts.company": Column(
        name="open_deals", label=_l("Open deals"), load=open_deals(Deal.company_id), kind="integer"
    ),
}


def greet(deal_id: int) -> None:
    """Make customers of whom the deal with this id was won with. Doing it twice changes nothing."""
    deal = session.get(Deal, deal_id)
    for contact in (deal.contact, deal.company) if deal is not None else ():
        if contact is not None and contact.status in (PROSPECT, FORMER):
            contact.status = CUSTOMER
