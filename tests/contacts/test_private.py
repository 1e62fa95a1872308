"""A private contact is seen by its owner, its author and administrators, and by nobody else."""

from collections.abc import Callable

import sqlalchemy as sa

from core.accounts import users
from core.accounts.actor import Actor, acting_as
from core.testing.installation import TestInstallation


def test_a_private_contact_is_hidden_from_other_users_everywhere(
    make_site: Callable[..., TestInstallation], dialect: str
) -> None:
    from plugins.contacts.models import Contact, Person

    installation = make_site("contacts", dialect=dialect)
    with installation.acting() as session:
        other = users.create_user(session, "other@example.com", "Other", None)
        session.commit()
        grants = installation.site.grants["user"]
        stranger = Actor(other.id, other.name, frozenset({"user"}), grants)
    with installation.acting("user") as session:
        session.add(Person(first_name="Ada", last_name="Secret", private=True))
        session.commit()
        assert len(session.scalars(sa.select(Person)).all()) == 1
    with installation.acting() as session, acting_as(stranger):
        assert session.scalars(sa.select(Person)).all() == []
        assert session.scalars(sa.select(Contact)).all() == []
        assert session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0
    with installation.acting("administrator") as session:
        assert len(session.scalars(sa.select(Person)).all()) == 1
    page = installation.browser("administrator").get("/contacts/person/").get_data(as_text=True)
    assert "Ada Secret" in page
