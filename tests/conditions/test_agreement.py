"""The two evaluators give the same answer about every record, on both databases."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from core.accounts.actor import Actor, acting_as
from core.records.conditions import Context, matches, parse, to_sql
from tests.admin.toy_site import Toys
from tests.conditions.conftest import SEES
from tests.conditions.trees import trees

TODAY = dt.date(2026, 11, 26)
TOGETHER = 20  # trees that one query asks about


@pytest.mark.parametrize("name", ["toys.kite", "toys.maker", "toys.land"])
def test_sql_and_python_agree_on_random_trees(full_toys: Toys, name: str) -> None:
    record_type = full_toys.site.catalog.find(name)
    model: Any = record_type.model
    with full_toys.app.test_request_context():
        actor = Actor(full_toys.person, "Sara", permissions=SEES)
        chosen = st.lists(trees(record_type), min_size=TOGETHER, max_size=TOGETHER)

        @seed(20261126)
        @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(chosen, st.sampled_from(["gregorian", "jalali"]), st.sampled_from([full_toys.person, None]))
        def agree(found: list[Any], calendar: Any, user: int | None) -> None:
            context = Context(TODAY, calendar, "Asia/Tehran", user)
            conditions = [parse(tree, record_type) for tree in found]
            criteria = [to_sql(condition, model, context) for condition in conditions]
            columns = [sa.type_coerce(criterion, sa.Boolean) for criterion in criteria]
            with acting_as(actor):
                session = full_toys.database.session()
                rows = session.execute(sa.select(model, *columns)).unique().all()
                assert len(rows) > 1
                seen.update(value for row in rows for value in row[1:])
                for record, *answers in rows:
                    for condition, answer in zip(conditions, answers, strict=True):
                        assert answer is matches(condition, record, context), (condition.text, record.id)

        seen: set[bool] = set()
        agree()
        assert seen == {True, False}
        full_toys.database.session.remove()


@pytest.mark.parametrize("name", ["toys.kite", "toys.maker"])
def test_a_tree_read_again_from_its_own_json_is_the_same(full_toys: Toys, name: str) -> None:
    record_type = full_toys.site.catalog.find(name)
    with full_toys.app.test_request_context():

        @seed(20261126)
        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(trees(record_type))
        def same(tree: Any) -> None:
            condition = parse(tree, record_type)
            again = parse(json.loads(condition.text), record_type)
            assert again.tree == condition.tree
            assert again.root == condition.root

        same()
