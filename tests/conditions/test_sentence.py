"""A condition is told in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.accounts.actor import Actor, acting_as, as_system
from core.records.conditions import parse, sentence
from core.site.reader import reading_as
from tests.admin.toy_site import Toys, hooks_of
from tests.admin.toys import Maker, Tag
from tests.conditions.conftest import HIDDEN, SCREENS, SEES, query_filter


class Reader:
    def __init__(self, language: str) -> None:
        self.language, self.timezone = language, "Asia/Tehran"


@pytest.fixture
def shop(shared_toys: Toys) -> Iterator[Toys]:
    shared_toys.empty()
    kept = shared_toys.site.catalog, shared_toys.site.hooks
    shared_toys.site.catalog, shared_toys.site.hooks = type(kept[0])(SCREENS), hooks_of(query_filter=query_filter)
    yield shared_toys
    shared_toys.site.catalog, shared_toys.site.hooks = kept


# One database is enough, and one language needs no other.
pytestmark = pytest.mark.parametrize("shared_toys", ["sqlite"], indirect=True)


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


OPEN, ROSE = leaf("state", "eq", "open"), leaf("paint", "in", ["rose", "blue"])
EXAMPLES = [
    (OPEN, "State is In progress", "State در حال انجام است"),
    ({"not": OPEN}, "State is not In progress", "State در حال انجام نیست"),
    ({"not": {"not": OPEN}}, "State is In progress", "State در حال انجام است"),
    ({"not": leaf("name", "starts", "x")}, "it is not so that (Name begins with “x”)",
     "چنین نیست که (نام با «x» آغاز می‌شود)"),
    (ROSE, "Paint is one of Rose, Blue", "Paint یکی از صورتی، آبی است"),
    (leaf("name", "contains", "علي"), "Name contains “علی”", "نام شامل «علی» است"),
    (leaf("name", "empty"), "Name is empty", "نام خالی است"),
    (leaf("flies", "eq", False), "Flies is no", "Flies خیر است"),
    (leaf("price", "ge", "1234.50"), "Price is at least 1,234.5", "Price دست‌کم ۱٬۲۳۴٫۵ است"),
    (leaf("chance", "between", [5, 10]), "Chance is between 5 and 10", "Chance میان ۵ و ۱۰ است"),
    (leaf("day", "ge", "1405/09/05"), "Day is on or after Nov 26, 2026", "Day از ۵ آذر ۱۴۰۵ به بعد است"),
    (leaf("day", "eq", "today"), "Day is today", "Day امروز است"),
    (leaf("day", "lt", "today-1"), "Day is before yesterday", "Day پیش از دیروز است"),
    (leaf("day", "lt", "today-30"), "Day is before 30 days ago", "Day پیش از ۳۰ روز پیش است"),
    (leaf("day", "le", "today+7"), "Day is on or before 7 days from now", "Day تا ۷ روز دیگر است"),
    (leaf("day", "within", "this_month"), "Day is in this month", "Day در این ماه است"),
    (leaf("day", "not_within", "this_year"), "Day is not in this year", "Day در امسال نیست"),
    (leaf("day", "within", "tomorrow"), "Day is tomorrow", "Day فردا است"),
    (leaf("day", "within", "last_1_days"), "Day is in the last 1 day", "Day در ۱ روز گذشته است"),
    (leaf("moment", "within", "next_2_weeks"), "Moment is in the next 2 weeks", "Moment در ۲ هفتهٔ آینده است"),
    (leaf("owner", "eq", "me"), "Owner is me", "مسئول من است"),
    (leaf("created_by_id", "ne", "me"), "Created by is not me", "ایجادکننده من نیست"),
    (leaf("maker", "eq", 1), "Maker is Wind", "Maker Wind است"),
    (leaf("maker", "in", [1, 2]), "Maker is one of Wind, a record that is not there",
     "Maker یکی از Wind، رکوردی که نیست است"),
    (leaf("maker.land.name", "eq", "Iran"), "Maker › Land › Name is “Iran”", "Maker › Land › Name «Iran» است"),
    (leaf("tags", "in", [1]), "Tags include at least one of fast", "Tags شامل یکی از fast است"),
    (leaf("tags", "empty"), "Tags are empty", "Tags خالی است"),
    ({"search": "ali"}, "it is found by “ali”", "با جست‌وجوی «ali» یافت می‌شود"),
    ({"all": []}, "every record", "همهٔ رکوردها"),
    ({"any": []}, "no record", "هیچ رکوردی"),
    ({"all": [OPEN]}, "State is In progress", "State در حال انجام است"),
    ({"all": [OPEN, {"any": [ROSE, leaf("name", "empty")]}, {"all": [leaf("flies", "eq", True)]}]},
     "State is In progress and (Paint is one of Rose, Blue or Name is empty) and Flies is yes",
     "State در حال انجام است و (Paint یکی از صورتی، آبی است یا نام خالی است) و Flies بله است"),
]  # fmt: skip
COUNTS = [
    ("ge", 1, "there are Kites", "Kite دارد"),
    ("eq", 0, "there are no Kites", "هیچ Kite ندارد"),
    ("ge", 2, "there are at least 2 Kites", "دست‌کم ۲ Kite دارد"),
    ("eq", 1, "there is exactly 1 Kite", "دقیقاً ۱ Kite دارد"),
    ("ne", 1, "there is not exactly 1 Kite", "شمار Kite برابر ۱ نیست"),
    ("gt", 1, "there is more than 1 Kite", "بیش از ۱ Kite دارد"),
    ("le", 5, "there are at most 5 Kites", "حداکثر ۵ Kite دارد"),
    ("lt", 5, "there are fewer than 5 Kites", "کمتر از ۵ Kite دارد"),
    ("between", [1, 3], "there are 1 to 3 Kites", "۱ تا ۳ Kite دارد"),
]


@contextmanager
def reading(shop: Toys, language: str) -> Iterator[None]:
    with shop.app.test_request_context(), as_system("test"), reading_as(Reader(language)):
        yield
        shop.database.session.remove()


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_condition_reads_as_a_sentence(shop: Toys, language: str) -> None:
    shop.add(Maker(name="Wind"))
    shop.add(Tag(name="fast"))
    kites = shop.site.catalog.find("toys.kite")
    with reading(shop, language):
        for tree, english, persian in EXAMPLES:
            assert sentence(parse(tree, kites)) == (english if language == "en" else persian)


@pytest.mark.parametrize("language", ["en", "fa"])
def test_a_count_reads_as_a_sentence(shop: Toys, language: str) -> None:
    makers = shop.site.catalog.find("toys.maker")
    with reading(shop, language):
        for op, value, english, persian in COUNTS:
            tree = {"count": "toys.kite.maker", "op": op, "value": value}
            assert sentence(parse(tree, makers)) == (english if language == "en" else persian)
        tree = {"count": "toys.kite.maker", "op": "ge", "value": 1, "where": {"any": [OPEN, ROSE]}}
        assert sentence(parse(tree, makers)) == (
            "there are Kites where (State is In progress or Paint is one of Rose, Blue)"
            if language == "en"
            else "Kite دارد که در آن (State در حال انجام است یا Paint یکی از صورتی، آبی است)"
        )


def test_a_sentence_does_not_name_what_the_reader_may_not_see(shop: Toys) -> None:
    shop.add(Maker(name=HIDDEN))
    condition_of = shop.site.catalog.find("toys.kite")
    with reading(shop, "en"), acting_as(Actor(1, "Stranger", permissions=SEES)):
        assert sentence(parse(leaf("maker", "eq", 1), condition_of)) == "Maker is a record that is not there"
