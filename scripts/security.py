"""``make security``: a served installation with sample data, looked at through its doors, the program's own text, and
what is known of the libraries.

Prints what was found by severity; status 1 when anything high or medium is open.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from flask_babel import force_locale

from core.accounts.actor import as_system
from core.testing.scanning import HIGH, MEDIUM, OPEN, SEVERITIES, Doors, Finding, over_http, scan
from core.testing.serving import ServedInstallation
from scripts.libraries import Answers, ask_pypi, installed

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ("contacts", "sales", "activities", "api")


def main() -> int:
    """Scan everything and print the findings."""
    answers = ask_pypi(installed())
    found = [*program_text(), *libraries(answers), *served()]
    for finding in found:
        print(f"{finding.severity:6} {finding.check}: {finding.where}: {finding.what}")
    print(answers.sentence)
    counts = Counter(finding.severity for finding in found)
    print("findings: " + ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES))
    return 1 if counts[HIGH] or counts[MEDIUM] else 0


def program_text() -> list[Finding]:
    """What the linter's rules of security say; what stands with its reason in ``ruff.toml`` or the line is left out."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "json", "core", "plugins"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = json.loads(run.stdout or "[]")
    return [
        Finding(MEDIUM, f"program text {row['code']}", _line(row["filename"], row["location"]["row"]), row["message"])
        for row in rows
        if str(row["code"]).startswith("S")
    ]


def libraries(answers: Answers) -> list[Finding]:
    """What PyPI knows of the installed releases; it says nothing of how bad it is."""
    return [
        Finding(
            MEDIUM,
            f"library {one.name}",
            f"{one.library} {one.version}",
            f"{one.what} (fixed in {', '.join(one.fixed) or 'no release'})",
        )
        for one in answers.found
    ]


def _line(name: str, number: int) -> str:
    return f"{Path(name).relative_to(ROOT)}:{number}"


def served() -> list[Finding]:
    """What shows through the doors of a served installation."""
    with tempfile.TemporaryDirectory() as folder, ServedInstallation(Path(folder) / "instance", PLUGINS) as served:
        site = served.runtime.current_site()
        with site.app.test_request_context(), as_system("scan"), force_locale("en"):
            session = served.runtime.database.session()
            for _plugin, add in site.hooks.each("demo_data", session=session):
                add()
                session.commit()
            ids = {}
            for record_type in site.catalog:
                first = session.query(record_type.model.id).first()
                if first is not None:
                    ids["/" + record_type.name.replace(".", "/")] = first[0]
        app = site.app
        public = frozenset(name for name, view in app.view_functions.items() if getattr(view, "public", False))
        user, administrator = (_cookies(served, role) for role in ("user", "administrator"))
        doors = Doors(
            over_http(served.url, {}),
            over_http(served.url, user),
            over_http(served.url, administrator),
            public=public | OPEN,
            ids=ids,
        )
        return scan(app.url_map.iter_rules(), doors)


def _cookies(served: ServedInstallation, role: str) -> dict[str, str]:
    return {cookie.name: str(cookie.value) for cookie in served.client(role).cookies}


if __name__ == "__main__":
    sys.exit(main())
