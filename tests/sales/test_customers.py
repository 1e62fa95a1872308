"""Winning a deal makes a customer of whom it was won with."""

from collections.abc import Callable

from core.testing.installation import TestInstallation


def test_a_won_deal_makes_customers_of_its_contact_and_company(
    make_site: Callable[..., TestInstallation], dialect: str
) -> None:
    from plugins.contacts.models import Company, Person
    from plugins.sales.models import Deal
    from plugins.sales.services import win

    installation = make_site("contacts", "sales", dialect=dialect)
    with installation.acting("user") as session:
        ada, firm = Person(first_name="Ada"), Company(name="Initech", status="partner")
        deal = Deal(name="Licence", amount=100, contact=ada, company=firm)
        session.add_all([ada, firm, deal])
        session.commit()
        win(deal)
        session.commit()
        person, company = ada.id, firm.id
    installation.run_jobs()
    with installation.acting() as session:
        assert session.get(Person, person).status == "customer"
        assert session.get(Company, company).status == "partner"


def test_lists_of_contacts_count_open_deals(make_site: Callable[..., TestInstallation]) -> None:
    installation = make_site("contacts", "sales")
    assert "open_deals" in installation.site.screens["contacts.person"].columns
    installation.change("disable", "sales")
    assert "open_deals" not in installation.site.screens["contacts.person"].columns
