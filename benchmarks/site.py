"""What a change of modules costs: python benchmarks/site.py

Prints how long a Site takes to build and to swap, and what people notice of 20 changes under load. Figures are of this
run on this machine; the command compares nothing with yesterday.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.testing.flipping import EXPECTED, flip
from core.testing.serving import ServedInstallation

BUILDS = 10
FLIPS = 20


def main() -> int:
    """Measure and print; the exit status is 1 when a request failed."""
    with tempfile.TemporaryDirectory() as folder:
        served = ServedInstallation(Path(folder) / "instance", ("contacts", "sales"))
        with served:
            runtime = served.runtime
            site = runtime.current_site()
            builds, first = [], []
            for _ in range(BUILDS):
                begun = time.perf_counter()
                site = runtime.build()
                builds.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                with site.app.test_client() as client:
                    client.get("/sign-in")
                first.append(time.perf_counter() - begun)
            print(f"routes {len(list(site.app.url_map.iter_rules()))}, screens {len(site.screens)}")
            print(f"build a Site          {_spread(builds)}")
            print(f"its first request     {_spread(first)}")
            flips = flip(served, "sales", FLIPS)
    print(f"swap in all processes {_spread(flips.converged)}")
    failed = flips.failed(EXPECTED)
    print(f"requests {flips.requests}, failed {sum(failed.values())} over {FLIPS} flips {failed or ''}".rstrip())
    return 1 if failed else 0


def _spread(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds) * 1000:5.0f} ms, max {max(seconds) * 1000:5.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
