"""Of which statements PostgreSQL keeps a plan."""

from collections.abc import Callable

import sqlalchemy as sa

from core.accounts.models import User
from core.database.engine import ONE_PLAN
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
KEPT = sa.text("SELECT statement FROM pg_prepared_statements")


def test_only_a_query_that_says_so_is_prepared_and_gives_each_value_its_answer(make_site: MakeSite) -> None:
    installation = make_site(dialect="postgresql")
    users = [installation.user("user"), installation.user("administrator")]
    by_key = sa.select(User.email).where(User.id == sa.bindparam("wanted")).execution_options(**{ONE_PLAN: True})
    in_range = sa.select(User.name).where(User.id >= sa.bindparam("wanted"))
    with installation.acting() as session:
        for _ in range(10):
            for user in users:
                assert session.scalar(by_key, {"wanted": user.id}) == user.email
                session.execute(in_range, {"wanted": user.id}).all()
        kept = "\n".join(session.scalars(KEPT))
    assert "SELECT core_user.email" in kept
    assert "SELECT core_user.name" not in kept


def test_after_a_transaction_is_taken_back_a_kept_plan_is_made_again(make_site: MakeSite) -> None:
    installation = make_site(dialect="postgresql")
    user = installation.user("user")
    by_key = sa.select(User.email).where(User.id == sa.bindparam("wanted")).execution_options(**{ONE_PLAN: True})
    with installation.acting() as session:
        for _ in range(3):
            assert session.scalar(by_key, {"wanted": user.id}) == user.email
            session.rollback()
