"""Pages that people open all day: ours, Django's admin, Flask-Admin as it comes, and the plain SQL below them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.clock import WARM, HttpClient, Times, by_turns, crowd, packed, timed
from benchmarks.goals import Report
from benchmarks.peers.floor import Floor
from benchmarks.people import Size
from benchmarks.queries import QueryCounter
from benchmarks.serving import Peer, form_values, web_processes
from core.testing.serving import ServedInstallation

PEOPLE = "/contacts/person/"
DJANGO = "/admin/admin/contact/"
STOCK = "/admin/contact/"
BORN = ("1980-01-01", "1984-12-31")
CITY = "Shiraz"
SPELLINGS = ("كريمي", "کریمی", "applew")
TIMES = 60
SAVES = 240  # the two are near each other, and six medians of sixty saves lay 8 % apart
CLIENTS = 4
KILO = 1000


@dataclass
class Bench:
    """Everybody who takes part in the run on one database."""

    report: Report
    served: ServedInstallation
    django_server: Peer
    stock_server: Peer
    ours: HttpClient
    django: HttpClient
    stock: HttpClient
    floor: Floor
    queries: QueryCounter
    size: Size
    story: int

    def compare(
        self,
        work: str,
        ours: str,
        django: str | None,
        stock: str | None,
        floor: Callable[[], object],
        beside: str | None = None,
    ) -> Row:
        """Time one page for everybody, by turns, and print the figures; ``beside`` is another page of ours."""
        asked = ((self.ours, ours), (self.django, django), (self.stock, stock), (self.ours, beside))
        visits = {place: self._visit(client, path) for place, (client, path) in enumerate(asked) if path}
        took = dict(zip(visits, by_turns([*visits.values()], TIMES), strict=True))
        row = Row(
            took[0],
            took.get(1),
            took.get(2),
            timed(floor, TIMES),
            crowd(self.ours, ours, CLIENTS, TIMES // 4, web_processes(self.served)),
            crowd(self.django, django, CLIENTS, TIMES // 4, self.django_server.processes()) if django else None,
            self.queries.count(ours),
            packed(self.ours.get(ours)),
            took.get(3),
        )
        self.report.say(row.line(work))
        return row

    @staticmethod
    def _visit(client: HttpClient, path: str) -> Callable[[], None]:
        def once() -> None:
            client.get(path)
            assert client.status == 200, f"{path} answered {client.status}"

        return once


@dataclass(frozen=True)
class Row:
    """What one page took: seconds at one client, and ours and Django's at four."""

    ours: Times
    django: Times | None
    stock: Times | None
    floor: Times
    crowded: Times
    django_crowded: Times | None
    queries: int
    weight: int
    beside: Times | None = None

    @property
    def against_django(self) -> float:
        assert self.django is not None
        return self.ours.p50 / self.django.p50

    @property
    def against_beside(self) -> float:
        assert self.beside is not None
        return self.ours.p50 / self.beside.p50

    def line(self, work: str) -> str:
        """One line of the table of figures, milliseconds."""
        parts = [f"{work:34}", f"ours {_spread(self.ours)}"]
        peers = (("django", self.django), ("stock", self.stock))
        parts += [f"{name} {_spread(times)}" for name, times in peers if times]
        parts.append(f"sql {self.floor.p50 * KILO:.1f}")
        parts.append(f"4 clients {_spread(self.crowded)}")
        if self.django_crowded:
            parts.append(f"django {_spread(self.django_crowded)}")
        parts.append(
            f"cpu {self.crowded.cpu * KILO:.0f}"
            + (f"/{self.django_crowded.cpu * KILO:.0f}" if self.django_crowded else "")
        )
        parts.append(f"{self.queries} queries, {self.weight / KILO:.1f} KB")
        return " · ".join(parts)


def _spread(times: Times) -> str:
    return f"{times.p50 * KILO:.0f}/{times.p95 * KILO:.0f} ms"


def lists(bench: Bench) -> Row:
    """The list: first page, deep page, filter, search; returns what the first page took."""
    report, floor = bench.report, bench.floor
    first = bench.compare("list, page 1", PEOPLE, DJANGO, STOCK, floor.list_page)
    report.judge("list page 1, count shown", first.against_django, 0.15, "× Django")

    offset = bench.size.contacts // 2
    key = floor.key_at(offset)
    deep_address = PEOPLE + "?" + urlencode(bench.queries.deep_arguments(key, offset))
    deep = bench.compare(
        "list, half way down", deep_address, f"{DJANGO}?p={offset // 25 + 1}", f"{STOCK}?page={offset // 25}",
        lambda: floor.deep_page(key), beside=PEOPLE,
    )  # fmt: skip
    report.judge("deep page by an indexed column", deep.against_beside, 1.5, "× page 1")
    report.judge("deep page by an indexed column", deep.against_django, 0.04, "× Django")

    ours = urlencode({"flt0_city__eq": CITY, "flt1_birthday__ge": BORN[0], "flt2_birthday__le": BORN[1]})
    django = urlencode({"city": CITY, "birthday__gte": BORN[0], "birthday__lte": BORN[1]})
    stock = urlencode({"flt0_city_equals": CITY, "flt1_birthday_between": f"{BORN[0]} to {BORN[1]}"})
    filtered = bench.compare(
        "list, city and age band", f"{PEOPLE}?{ours}", f"{DJANGO}?{django}", f"{STOCK}?{stock}",
        lambda: floor.city_and_age(CITY, *BORN),
    )  # fmt: skip
    report.judge("filter city and age band", filtered.against_django, 0.2, "× Django")

    for word in SPELLINGS:
        query = {"arabic": "كريمي"}.get(word, word)
        searched = bench.compare(
            f"search “{word}”", f"{PEOPLE}?{urlencode({'search': query})}", f"{DJANGO}?{urlencode({'q': query})}",
            f"{STOCK}?{urlencode({'search': query})}", lambda query=query: floor.search([query]),
        )  # fmt: skip
        report.judge(f"part of a name, “{word}”", searched.against_django, 0.1, "× Django")
        report.judge(f"part of a name, “{word}”, p95", searched.ours.p95 * KILO, 100, "ms")
    worst = max((first, deep, filtered), key=lambda row: row.queries)
    report.judge("queries of any list page", worst.queries, 12, "")
    report.judge("HTML of a list page, compressed", max(first.weight, filtered.weight) / KILO, 15, "KB")
    return first


def record(bench: Bench) -> None:
    """The page of a record with a long story, and a save."""
    row = bench.compare(
        "record, 500 entries", f"{PEOPLE}{bench.story}", f"{DJANGO}{bench.story}/change/",
        f"{STOCK}details/?id={bench.story}", lambda: bench.floor.record(bench.story),
    )  # fmt: skip
    bench.report.judge("record page with 500 entries", row.against_django, 1, "× Django's form")
    bench.report.judge("queries of the record page", row.queries, 12, "")

    saves = (
        _Saves(bench.ours, f"{PEOPLE}{bench.story + 1}/edit", (302, 204)),
        _Saves(bench.django, f"{DJANGO}{bench.story + 1}/change/", (302,)),
    )
    by_turns(saves, SAVES)
    ours, django = (save.times for save in saves)
    floor = timed(lambda: bench.floor.save(bench.story + 1, "Nurse"), TIMES)
    bench.report.say(f"{'save':34} · ours {_spread(ours)} · django {_spread(django)} · sql {floor.p50 * KILO:.1f}")
    bench.report.judge("save", ours.p50 / django.p50, 1, "× Django")


class _Saves:
    """Opens a form, changes the job title and saves; only the saving is in ``times``."""

    def __init__(self, client: HttpClient, path: str, answers: tuple[int, ...]) -> None:
        self._client = client
        self._path = path
        self._answers = answers
        self._seconds: list[float] = []

    @property
    def times(self) -> Times:
        return Times(tuple(self._seconds[WARM:]))

    def __call__(self) -> None:
        values = [(name, value) for name, value in form_values(self._client.get(self._path)) if name != "job_title"]
        begun = time.perf_counter()
        text = self._client.post(self._path, [*values, ("job_title", f"Planner {len(self._seconds)}")])
        self._seconds.append(time.perf_counter() - begun)
        assert self._client.status in self._answers, f"saving answered {self._client.status}: {text[:2000]}"


def board(bench: Bench) -> None:
    """Six lanes of twenty cards, with the totals of the whole lanes."""
    row = bench.compare("board, 6 × 20 cards", "/sales/deal/board", "/board/", None, bench.floor.board)
    bench.report.judge("board with column totals", row.against_django, 0.3, "× Django's exact")


def everywhere(bench: Bench) -> None:
    """Search over all record types, beside Django's search over one."""
    for word in SPELLINGS:
        query = urlencode({"q": word})
        row = bench.compare(
            f"search everywhere “{word}”", f"/search?{query}", f"{DJANGO}?{query}", None,
            lambda word=word: bench.floor.search([word]),
        )  # fmt: skip
        bench.report.judge(f"global search, “{word}”", row.against_django, 0.1, "× Django")
        bench.report.judge(f"global search, “{word}”, p95", row.ours.p95 * KILO, 100, "ms")


def forecast(bench: Bench) -> None:
    """The forecast by month and stage, against its exact SQL."""
    row = bench.compare("forecast by month and stage", "/cards/sales.forecast/body", None, None, bench.floor.forecast)
    bench.report.judge("dashboard of the forecast", row.ours.p50 / row.floor.p50, 0.3, "× exact SQL")
