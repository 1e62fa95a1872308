"""The story of records: what every plugin tells, in pages that neither lose nor repeat an entry."""

import datetime as dt
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from core.extension.hooks import Hooks
from core.hookspecs import hookimpl
from core.records.timeline import Position, StoryQuery, place, plans, tell
from core.story import EVENT, NOTE, TimelineEntry, Upcoming

START = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
ABOUT = {"record_type": "toys.kite", "record_id": 1}


def entry(second: int, id_: int, kind: str = NOTE) -> TimelineEntry:
    return TimelineEntry(at=START + dt.timedelta(seconds=second), id=id_, kind=kind, text="did", **ABOUT)


def site_of(**sources: Any) -> Flask:
    """An application in which each source is a plugin that implements one hook."""
    app, hooks = Flask("stories"), Hooks()
    for name, (hook, function) in sources.items():
        module = ModuleType(name)
        setattr(module, hook, hookimpl(function))
        hooks.register(name, module)
    app.extensions["peyvand"] = type("Site", (), {"hooks": hooks})()
    return app


def source(entries: list[TimelineEntry]) -> tuple[str, Any]:
    """A plugin that answers as it should: newest first, older than the place, no more than asked for."""

    def timeline(query: StoryQuery) -> list[TimelineEntry]:
        older = [one for one in entries if query.before is None or place(one) < query.before]
        return sorted(older, key=place, reverse=True)[: query.limit]

    return "timeline", timeline


places = st.tuples(st.integers(0, 5), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(st.sets(places, max_size=12), st.sets(places, max_size=12), st.integers(1, 5))
def test_reading_on_shows_every_entry_once(first: set[Any], second: set[Any], limit: int) -> None:
    one, two = [entry(*pair) for pair in first], [entry(*pair, EVENT) for pair in second]
    app = site_of(one=source(one), two=source(two))
    seen: list[TimelineEntry] = []
    before = None
    with app.app_context():
        while True:
            page = tell(StoryQuery(records={"toys.kite": [1]}, limit=limit, before=before), nullcontext)
            seen += page.entries
            before = page.older
            if before is None:
                break
    assert len(seen) == len(one) + len(two)
    assert sorted(seen, key=place, reverse=True) == seen
    assert {id(entry) for entry in seen} == {id(entry) for entry in one + two}


def test_only_the_wanted_kinds_are_told_and_nonsense_is_left_out() -> None:
    app = site_of(good=source([entry(1, 1), entry(2, 2, EVENT)]), bad=("timeline", lambda query: ["nonsense"]))
    with app.app_context():
        story = tell(StoryQuery(records={}, limit=9, kinds=frozenset({NOTE})), nullcontext)
    assert [one.kind for one in story.entries] == [NOTE]


def test_what_is_due_first_comes_first_and_what_has_no_date_last() -> None:
    day, moment = dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)

    def upcoming(records: Any, limit: int) -> list[Upcoming]:
        return [Upcoming(due=due, text=text, **ABOUT) for due, text in [(None, "c"), (day, "b"), (moment, "a")]]

    with site_of(plugin=("upcoming", upcoming)).app_context():
        assert [plan.text for plan in plans({"toys.kite": [1]}, 2, nullcontext)] == ["a", "b"]


@given(st.datetimes(timezones=st.just(dt.UTC)), st.integers(0, 2**63 - 1))
def test_a_place_is_read_as_it_was_written(at: dt.datetime, number: int) -> None:
    assert Position.read(str(Position(at, number))) == Position(at, number)


@pytest.mark.parametrize("text", ["soon", "~", "2026-11-22~", "2026-11-22~-1", f"2026-11-22~{2**63}"])
def test_a_place_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Position.read(text)
