"""What conditions mean, by example: empty values, text, days, links, counts, and what is hidden."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from core.accounts.actor import Actor, acting_as, as_system
from core.records.conditions import Context, matches, parse, to_sql
from tests.admin.toy_site import Toys, hooks_of
from tests.admin.toys import Kite, Land, Maker, Tag, Tail, person
from tests.conditions.conftest import HIDDEN, SCREENS, SEES, query_filter

TODAY = dt.date(2026, 11, 26)  # 5 Azar 1405, a Thursday


@pytest.fixture
def shop(shared_toys: Toys) -> Iterator[Toys]:
    """The toys, empty, with what the screens of these tests show."""
    shared_toys.empty()
    kept = shared_toys.site.catalog, shared_toys.site.hooks
    shared_toys.site.catalog = type(kept[0])(SCREENS)
    shared_toys.site.hooks = hooks_of(query_filter=query_filter)
    yield shared_toys
    shared_toys.site.catalog, shared_toys.site.hooks = kept


def names(shop: Toys, model: Any, tree: Any, *, actor: Actor | None = None, **context: Any) -> list[str]:
    """The names of the records that match, by both evaluators, which must agree."""
    with shop.app.test_request_context():
        condition = parse(tree, shop.site.catalog.of(model))
        asked = replace(Context(TODAY, "jalali", "Asia/Tehran", shop.person), **context)
        with acting_as(actor) if actor else as_system("test"):
            session = shop.database.session()
            every = session.scalars(sa.select(model).order_by(model.id)).unique().all()
            by_sql = session.scalars(sa.select(model.name).where(to_sql(condition, model, asked)).order_by(model.id))
            found = list(by_sql)
            assert found == [record.name for record in every if matches(condition, record, asked)], tree
            session.rollback()
    return found


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


EMPTY = [
    (leaf("price", "eq", 5), ["five"]),
    (leaf("price", "ne", 5), ["six", "none"]),
    ({"not": leaf("price", "eq", 5)}, ["six", "none"]),
    ({"not": leaf("price", "ne", 5)}, ["five"]),
    (leaf("price", "lt", 10), ["five", "six"]),
    ({"not": leaf("price", "lt", 10)}, ["none"]),
    (leaf("price", "between", [5, "5.99"]), ["five"]),
    (leaf("price", "empty"), ["none"]),
    (leaf("reason", "empty"), ["six", "none"]),
    (leaf("reason", "not_in", ["wind"]), ["six", "none"]),
    (leaf("reason", "not_contains", "WIN"), ["six", "none"]),
    (leaf("maker", "ne", 1), ["five", "six", "none"]),
    (leaf("maker.name", "ne", "x"), ["five", "six", "none"]),
    ({"all": []}, ["five", "six", "none"]),
    ({"any": []}, []),
]


def test_an_empty_field_equals_nothing_and_differs_from_everything(shop: Toys) -> None:
    kites = replace(SCREENS[0], columns=(*SCREENS[0].columns, "reason"))
    shop.site.catalog = type(shop.site.catalog)((kites, *SCREENS[1:]))
    shop.add(Kite(name="five", price=Decimal(5), reason="wind"), Kite(name="six", price=Decimal(6), reason=""))
    shop.add(Kite(name="none"))
    for tree, expected in EMPTY:
        assert names(shop, Kite, tree) == expected, tree


TEXT = [
    (leaf("name", "contains", "%"), ["50% off"]),
    (leaf("name", "contains", "_"), ["a_b"]),
    (leaf("name", "contains", "/"), ["a/b"]),
    (leaf("name", "contains", "\\"), ["a\\b"]),
    (leaf("name", "starts", "A"), ["a_b", "a/b", "a\\b"]),
    (leaf("name", "contains", "OFF"), ["50% off"]),
    (leaf("name", "contains", "é"), []),
    (leaf("name", "eq", "a_B"), []),
    (leaf("name", "eq", "علي\u200cرضا ١٢"), ["علی‌رضا ۱۲"]),
    (leaf("name", "contains", "رضا 12"), ["علی‌رضا ۱۲"]),
    (leaf("name", "contains", "۵۰"), ["50% off"]),
    ({"search": "عليرضا"}, ["علی‌رضا ۱۲"]),
    ({"search": "off 50"}, ["50% off"]),
]


def test_text_is_compared_as_readers_spell_it(shop: Toys) -> None:
    for name in ("50% off", "a_b", "a/b", "a\\b", "É", "علی‌رضا ۱۲"):
        shop.add(Kite(name=name))
    for tree, expected in TEXT:
        assert names(shop, Kite, tree) == expected, tree


PERIODS = [
    ("within", "this_month", "jalali", ["azar 1", "today"]),
    ("within", "this_month", "gregorian", ["aban 30", "azar 1", "today"]),
    ("within", "this_week", "jalali", ["aban 30", "azar 1", "today"]),
    ("within", "last_2_days", "jalali", ["today"]),
    ("within", "last_5_days", "jalali", ["azar 1", "today"]),
    ("within", "next_1_days", "jalali", ["today"]),
    ("within", "last_1_months", "jalali", ["aban 30", "azar 1", "today"]),
    ("not_within", "this_month", "jalali", ["aban 30", "none"]),
    ("eq", "today", "jalali", ["today"]),
    ("lt", "today-4", "jalali", ["aban 30"]),
    ("le", "1405/09/01", "jalali", ["aban 30", "azar 1"]),
    ("gt", "2026-11-22", "gregorian", ["today"]),
    ("between", ["1405/09/01", "today"], "jalali", ["azar 1", "today"]),
    ("between", ["today", "1405/09/01"], "jalali", []),
]


def test_days_and_periods_are_those_of_the_reader(shop: Toys) -> None:
    midnight = dt.datetime(2026, 11, 20, 20, 30, tzinfo=dt.UTC)  # where 30 Aban begins in Tehran
    for name, days in (("aban 30", 0), ("azar 1", 1), ("today", 5)):
        shop.add(Kite(name=name, day=dt.date(2026, 11, 21 + days), moment=midnight + dt.timedelta(days=days)))
    shop.add(Kite(name="none"))
    for op, value, calendar, expected in PERIODS:
        for field in ("day", "moment"):
            assert names(shop, Kite, leaf(field, op, value), calendar=calendar) == expected, (field, op, value)


def test_links_lists_and_what_lies_behind_them(shop: Toys) -> None:
    (shop.person,) = shop.add(person())
    fast, slow = Tag(name="fast"), Tag(name="slow")
    maker = Maker(name="Wind", land=Land(name="Iran"))
    shop.add(
        Kite(name="a", maker=maker, tags=[fast, slow], tails=[Tail(label="long", length=3)], owner_id=shop.person),
        Kite(name="b", tags=[fast]),
        Kite(name="c"),
    )
    for tree, expected in (
        (leaf("maker", "eq", maker.id), ["a"]),
        (leaf("maker", "in", [maker.id, 99]), ["a"]),
        (leaf("maker", "empty"), ["b", "c"]),
        (leaf("maker.land.name", "eq", "Iran"), ["a"]),
        (leaf("maker.land.name", "empty"), ["b", "c"]),
        (leaf("tags", "in", [slow.id]), ["a"]),
        (leaf("tags", "eq", fast.id), ["a", "b"]),
        (leaf("tags", "all", [fast.id, slow.id]), ["a"]),
        (leaf("tags", "not_in", [slow.id]), ["b", "c"]),
        (leaf("tags", "empty"), ["c"]),
        (leaf("tails", "not_empty"), ["a"]),
        (leaf("tails.length", "ge", 3), ["a"]),
        (leaf("tails.label", "not_contains", "LON"), ["b", "c"]),
        (leaf("owner", "eq", "me"), ["a"]),
        (leaf("owner", "ne", "me"), ["b", "c"]),
        (leaf("owner", "empty"), ["b", "c"]),
    ):
        assert names(shop, Kite, tree) == expected, tree
    assert names(shop, Kite, leaf("owner", "eq", "me"), user_id=None) == []


COUNTS = [
    ("ge", 1, ["one", "two"]),
    ("gt", 0, ["one", "two"]),
    ("ge", 0, ["none", "one", "two"]),
    ("eq", 0, ["none"]),
    ("ne", 0, ["one", "two"]),
    ("eq", 1, ["one"]),
    ("ne", 1, ["none", "two"]),
    ("ge", 2, ["two"]),
    ("lt", 2, ["none", "one"]),
    ("le", 1, ["none", "one"]),
    ("between", [1, 2], ["one", "two"]),
    ("between", [0, 1], ["none", "one"]),
    ("eq", 10**15 - 1, []),
]


def test_related_records_are_counted_without_those_in_the_bin(shop: Toys) -> None:
    one, two = Maker(name="one"), Maker(name="two")
    shop.add(Maker(name="none"), one, two)
    shop.add(Kite(name="x", maker=one), Kite(name="y", maker=two), Kite(name="z", maker=two))
    shop.add(Kite(name="gone", maker=one, archived_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    for op, value, expected in COUNTS:
        assert names(shop, Maker, {"count": "toys.kite.maker", "op": op, "value": value}) == expected, (op, value)


def test_a_count_asks_only_about_the_related_records_that_match(shop: Toys) -> None:
    maker, other = Maker(name="m"), Maker(name="n")
    shop.add(maker, other, Kite(name="x", maker=maker, state="open"), Kite(name="y", maker=other, state="lost"))
    tree = {"count": "toys.kite.maker", "where": leaf("state", "eq", "open"), "op": "ge", "value": 1}
    assert names(shop, Maker, tree) == ["m"]
    assert names(shop, Maker, tree | {"op": "eq", "value": 0}) == ["n"]


BEHIND = [
    leaf("maker.name", "starts", "H"),
    leaf("maker.position", "eq", 7),
    leaf("maker.land.name", "eq", "Iran"),
    leaf("maker.land", "not_empty"),
    leaf("maker", "not_empty"),
    leaf("maker", "eq", 1),  # the first maker of an emptied database
    leaf("maker", "in", [1, 2]),
    {"not": leaf("maker", "empty")},
    {"not": leaf("maker.name", "ne", HIDDEN)},
]


@pytest.mark.parametrize("way", ["hidden", "archived", "of a hidden type"])
def test_a_filter_through_a_link_tells_nothing_about_a_record_that_is_not_there(shop: Toys, way: str) -> None:
    gone = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) if way == "archived" else None
    maker = Maker(name=HIDDEN, position=7, land=Land(name="Iran"), archived_at=gone)
    shop.add(maker)
    shop.add(Kite(name="kite", maker_id=maker.id))
    permissions = SEES - {"toys.maker.see"} if way == "of a hidden type" else SEES
    stranger = None if way == "archived" else Actor(1, "Stranger", permissions=permissions)
    for tree in BEHIND:
        assert names(shop, Kite, tree, actor=stranger) == [], tree
    with shop.work() as session:
        session.get(Maker, maker.id, execution_options={"include_archived": True}).archived_at = None
    for tree in BEHIND:
        assert names(shop, Kite, tree) == ["kite"], "The installation itself sees it, so the answers above are no luck."


def test_a_count_tells_nothing_about_hidden_records(shop: Toys) -> None:
    land = Land(name="Iran")
    shop.add(land)
    shop.add(Maker(name=HIDDEN, land_id=land.id), Maker(name="Open", land_id=land.id))
    stranger = Actor(1, "Stranger", permissions=SEES)
    two = {"count": "toys.maker.land", "op": "ge", "value": 2}
    where = {"count": "toys.maker.land", "op": "ge", "value": 1, "where": leaf("name", "eq", HIDDEN)}
    assert names(shop, Land, two, actor=stranger) == names(shop, Land, where, actor=stranger) == []
    assert names(shop, Land, two) == names(shop, Land, where) == ["Iran"]
    blind = replace(stranger, permissions=SEES - {"toys.maker.see"})
    assert names(shop, Land, two | {"value": 1}, actor=blind) == []


def test_a_record_is_judged_before_it_is_saved(shop: Toys) -> None:
    maker = Maker(name="Wind")
    shop.add(maker)
    with shop.app.test_request_context(), as_system("test"):
        session = shop.database.session()
        kites, context = shop.site.catalog.find("toys.kite"), Context(TODAY)
        record = Kite(name="new", maker=session.get(Maker, maker.id), tags=[Tag(name="t")])
        for tree, expected in (
            (leaf("maker.name", "eq", "Wind"), True),
            (leaf("maker", "eq", maker.id), True),
            (leaf("tags", "not_empty"), True),
            (leaf("price", "empty"), True),
            (leaf("owner", "empty"), True),
        ):
            assert matches(parse(tree, kites), record, context) is expected, tree
        session.rollback()


def test_an_index_on_a_foreign_key_is_used(shop: Toys) -> None:
    with shop.app.test_request_context(), as_system("test"):
        condition = parse(leaf("owner", "eq", 5), shop.site.catalog.find("toys.kite"))
        session = shop.database.session()
        statement = sa.select(Kite.id).where(to_sql(condition, Kite, Context(TODAY)))
        sql = str(statement.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN " if shop.database.is_sqlite else "EXPLAIN "
        if not shop.database.is_sqlite:
            session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = str(session.execute(sa.text(explain + sql)).all())
        session.rollback()
    assert "ix_toys_kite_owner_id" in plan
