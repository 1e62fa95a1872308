"""Plugins of others: built from their own distribution, installed with pip, and used from a process of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds for a child that builds or runs a suite on a busy machine


def install(source: Path, target: Path) -> None:
    """Build the distribution in ``source`` and install it into the folder ``target``."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def fleet_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's distribution, copied, because building leaves files beside it."""
    return Path(
        shutil.copytree(
            ROOT / "examples" / "fleet",
            tmp_path_factory.mktemp("source") / "fleet",
            ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"),
        )
    )


@pytest.fixture(scope="session")
def fleet_target(fleet_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed."""
    target = tmp_path_factory.mktemp("site-packages")
    install(fleet_source, target)
    return target


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a Python command with folders of installed packages on its path."""

    def run_python(
        *arguments: object, path: Path, cwd: Path = ROOT, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        ours = ("PEYVAND_", "PYTEST_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {"PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]), **variables}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run_python
