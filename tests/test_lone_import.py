"""Every module imports by itself, whatever was imported before, and importing it does nothing else."""

import pytest

from core.testing.side_effects import of_modules
from tests.test_layering import ROOT, imports_of

OURS = ("core", "plugins", "themes", "scripts")
FOLDERS = OURS[:3]


def _modules(folder):
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts]
    return [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths if path.stem != "__main__"]


def _libraries():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    entries = [entry for path in paths for entry in imports_of(path)]
    return sorted({entry.imported for entry in entries if entry.at_once and entry.imported.split(".")[0] not in OURS})


@pytest.mark.timeout(300)  # every module in a fresh process: a minute where others work too
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_imports_alone_and_changes_nothing(folder):
    assert of_modules(_modules(folder), _libraries()) == []
