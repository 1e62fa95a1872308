"""Every text of the core, the theme and the bundled plugins has its Persian."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_text_lacks_its_persian() -> None:
    command = [sys.executable, "-m", "scripts.translations", "check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")
