"""Batches read ahead: while the last one is written, the database is asked for the next."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from typing import TypeVar

TURN = 0.0005  # seconds that a thread goes on for while another wants to; of itself Python leaves it 0.005

Batch = TypeVar("Batch")
Made = TypeVar("Made")


def ahead(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """What ``batches`` yields, made one step ahead in a thread of its own with this one's request, actor and language.

    The program waits for the database during a quarter of an export; now it spells the last batch meanwhile. Left early
    or not, ``batches`` is closed before the thread ends.
    """
    context = copy_context()

    def step() -> Batch | None:
        return context.run(lambda: next(batches, None))

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            coming = thread.submit(step)
            while (batch := coming.result()) is not None:
                coming = thread.submit(step)
                yield batch
        finally:
            thread.submit(context.run, batches.close)


def abreast(
    batches: Generator[Batch, None, None], hands: Sequence[Callable[[Batch], Made]]
) -> Generator[Made, None, None]:
    """What ``hands`` make of ``batches``, in their order, as many at once as there are hands.

    Each hand works in a thread of its own with this one's request, actor and language, on one batch after the other.
    While one waits for the database another spells what came.
    """
    coming: deque[Future[Made]] = deque()
    with ExitStack() as stack:
        stack.callback(batches.close)
        threads = [stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="abreast")) for _hand in hands]
        try:
            for number, batch in enumerate(batches):
                place = number % len(hands)
                coming.append(threads[place].submit(copy_context().run, hands[place], batch))
                del batch
                if len(coming) > len(hands):
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


@contextmanager
def short_turns() -> Iterator[None]:
    """Inside, a thread that the database answered goes on sooner although another one is busy.

    Each of the forty answers that writing a batch takes was heard up to 5 ms late. It holds for the whole process: for
    jobs, which have one to themselves.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
