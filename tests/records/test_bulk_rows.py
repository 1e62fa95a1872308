"""Rows that go into tables by thousands: whatever they hold comes back as it was."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from core.database.bulk import insert_all, insert_rows
from core.database.types import UtcDateTime
from core.testing.installation import TestInstallation

MakeSite = Callable[..., TestInstallation]
METADATA = sa.MetaData()
BOX = sa.Table(
    "box", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("whole", sa.BigInteger),
    sa.Column("real", sa.Float),
    sa.Column("amount", sa.Numeric(20, 4)),
    sa.Column("is_open", sa.Boolean),
    sa.Column("day", sa.Date),
    sa.Column("at", UtcDateTime),
    sa.Column("clock", sa.Time),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("told", sa.JSON(none_as_null=True)),
)  # fmt: skip
LABEL = sa.Table(
    "label", METADATA, sa.Column("box_id", sa.ForeignKey("box.id"), primary_key=True), sa.Column("name", sa.Text)
)
NAMES = [column.name for column in BOX.c if column.name != "id"]

# PostgreSQL keeps no NUL, and a lone surrogate is no text.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
rows = st.tuples(
    texts | st.sampled_from(["\\N", "\\", "a\tb", "a\nb\r", "\\t", "", "علی\u200cرضا"]) | st.none(),
    st.integers(-(2**63), 2**63 - 1) | st.none(),
    st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    st.decimals(-(10**9), 10**9, places=4) | st.none(),
    st.booleans() | st.none(),
    st.dates() | st.none(),
    st.datetimes(timezones=st.just(dt.UTC)) | st.none(),
    st.times() | st.none(),
    st.binary() | st.none(),
    st.dictionaries(texts, texts | st.lists(st.integers() | texts, max_size=3), max_size=3) | st.none(),
)


@pytest.fixture
def connection(make_site: MakeSite, dialect: str) -> Any:
    with make_site(dialect=dialect).runtime.database.engine.connect() as connection:
        METADATA.create_all(connection)
        yield connection
        connection.rollback()


def test_whatever_rows_hold_comes_back(connection: sa.Connection) -> None:
    @settings(max_examples=60, deadline=None, phases=[Phase.generate])
    @given(st.lists(rows, max_size=8))
    def holds(some: list[tuple[Any, ...]]) -> None:
        insert_rows(connection, BOX, NAMES, iter(some))
        found = connection.execute(sa.select(*(BOX.c[name] for name in NAMES)).order_by(BOX.c.id)).all()
        connection.execute(sa.delete(BOX))
        assert [tuple(row) for row in found] == some

    holds()


def test_more_rows_than_are_converted_at_a_time_arrive_in_their_order(connection: sa.Connection) -> None:
    insert_rows(connection, BOX, ["text", "amount"], ((f"row {n}", Decimal(n % 3)) for n in range(2_500)))
    found = connection.execute(sa.select(BOX.c.text).order_by(BOX.c.id)).scalars().all()
    assert found == [f"row {n}" for n in range(2_500)]


def test_a_row_that_a_later_table_refuses_is_an_error_of_the_database(connection: sa.Connection) -> None:
    with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
        insert_all(
            connection,
            [(BOX, ["id", "text"], [(1, "there")]), (LABEL, ["box_id", "name"], [(1, "good"), (2, "of nothing")])],
        )
    assert connection.scalar(sa.select(sa.func.count()).select_from(BOX)) == 0


def test_an_error_while_rows_are_made_leaves_a_connection_that_goes_on(connection: sa.Connection) -> None:
    def broken() -> Any:
        yield (1, "good")
        raise LookupError

    with pytest.raises(LookupError), connection.begin_nested():
        insert_all(connection, [(BOX, ["id", "text"], [(1, "there")]), (LABEL, ["box_id", "name"], broken())])
    assert connection.scalar(sa.select(sa.func.count()).select_from(BOX)) == 0
