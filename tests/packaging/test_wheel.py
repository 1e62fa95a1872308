"""A wheel built from the tree, installed elsewhere, serves with everything in it."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

from core.testing.serving import free_port

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 90  # seconds


def run(*command: object, cwd: Path, **environ: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PEYVAND_", "PYTHONPATH"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel, and the libraries of this one, but not this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", packages, wheel, cwd=folder)
    # Only the libraries: .pth files in there, such as that of an editable install of this tree, are not followed.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.timeout(240)
def test_an_installed_wheel_serves_pages_files_plugins_and_persian(python: Path, tmp_path: Path) -> None:
    port = free_port()
    environ = {"PEYVAND_INSTANCE": str(tmp_path / "instance"), "PEYVAND_PORT": str(port)}
    assert str(ROOT) not in run(python, "-c", "import core; print(core.__file__)", cwd=tmp_path)
    run(python, "-m", "core.cli", "plugin", "enable", "sales", cwd=tmp_path, **environ)
    server = subprocess.Popen(
        [python, "-m", "core.cli", "serve"], cwd=tmp_path, env=dict(os.environ) | environ, stdout=subprocess.DEVNULL
    )
    try:
        page = answer(f"http://127.0.0.1:{port}/sign-in", language="fa")
        assert 'dir="rtl"' in page
        assert "ورود" in page
        style = page.split('rel="stylesheet" href="')[1].split('"')[0]
        assert answer(f"http://127.0.0.1:{port}{style}")
        assert '"generation":2' in answer(f"http://127.0.0.1:{port}/healthz").replace(" ", "")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
    assert server.returncode == 0


def answer(url: str, language: str = "en") -> str:
    """The text of a page, as soon as it is served."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            request = urllib.request.Request(url, headers={"Accept-Language": language})
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.read().decode("utf-8", "replace")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
