"""Every module imports by itself, whatever was imported before, and importing it does nothing else."""

import pytest

from core.testing.side_effects import of_modules
from tests.test_layering import ROOT, imports_of

OURS = ("core", "plugins", "themes", "scripts")


def _modules(folder):
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]
    return [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths if path.stem != "__main__"]


def _libraries(folder):
    entries = [entry for path in sorted((ROOT / folder).rglob("*.py")) for entry in imports_of(path)]
    return sorted({entry.imported for entry in entries if entry.at_once and entry.imported.split(".")[0] not in OURS})


@pytest.mark.timeout(300)  # every module in a fresh process: a minute where others work too
@pytest.mark.parametrize("folder", ["core", "plugins", "themes"])
def test_every_module_imports_alone_and_changes_nothing(folder):
    modules = _modules(folder)
    # A process for each, and a limit of time for those that are asked together.
    for start in range(0, len(modules), 100):
        assert of_modules(modules[start : start + 100], _libraries(folder)) == []
