"""``python -m benchmarks [--scale 0.1] [--database sqlite]``: every figure, every goal, and how many were met."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import dataset, pages, transfers
from benchmarks.clock import HttpClient
from benchmarks.goals import Report
from benchmarks.loading import Loader
from benchmarks.pages import Bench
from benchmarks.peers.floor import Floor
from benchmarks.people import Size
from benchmarks.queries import QueryCounter
from benchmarks.serving import Peer, sign_in, sign_in_to_django
from core.testing.servers import PostgresServer, create_database
from core.testing.serving import ServedInstallation

PLUGINS = ("contacts", "sales", "activities")
DATABASES = ("postgresql", "sqlite")


@contextmanager
def everybody(report: Report, database: str, size: Size, folder: Path) -> Iterator[Bench]:
    """Peyvand and its peers, serving the same data."""
    with ExitStack() as stack:
        url = None
        if database == "postgresql":
            url = create_database(stack.enter_context(PostgresServer()))
        served = stack.enter_context(ServedInstallation(folder / database, PLUGINS, url))
        begun = time.monotonic()
        story = dataset.fill(served, size)
        report.say(f"{database}: {size} loaded in {time.monotonic() - begun:.0f} s")
        django = Peer("benchmarks.peers.django_site", served.config.database_url, served.config)
        django.prepare("benchmarks.peers.prepare_django")
        stock = Peer("benchmarks.peers.flask_admin_site", served.config.database_url, served.config)
        stack.enter_context(django)
        stack.enter_context(stock)
        loader = Loader(served.config.database_url)
        stack.callback(loader.close)
        yield Bench(
            report=report,
            served=served,
            django_server=django,
            stock_server=stock,
            ours=sign_in(served),
            django=sign_in_to_django(django.port),
            stock=HttpClient(stock.port),
            floor=Floor(loader),
            queries=QueryCounter(served),
            size=size,
            story=story,
        )


def main() -> int:
    """Run and judge; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the data, such as 0.1")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    options = parser.parse_args()
    size, report = Size.scaled(options.scale), Report()
    with tempfile.TemporaryDirectory(prefix="peyvand-bench-") as folder:
        for database in options.database or DATABASES:
            report.slack = 2 if database == "sqlite" else 1
            with everybody(report, database, size, Path(folder)) as bench:
                pages.lists(bench)
                pages.everywhere(bench)
                pages.record(bench)
                pages.board(bench)
                pages.forecast(bench)
                dataset.drop_order_of_peers(bench.floor.loader)
                transfers.exporting(bench)
                transfers.importing(bench, Path(folder))
    report.say(f"goals: {report.met} met, {report.missed} missed")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
