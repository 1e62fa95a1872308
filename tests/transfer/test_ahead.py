"""Batches that are made one step ahead."""

import sys
import threading
from collections.abc import Generator
from contextvars import ContextVar

import pytest

from core.records.transfer.ahead import TURN, abreast, ahead, short_turns

reader: ContextVar[str] = ContextVar("reader", default="nobody")


def counted(upto: int, ended: list[str], fail: bool = False) -> Generator[tuple[int, str], None, None]:
    try:
        for number in range(upto):
            yield number, reader.get()
        if fail:
            raise ValueError("broken off")
    finally:
        ended.append(reader.get())


def test_batches_come_in_order_and_on_behalf_of_who_asked() -> None:
    ended: list[str] = []
    reader.set("Sara")
    assert list(ahead(counted(5, ended))) == [(number, "Sara") for number in range(5)]
    assert ended == ["Sara"]


def test_whoever_leaves_early_leaves_nothing_open() -> None:
    ended: list[str] = []
    batches = ahead(counted(5, ended))
    assert next(batches)[0] == 0
    batches.close()  # type: ignore[attr-defined]
    assert len(ended) == 1


def test_an_error_comes_after_the_batches_before_it() -> None:
    ended: list[str] = []
    batches = ahead(counted(3, ended, fail=True))
    assert [next(batches)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="broken off"):
        next(batches)
    assert len(ended) == 1


def test_two_hands_work_at_once_and_what_they_make_stays_in_order() -> None:
    ended: list[str] = []
    both = threading.Barrier(2)

    def hand(batch: tuple[int, str]) -> tuple[int, str, str]:
        both.wait(timeout=10)  # passed only by two at once
        return (*batch, reader.get())

    reader.set("Sara")
    assert list(abreast(counted(6, ended), [hand, hand])) == [(number, "Sara", "Sara") for number in range(6)]
    assert ended == ["Sara"]


def test_what_a_hand_cannot_do_comes_in_its_place_and_ends_the_work() -> None:
    ended: list[str] = []

    def hand(batch: tuple[int, str]) -> int:
        if batch[0] == 2:
            raise ValueError("no such thing")
        return batch[0]

    made = abreast(counted(50, ended), [hand, hand])
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(ValueError, match="no such thing"):
        next(made)
    assert len(ended) == 1


def test_whoever_leaves_two_hands_early_leaves_nothing_open() -> None:
    ended: list[str] = []
    made = abreast(counted(50, ended), [str, str])
    next(made)
    made.close()
    assert len(ended) == 1


def test_turns_are_short_inside_only_also_when_it_ends_with_an_error() -> None:
    before, inside = sys.getswitchinterval(), 0.0

    def break_off() -> None:
        nonlocal inside
        with short_turns():
            inside = sys.getswitchinterval()
            raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        break_off()
    assert inside == pytest.approx(TURN)
    assert sys.getswitchinterval() == before > TURN
