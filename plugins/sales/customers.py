"""What deals mean for the people and companies they are made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from core import Column, session
from plugins.contacts.models import CUSTOMER, FORMER, PROSPECT, Contact
from plugins.sales.models import Deal

WON_EVENT = "sales.deal.won"


def open_deals(link: Any) -> Column:
    """The column that counts the open deals of contacts, in one query for all.

    Args:
        link: the column of ``Deal`` that points to them.
    """

    def query(wanted: Callable[[Any], Any]) -> Any:
        return sa.select(link, sa.func.count(Deal.id)).where(wanted(link), Deal.closed_at.is_(None)).group_by(link)

    def count(contacts: Sequence[Contact]) -> Mapping[int, int]:
        ids = [contact.id for contact in contacts]
        rows: Sequence[Any] = session.execute(query(lambda key: key.in_(ids))).all()
        return dict(rows)

    return Column(name="open_deals", label=_l("Open deals"), load=count, query=query, kind="integer")


OPEN_DEALS = {"contacts.person": open_deals(Deal.contact_id), "contacts.company": open_deals(Deal.company_id)}


def greet(deal_id: int) -> None:
    """Make customers of whom the deal with this id was won with. Doing it twice changes nothing."""
    deal = session.get(Deal, deal_id)
    for contact in (deal.contact, deal.company) if deal is not None else ():
        if contact is not None and contact.status in (PROSPECT, FORMER):
            contact.status = CUSTOMER
