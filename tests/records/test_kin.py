"""The records that point at another one, as far as the actor sees them."""

from collections.abc import Callable

import sqlalchemy as sa

from core.records.archive import archive
from core.records.kin import kin
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


def test_one_query_finds_what_points_here_and_leaves_out_hidden_and_deleted(make_site: MakeSite, dialect: str) -> None:
    site = make_site("contacts", "sales", dialect=dialect)
    from plugins.contacts.models import Company, Person
    from plugins.sales.models import Deal

    with site.acting() as session:
        company = Company(name="Acme")
        gone = Person(first_name="Gone", company=company)
        seen = Person(first_name="Seen", company=company)
        session.add_all([company, seen, gone, Person(first_name="Secret", company=company, private=True)])
        session.add_all([Deal(name=f"deal {n}", company=company) for n in range(4)])
        session.commit()
        archive(gone)
        session.commit()
    with site.acting("user") as session:
        company = session.scalars(sa.select(Company)).one()
        asked: list[str] = []
        engine = site.runtime.database.engine
        sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        found = {reference.name: ids for reference, ids in kin(session, company, newest=2).pointing.items()}
        assert len(asked) == 1
        assert found["contacts.person.company"] == [seen.id]
        deals = found["sales.deal.company"]
        assert len(deals) == 3  # one more than asked for tells that there are more
        assert deals == sorted(deals, reverse=True)
