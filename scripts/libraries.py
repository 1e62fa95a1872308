"""Known weaknesses of the installed libraries, as PyPI tells them (the JSON API of a release, PEP 503 names).

It needs the internet: where PyPI does not answer, or does not know a release, that is said and nothing is proved.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

PYPI = "https://pypi.org/pypi"
WAIT = 5  # seconds for one answer
AT_ONCE = 4
OWN = "peyvand"


@dataclass(frozen=True)
class Weakness:
    """One advisory about an installed release; ``fixed`` names the releases that are free of it."""

    library: str
    version: str
    name: str
    what: str
    fixed: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What was found, and of how many libraries PyPI told anything."""

    found: tuple[Weakness, ...]
    told: int
    asked: int

    @property
    def sentence(self) -> str:
        """How much was looked at."""
        if not self.told:
            return "libraries: not checked, PyPI does not answer or does not tell"
        return f"libraries: {self.told} of {self.asked} checked"


def installed() -> dict[str, str]:
    """The names of the installed libraries and their versions, this program left out."""
    named = {re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower(): each.version for each in distributions()}
    named.pop(OWN, None)
    return dict(sorted(named.items()))


def ask_pypi(libraries: dict[str, str], address: str = PYPI) -> Answers:
    """Ask about every library.

    Args:
        libraries: names and versions.
        address: where the JSON API is.
    """
    if not libraries:
        return Answers((), 0, 0)
    first = next(iter(libraries.items()))
    # A machine without the internet is known after one question, and not after a hundred.
    if _ask(address, *first) is _AWAY:
        return Answers((), 0, len(libraries))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda pair: (pair, _ask(address, *pair)), libraries.items()))
    told = [(pair, answer) for pair, answer in answers if isinstance(answer, list)]
    found = [weakness for (name, version), answer in told for weakness in _weaknesses(name, version, answer)]
    return Answers(tuple(found), len(told), len(libraries))


_AWAY = object()


def _ask(address: str, library: str, version: str) -> Any:
    """The advisories of a release; None where it is not known, ``_AWAY`` where nobody answers."""
    url = f"{address}/{library}/{version}/json"
    try:
        with urllib.request.urlopen(url, timeout=WAIT) as answer:  # noqa: S310 - the address is ours
            return json.load(answer).get("vulnerabilities") or []
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError):
        return _AWAY


def _weaknesses(library: str, version: str, advisories: list[dict[str, Any]]) -> Iterator[Weakness]:
    for advisory in advisories:
        if not advisory.get("withdrawn"):
            names = [*advisory.get("aliases", ()), advisory.get("id", "")]
            name = next((alias for alias in names if str(alias).startswith("CVE-")), names[-1])
            what = str(advisory.get("summary") or advisory.get("details") or "").strip().partition("\n")[0]
            yield Weakness(library, version, str(name), what[:200], tuple(advisory.get("fixed_in") or ()))
