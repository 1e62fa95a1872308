"""What cannot be read is refused with its place; what can has one form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import ConditionError
from core.records.conditions import parse, parse_text, problems
from core.records.conditions.tree import MAX_DEPTH, MAX_JSON, MAX_NODES, MAX_VALUES
from tests.admin.toy_site import Toys

# Reading a tree asks no database, so one is enough.
pytestmark = pytest.mark.parametrize("full_toys", ["sqlite"], indirect=True)
NAME = {"field": "name", "op": "contains", "value": "x"}


@pytest.fixture
def kite(full_toys: Toys) -> Iterator[Any]:
    with full_toys.app.test_request_context():
        yield full_toys.site.catalog.find("toys.kite")


def nested(depth: int) -> Any:
    tree: Any = NAME
    for _ in range(depth):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        (None, ""),
        ([], ""),
        ("name", ""),
        ({}, ""),
        ({"both": []}, ""),
        ({"all": {}}, "all"),
        ({"all": [NAME, 5]}, "all[1]"),
        ({"all": [], "any": []}, ""),
        ({"any": [{"not": {"field": "nothing", "op": "eq", "value": 1}}]}, "any[0].not.field"),
        ({"field": "secret", "op": "eq", "value": "x"}, "field"),
        ({"field": "search_text", "op": "contains", "value": "x"}, "field"),
        ({"field": "version", "op": "eq", "value": 1}, "field"),
        ({"field": "extra", "op": "empty"}, "field"),
        ({"field": 7, "op": "eq", "value": 1}, "field"),
        ({"field": "owner.password", "op": "starts", "value": "$argon"}, "field"),
        ({"field": "created_by_id.password", "op": "starts", "value": "$argon"}, "field"),
        ({"field": "name.name", "op": "eq", "value": "x"}, "field"),
        ({"field": "maker.land.name.x", "op": "eq", "value": "x"}, "field"),
        ({"field": ".".join(["maker"] * 9), "op": "empty"}, "field"),
        ({"field": "tails.kite.name", "op": "eq", "value": "x"}, "field"),
        ({"field": "name", "value": "x"}, "op"),
        ({"field": "name", "op": "like", "value": "x"}, "op"),
        ({"field": "name", "op": ["eq"], "value": "x"}, "op"),
        ({"field": "flies", "op": "gt", "value": True}, "op"),
        (NAME | {"else": 1}, ""),
        ({"field": "name", "op": "eq"}, "value"),
        ({"field": "name", "op": "eq", "value": 5}, "value"),
        ({"field": "name", "op": "eq", "value": " \x00 "}, "value"),
        ({"field": "name", "op": "eq", "value": "x" * 401}, "value"),
        ({"field": "name", "op": "in", "value": "x"}, "value"),
        ({"field": "name", "op": "in", "value": []}, "value"),
        ({"field": "name", "op": "in", "value": ["x"] * (MAX_VALUES + 1)}, "value"),
        ({"field": "name", "op": "empty", "value": True}, "value"),
        ({"field": "state", "op": "eq", "value": "sold"}, "value"),
        ({"field": "paint", "op": "eq", "value": "url(x)"}, "value"),
        ({"field": "flies", "op": "eq", "value": 1}, "value"),
        ({"field": "flies", "op": "eq", "value": "yes"}, "value"),
        ({"field": "chance", "op": "eq", "value": True}, "value"),
        ({"field": "chance", "op": "eq", "value": 1.5}, "value"),
        ({"field": "chance", "op": "eq", "value": 10**15}, "value"),
        ({"field": "chance", "op": "eq", "value": 10**5000}, "value"),
        ({"field": "price", "op": "eq", "value": "NaN"}, "value"),
        ({"field": "price", "op": "eq", "value": "1e999999"}, "value"),
        ({"field": "price", "op": "between", "value": [1]}, "value"),
        ({"field": "weight", "op": "eq", "value": float("inf")}, "value"),
        ({"field": "day", "op": "eq", "value": "2026-13-01"}, "value"),
        ({"field": "day", "op": "eq", "value": "1404/12/30"}, "value"),
        ({"field": "day", "op": "eq", "value": "9999-12-31"}, "value"),
        ({"field": "day", "op": "eq", "value": "today+99999"}, "value"),
        ({"field": "day", "op": "eq", "value": 20261126}, "value"),
        ({"field": "day", "op": "within", "value": "this_decade"}, "value"),
        ({"field": "day", "op": "within", "value": "last_0_days"}, "value"),
        ({"field": "day", "op": "within", "value": "next_99999_months"}, "value"),
        ({"field": "maker", "op": "eq", "value": "me"}, "value"),
        ({"field": "maker", "op": "eq", "value": 0}, "value"),
        ({"field": "maker", "op": "eq", "value": 2**63}, "value"),
        ({"field": "maker", "op": "eq", "value": True}, "value"),
        ({"field": "phone", "op": "eq", "value": "no digits"}, "value"),
        ({"count": "toys.kite.maker", "op": "ge", "value": 1}, "count"),
        ({"count": ["toys"], "op": "ge", "value": 1}, "count"),
        ({"search": 5}, "search"),
        ({"search": " "}, "search"),
        ({"search": "- _"}, "search"),
        ({"search": "x", "op": "eq"}, ""),
    ],
)
def test_a_part_that_cannot_be_read_is_named(kite: Any, tree: Any, path: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse(tree, kite)
    assert refused.value.path == path
    assert len(str(refused.value.message)) > 10


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"count": "toys.kite.maker", "op": "empty"}, "op"),
        ({"count": "toys.kite.maker", "op": "ge", "value": -1}, "value"),
        ({"count": "toys.kite.maker", "op": "ge", "value": "many"}, "value"),
        ({"count": "toys.kite.maker", "op": "ge", "value": 1, "where": {"field": "no"}}, "where.field"),
        ({"count": "toys.kite.maker", "op": "ge", "value": 1, "where": [NAME]}, "where"),
    ],
)
def test_a_count_is_read_like_any_part(kite: Any, full_toys: Toys, tree: Any, path: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse(tree, full_toys.site.catalog.find("toys.maker"))
    assert refused.value.path == path


def test_a_tree_has_a_greatest_depth_and_size(kite: Any) -> None:
    parse(nested(MAX_DEPTH), kite)
    parse({"all": [NAME] * (MAX_NODES - 1)}, kite)
    for tree in (nested(MAX_DEPTH + 1), nested(900), {"all": [NAME] * MAX_NODES}, {"any": [{"all": []}] * 5000}):
        with pytest.raises(ConditionError):
            parse(tree, kite)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 9000, '{"not": ' * 2000, '{"field": "price", "op": "eq", "value": NaN}', "x" * (MAX_JSON + 1),
     '{"all": [], "all": []}', '{"search": "' + "9" * 5000 + '"}',
     '{"field": "chance", "op": "eq", "value": ' + "9" * 5000 + "}"],
)  # fmt: skip
def test_text_that_is_no_tree_is_refused(kite: Any, text: str) -> None:
    with pytest.raises(ConditionError):
        parse_text(text, kite)


@pytest.mark.parametrize(
    ("leaf", "stored"),
    [
        ({"field": "name", "op": "contains", "value": " علي\x00\u200f "}, "علی"),
        ({"field": "day", "op": "ge", "value": "۱۴۰۵/۹/۵"}, "2026-11-26"),
        ({"field": "day", "op": "ge", "value": "today+07"}, "today+7"),
        ({"field": "day", "op": "ge", "value": "today 7"}, "today+7"),
        ({"field": "day", "op": "within", "value": "last_007_days"}, "last_7_days"),
        ({"field": "price", "op": "ge", "value": "۱٬۲۳۴٫۵۰"}, "1234.5"),
        ({"field": "price", "op": "ge", "value": 20.0}, 20),
        ({"field": "chance", "op": "eq", "value": "۵۰"}, 50),
        ({"field": "phone", "op": "eq", "value": "۰۹۱۲ ۱۲۳ ۴۵۶۷"}, "+989121234567"),
        ({"field": "phone", "op": "contains", "value": "0912 123"}, "912123"),
        ({"field": "email", "op": "eq", "value": "A@Example.com"}, "a@example.com"),
        ({"field": "maker", "op": "in", "value": ["3", 3, 4]}, [3, 4]),
        ({"field": "owner", "op": "eq", "value": "me"}, "me"),
        ({"field": "created_by_id", "op": "eq", "value": "me"}, "me"),
    ],
)
def test_a_value_has_one_stored_form(kite: Any, leaf: Any, stored: Any) -> None:
    assert parse(leaf, kite).tree == leaf | {"value": stored}


def test_all_problems_are_told_at_once(kite: Any) -> None:
    tree = {"all": [{"field": "gone", "op": "eq", "value": 1}, NAME, {"any": [{"field": "day", "op": "gone"}]}]}
    assert [problem.path for problem in problems(tree, kite)] == ["all[0].field", "all[2].any[0].op"]
    assert problems(NAME, kite) == []
