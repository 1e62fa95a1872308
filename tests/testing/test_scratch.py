"""What tests write in memory is gone when they end, however they end."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.testing import scratch
from core.testing.scratch import scratch_folder

KILLED = """
import sys
from pathlib import Path
from core.testing import scratch
scratch.MEMORY, scratch.ROOM = Path(sys.argv[1]), 0
with scratch.scratch_folder("killed") as folder:
    (folder / "file").write_text("left")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place that counts as memory."""
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "ROOM", 0)
    return tmp_path


def test_a_folder_lies_in_memory_and_is_gone_afterwards(memory: Path) -> None:
    with scratch_folder("one") as folder:
        assert folder.parent == memory
        (folder / "file").write_text("x")
    assert list(memory.iterdir()) == []


def test_without_room_in_memory_a_folder_lies_among_the_temporary_files(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "ROOM", 1 << 60)
    with scratch_folder("one") as folder:
        assert folder.parent != memory
        assert folder.is_dir()
    assert not folder.exists()


def test_the_folder_of_a_killed_run_is_removed_by_the_next_and_that_of_a_running_one_is_not(memory: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(memory)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        left = Path(run.stdout.readline().strip())
        with scratch_folder("next"):
            assert (left / "file").exists()
        run.kill()
    with scratch_folder("next") as own:
        assert list(memory.iterdir()) == [own]
