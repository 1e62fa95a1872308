"""The supervisor, with real processes: small scripts that write what they do into a common log."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

CHILD = """
import os, signal, sys, time
name, behaviour, log = sys.argv[1:4]
def note(word):
    with open(log, "a") as file:
        file.write(f"{name} {word} {os.getpid()}\\n")
def leave(number, frame):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else leave)
note("started")
if behaviour == "broken":
    sys.exit(3)
if behaviour == "recycles":
    time.sleep(0.3)
    sys.exit(0)
if behaviour == "step":
    time.sleep(0.2)
    note("finished")
    sys.exit(0)
if behaviour == "forks":
    from core.serve.child import forks_die_with_parent
    forks_die_with_parent()
    if os.fork() == 0:
        os.setpgrp()
        note("forked")
        time.sleep(600)
if behaviour == "slow":
    time.sleep(0.4)
open(f"{log}.{name}.ready", "w").close()
while True:
    time.sleep(600)
"""

SUPERVISOR = """
import functools, os, sys
from core.errors import StartError
from core.serve.supervisor import Patience, Program, Supervisor
child, log = sys.argv[1:3]
def ready(name):
    return os.path.exists(f"{log}.{name}.ready")
programs = []
for word in sys.argv[3:]:
    name, behaviour = word.split(":")
    programs.append(Program(
        name=name,
        command=(sys.executable, child, name, behaviour, log),
        ready=functools.partial(ready, name) if behaviour != "recycles" else None,
        once=behaviour == "step",
        start_within=10,
        stop_within=0.5,
    ))
patience = Patience(steady_after=0.2, first_delay=0.05, longest_delay=0.1)
try:
    Supervisor(
        tuple(programs),
        announce=lambda: print("all ready", flush=True),
        report=lambda sentence: print(sentence, flush=True),
        patience=patience,
    ).run()
except StartError as error:
    sys.exit(str(error))
"""


class Supervised:
    """A supervisor in its own process, and the log its children write."""

    def __init__(self, folder: Path, *children: str) -> None:
        self._log = folder / "log"
        self._log.touch()
        (folder / "child.py").write_text(dedent(CHILD))
        (folder / "supervisor.py").write_text(dedent(SUPERVISOR))
        self.process = subprocess.Popen(
            [sys.executable, folder / "supervisor.py", folder / "child.py", self._log, *children],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lines(self) -> list[str]:
        """What happened, without process ids."""
        return [line.rsplit(" ", 1)[0] for line in self._log.read_text().splitlines()]

    def pids(self, what: str) -> list[int]:
        """Process ids of those that wrote `what`."""
        return [int(line.split()[-1]) for line in self._log.read_text().splitlines() if line.startswith(what)]

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == "all ready":
                return
        pytest.fail("the supervisor ended before its children were ready")

    def end(self, by: signal.Signals | None = None) -> tuple[int, str]:
        """Send the signal `by` if given; returns the exit status and what was printed."""
        if by is not None:
            self.process.send_signal(by)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Starts a supervisor over children written as `name:behaviour`."""
    started: list[Supervised] = []

    def start(*children: str) -> Supervised:
        started.append(Supervised(tmp_path, *children))
        return started[-1]

    yield start
    for supervised in started:
        supervised.process.kill()
        supervised.process.communicate()


def eventually(condition: Callable[[], object], within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_each_starts_when_the_one_before_is_ready_and_stops_in_reverse(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:slow", "migrate:step", "web:slow", "worker:well")
    supervised.wait_ready()
    assert supervised.end(signal.SIGTERM)[0] == 0
    assert supervised.lines() == [
        "redis started",
        "migrate started",
        "migrate finished",
        "web started",
        "worker started",
        "worker stopped",
        "web stopped",
        "redis stopped",
    ]


def test_ctrl_c_stops_like_sigterm(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:well")
    supervised.wait_ready()
    assert supervised.end(signal.SIGINT)[0] == 0
    assert supervised.lines()[2:] == ["web stopped", "redis stopped"]


def test_stop_during_start_leaves_nothing(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:slow", "worker:well")
    assert eventually(lambda: "web started" in supervised.lines())
    assert supervised.end(signal.SIGTERM)[0] == 0
    assert "worker started" not in supervised.lines()
    assert not any(lives(pid) for pid in supervised.pids(""))


def test_killed_child_is_started_again(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:well")
    supervised.wait_ready()
    os.kill(supervised.pids("web started")[0], signal.SIGKILL)
    assert eventually(lambda: len(supervised.pids("web started")) == 2)
    assert len(supervised.pids("redis started")) == 1
    assert "The web ended with signal SIGKILL" in supervised.end(signal.SIGTERM)[1]


def test_child_that_recycles_itself_is_replaced_at_once_for_ever(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("worker:recycles")
    supervised.wait_ready()
    assert eventually(lambda: len(supervised.pids("worker started")) > 10)
    status, output = supervised.end(signal.SIGTERM)
    assert (status, output) == (0, "")


def test_child_that_never_starts_well_ends_all_with_one_sentence(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:broken", "worker:well")
    status, output = supervised.end()
    assert status == 1
    assert output.splitlines()[-1] == (
        "The web ended 3 times in a row soon after its start, "
        "the last time with exit status 3; its own message is above."
    )
    assert supervised.lines() == ["redis started", *["web started"] * 3, "redis stopped"]


def test_failed_step_ends_all_with_one_sentence(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "migrate:step")
    assert eventually(lambda: supervised.pids("migrate started"))
    os.kill(supervised.pids("migrate started")[0], signal.SIGKILL)
    status, output = supervised.end()
    assert status == 1
    assert output.splitlines() == ["The migrate step failed with signal SIGKILL; its own message is above."]
    assert supervised.lines()[-1] == "redis stopped"


def test_child_that_ignores_the_signal_is_killed(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:stubborn")
    supervised.wait_ready()
    status, output = supervised.end(signal.SIGTERM)
    assert (status, output) == (0, "The web did not stop in time and was killed.\n")
    assert supervised.lines()[-1] == "redis stopped"
    assert not any(lives(pid) for pid in supervised.pids(""))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties the life of a child to that of its parent")
def test_killed_supervisor_leaves_no_orphan(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("redis:well", "web:stubborn", "worker:forks")
    supervised.wait_ready()
    assert eventually(lambda: supervised.pids("worker forked"))
    pids = supervised.pids("")
    assert len(pids) == 4
    assert all(lives(pid) for pid in pids)
    supervised.process.kill()
    assert eventually(lambda: not any(lives(pid) for pid in pids), within=3)
