"""For tests that switch a plugin again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.extension.preflight import Verdict, preflight
from core.site import plan


@pytest.fixture
def one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the trials before a plugin is switched on, each an interpreter of its own that asks the database nothing, the
    first is made and believed from then on: a hundred more would find the same."""
    verdicts: dict[tuple[str, ...], Verdict] = {}

    def tried(names: list[str], instance: Path) -> Verdict:
        if tuple(names) not in verdicts:
            verdicts[tuple(names)] = preflight(names, instance)
        return verdicts[tuple(names)]

    monkeypatch.setattr(plan, "preflight", tried)
