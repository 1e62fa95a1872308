"""A plugin switched on and off while people read and write: what the test asserts and the benchmark prints."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from core.site.plan import DISABLE, ENABLE
from core.testing.serving import ServedInstallation

CONVERGE_WITHIN = 15.0  # seconds after which a process counts as lost


@dataclass
class Flips:
    """What happened: answers by kind and status, and seconds until every process served the new generation."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    converged: list[float] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.answers.values())

    def failed(self, expected: dict[str, set[int]]) -> dict[tuple[str, int], int]:
        """Answers that were not expected of their kind of request."""
        return {key: count for key, count in self.answers.items() if key[1] not in expected[key[0]]}

    @property
    def slowest(self) -> float:
        return max(self.converged)

    @property
    def median(self) -> float:
        return statistics.median(self.converged)


# A page of the plugin itself may be there or not; nothing else may notice.
EXPECTED = {"home": {200}, "list": {200}, "write": {302}, "flipped page": {200, 404}, "error": set()}


def flip(served: ServedInstallation, plugin: str, times: int, readers: int = 2, writers: int = 1) -> Flips:
    """Switch ``plugin`` off and on ``times`` times under load.

    Args:
        served: an installation with contacts on, and ``plugin`` on.
        plugin: what is switched; nothing that the load needs.
        times: how many changes.
        readers: threads that read pages.
        writers: threads that create people.
    """
    flips, stop, lock = Flips(), threading.Event(), threading.Lock()
    clients = [served.client() for _ in range(readers + writers)]
    for client in clients:
        client.get("/contacts/person/new")

    def count(kind: str, status: int) -> None:
        with lock:
            flips.answers[kind, status] += 1

    def read(client: object) -> None:
        pages = (("home", "/"), ("list", "/contacts/person/"), ("flipped page", f"/{plugin}/"))
        while not stop.is_set():
            for kind, path in pages:
                _try(lambda path=path: client.get(path), client, kind, count)  # type: ignore[attr-defined]

    def write(client: object) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            values = {"first_name": f"Person {number}", "last_name": "Load"}
            _try(lambda values=values: client.post("/contacts/person/new", values), client, "write", count)  # type: ignore[attr-defined]

    threads = [threading.Thread(target=read, args=(client,)) for client in clients[:readers]]
    threads += [threading.Thread(target=write, args=(client,)) for client in clients[readers:]]
    for thread in threads:
        thread.start()
    try:
        for number in range(times):
            served.change(DISABLE if number % 2 == 0 else ENABLE, plugin)
            flips.converged.append(_until_converged(served))
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    return flips


def _try(ask: object, client: object, kind: str, count: object) -> None:
    try:
        ask()  # type: ignore[operator]
    except OSError:
        count("error", 0)  # type: ignore[operator]
    else:
        count(kind, client.status)  # type: ignore[operator,attr-defined]


def _until_converged(served: ServedInstallation) -> float:
    """Seconds until every living process says that it serves the current generation."""
    wanted, begun = served.generation(), time.monotonic()
    while time.monotonic() - begun < CONVERGE_WITHIN:
        serving = served.generations()
        if serving and all(number >= wanted for number in serving.values()):
            return time.monotonic() - begun
        time.sleep(0.05)
    return CONVERGE_WITHIN
