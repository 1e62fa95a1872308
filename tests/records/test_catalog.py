"""The Catalog describes record types and how they point at one another."""

from collections.abc import Callable

from core.testing.installation import TestInstallation


def test_a_record_type_knows_which_links_lead_to_it(make_site: Callable[..., TestInstallation]) -> None:
    site = make_site("sales").site
    from plugins.contacts.models import Company, Person
    from plugins.sales.models import Deal

    assert [reference.name for reference in site.catalog.references(Company)] == [
        "contacts.person.company",
        "sales.deal.company",
    ]
    assert [reference.name for reference in site.catalog.references(Person)] == ["sales.deal.contact"]
    assert site.catalog.references(Deal) == ()
