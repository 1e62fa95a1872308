"""Nothing that belonged to a record stays when it is gone for good."""

from collections.abc import Callable

import sqlalchemy as sa

from core.records.followers import Follower, follow
from core.records.note import Note, add_note
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


def left(session: sa.orm.Session) -> int:
    return sum(session.scalar(sa.select(sa.func.count()).select_from(model)) or 0 for model in (Note, Follower))


def test_notes_and_followers_go_with_their_record_and_not_before(make_site: MakeSite, dialect: str) -> None:
    site = make_site("contacts", dialect=dialect)
    from plugins.contacts.models import Company

    with site.acting("user") as session:
        acme, other = Company(name="Acme"), Company(name="Other")
        session.add_all([acme, other])
        session.commit()
        for record in (acme, other):
            add_note(record, "Call back")
            follow(record)
        session.commit()
    with site.acting() as session:
        session.delete(session.scalars(sa.select(Company).where(Company.name == "Acme")).one())
        session.flush()
        assert left(session) == 2
        session.rollback()
        assert left(session) == 4
    for action in ("disable", "uninstall", "purge"):
        site.change(action, "contacts")
    with site.acting() as session:
        assert left(session) == 0
