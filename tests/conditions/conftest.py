"""The toys with every field on a screen, on each database, full of records of which some are hidden or archived."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.accounts.actor import Actor, acting
from core.config import Config
from core.parts import FieldGroup, Screen
from core.testing.servers import PostgresServer, create_database
from tests.admin.conftest import shared_toys  # noqa: F401
from tests.admin.toy_site import Toys, hooks_of
from tests.admin.toys import EVERYTHING, KITES, MAKERS, Kite, Land, Maker, Tag, Tail, person

HIDDEN = "Hidden"
LANDS = Screen(model=Land, title="Land", plural="Lands", columns=("name",), form=(FieldGroup("Land", ("name",)),))
SCREENS = (
    KITES,
    replace(MAKERS, form=(FieldGroup("Maker", ("name", "position", "probability", "land")),)),
    LANDS,
)
SEES = EVERYTHING | {"toys.land.see"}
DAYS = [None, dt.date(2026, 3, 20), dt.date(2026, 3, 21), dt.date(2026, 11, 21), dt.date(2026, 11, 26),
        dt.date(2026, 11, 30), dt.date(2026, 12, 21), dt.date(2027, 1, 1), dt.date(2999, 12, 31)]  # fmt: skip
TEXTS = ["علی‌رضا", "علی رضا", "علیرضا", "Red", "RED kite", "50%", "a_b", "a/b\\c", "É", "é", "کد ۱۲", "کد 12", "x"]
AMOUNTS = [None, Decimal("-0.01"), Decimal(0), Decimal("19.99"), Decimal(20), Decimal("9999999999999.99")]


def query_filter(model: type, actor: Actor) -> Any:
    """Some makers are nobody's business."""
    return Maker.name != HIDDEN if model is Maker and not acting().system else None


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def full_toys(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toys]:
    """Many records; tests only read them, as the person who owns some of them."""
    settings = {"PEYVAND_INSTANCE": str(tmp_path_factory.mktemp("conditions"))}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        settings["PEYVAND_DATABASE_URL"] = create_database(server)
    application = Toys(Config.load(settings), SCREENS, hooks_of(query_filter=query_filter))
    application.empty()
    application.permissions = SEES
    _fill(application, random.Random(7))
    yield application
    application.database.dispose()


def _fill(toys: Toys, chance: random.Random) -> None:
    me, other = toys.add(person(), person("Omid", "omid@example.com"))
    toys.person = me
    some = chance.choice
    gone = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    lands = [Land(name=name) for name in ("Iran", "Oman", "Atlantis")]
    lands[2].archived_at = gone
    tags = [Tag(name=name) for name in ("fast", "slow", "new")]
    makers = [
        Maker(name=some([*TEXTS, HIDDEN, HIDDEN]), position=some([0, 1, 2**31 - 1]), probability=some([None, 0, 50]),
              land=some([None, *lands]), archived_at=some([None, None, gone]))
        for _ in range(12)
    ]  # fmt: skip
    kites = [
        Kite(
            name=some(TEXTS), notes=some([None, "", *TEXTS]), state=some(["new", "open", "lost"]),
            reason=some([None, "", "wind"]), paint=some([None, "blue", "rose"]),
            phone=some([None, "+989121234567", "+14155550100"]), email=some([None, "a_b@example.com"]),
            site=some([None, "https://example.com/%41"]), price=some(AMOUNTS), chance=some([None, 0, 50, -3]),
            weight=some([None, 0.1, 0.3, 1e9]), flies=some([True, False]), day=some(DAYS), moment=_moment(chance),
            owner_id=some([None, me, other]), maker=some([None, *makers]), tags=chance.sample(tags, some([0, 1, 3])),
            tails=[Tail(label=some(["a", "b"]), length=some([None, 1, 2])) for _ in range(some([0, 1, 2]))],
            archived_at=some([None, None, None, gone]),
        )
        for _ in range(40)
    ]  # fmt: skip
    toys.add(*lands, *tags, *makers, *kites)


def _moment(chance: random.Random) -> dt.datetime | None:
    """Moments within a minute of midnight in Tehran, where days are mistaken most easily."""
    day = chance.choice(DAYS[:-1])
    if day is None:
        return None
    minutes = chance.choice([-1, 0, 1, 600])
    return dt.datetime.combine(day, dt.time(20, 30), dt.UTC) + dt.timedelta(minutes=minutes)
