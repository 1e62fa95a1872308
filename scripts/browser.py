"""See that the browser tests have a Chromium, installing one when there is none; run by `make test`.

Looked for in this order: the system's, `playwright install chromium`, and, when we are root on Debian, its package.
"""

import os
import shutil
import subprocess
import sys

from core.testing.browser import find_browser


def main() -> int:
    """Print the path of the browser; 1 when none can be had."""
    found = find_browser()
    if found is None:
        _run(sys.executable, "-m", "playwright", "install", "chromium")
        found = find_browser()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update")
        _run("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
        found = find_browser()
    if found is None:
        print("No Chromium for the browser tests; install one, or set PEYVAND_TEST_BROWSER.", file=sys.stderr)
        return 1
    print(f"Browser for the tests: {found}")
    return 0


def _run(*command: str) -> None:
    """Run `command`, showing what it says; whether it worked is seen by looking for the browser again."""
    print("+", *command, flush=True)
    subprocess.run(command, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


if __name__ == "__main__":
    sys.exit(main())
