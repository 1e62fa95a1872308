"""Pages that only read begin no transaction on PostgreSQL; whatever writes or locks has one as ever."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.accounts.models import Role
from core.database.engine import reading
from core.database.limits import TooSlow, time_limit
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]


@pytest.fixture
def installation(make_site: MakeSite) -> TestInstallation:
    return make_site(dialect="postgresql")


@contextmanager
def work(installation: TestInstallation) -> Iterator[Session]:
    with installation.acting() as session, reading():
        yield session


def in_transaction(session: Session, statement: sa.Select[int]) -> bool:
    """Whether the connection that answers ``statement`` has begun a transaction."""
    connection = session.connection(bind_arguments={"clause": statement})
    session.execute(statement)
    raw = connection.connection.driver_connection
    assert raw is not None
    return bool(raw.info.transaction_status.name == "INTRANS")


ONE = sa.select(sa.literal(1))


def test_a_read_begins_no_transaction(installation: TestInstallation) -> None:
    with work(installation) as session:
        assert not in_transaction(session, ONE)
    with installation.acting() as session:
        assert in_transaction(session, ONE)  # not inside ``reading()``


def test_what_is_written_is_seen_at_once_and_gone_after_a_rollback(installation: TestInstallation) -> None:
    count = sa.select(sa.func.count()).select_from(Role).where(Role.name == "passing")
    with work(installation) as session:
        assert session.scalar(count) == 0
        session.add(Role(name="passing"))
        session.flush()
        assert session.scalar(count) == 1
        assert in_transaction(session, ONE)
        session.rollback()
        assert session.scalar(count) == 0
        assert not in_transaction(session, ONE)


def test_a_lock_and_a_stream_have_their_transaction(installation: TestInstallation) -> None:
    with work(installation) as session:
        session.scalars(sa.select(Role).with_for_update()).all()
        assert in_transaction(session, ONE)
        session.rollback()
        assert len(list(session.scalars(sa.select(Role).execution_options(yield_per=1)))) > 0


def test_a_query_past_its_time_is_ended_and_the_next_one_has_all_the_time_again(installation: TestInstallation) -> None:
    slow = sa.select(sa.func.pg_sleep(0.3))
    with work(installation) as session:
        with pytest.raises(TooSlow), time_limit(session, 0.05):
            session.execute(slow)
        session.execute(slow)


def test_reads_inside_of_a_savepoint_have_a_transaction(installation: TestInstallation) -> None:
    with work(installation) as session, session.begin_nested():
        assert in_transaction(session, ONE)
