"""One process that starts the others in order, restarts what dies, and stops them all.

Why not a library: circus, honcho and supervisor were looked at. None offers the three things we need together: a child
starts only when the one before it answers (Redis, then the migrations, then the web), a failure is told in one sentence
with a non-zero exit status, and a supervisor killed by SIGKILL leaves no orphans (`core.serve.child`).

    start:  redis -> migrate -> web -> worker -> scheduler        each waits until the one before is ready
    stop:   scheduler -> worker -> web -> redis                   each has its own deadline, then SIGKILL
"""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Self

from core.errors import StartError
from core.serve.child import kill_group, spawn

_POLL = 0.05
_SHORTEST_REST = 1.0
_ONE_WISH = 1.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """One child: what to run and how to know that it is well. All times are in seconds."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables set over those of the supervisor."""
    ready: Callable[[], bool] | None = None
    """Asked until it is true before the next program starts; must return quickly and not raise. None: at once ready."""
    once: bool = False
    """Runs to its end, with status 0, before the next program starts, and is not restarted."""
    start_within: float = 60
    stop_within: float = 10
    pass_fds: tuple[int, ...] = ()
    log: Path | None = None
    """File it writes its messages to, when that is not our own output."""

    @property
    def message(self) -> str:
        """Where to read why it failed."""
        return f"see {self.log}" if self.log is not None else "its own message is above"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """When a dying child is restarted and when the supervisor gives up. All times are in seconds."""

    steady_after: float = 5
    """A child that lived this long has started well: its earlier failures are forgotten."""
    first_delay: float = 0.5
    longest_delay: float = 30
    attempts_to_start: int = 3
    """Failures in a row accepted from a child that has never been steady: most likely it never will be."""
    attempts_to_recover: int = 8
    """The same for one that has been: about a minute, so that a database that restarts does not end the site."""


class _Child:
    """A program, its process of the moment, and how it has fared."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at = 0.0
        self.failures = 0
        self.has_been_steady = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.started_at = time.monotonic()
        program = self.program
        try:
            self.process = spawn(
                program.command, env={**os.environ, **program.environment}, pass_fds=program.pass_fds
            )
        except OSError as error:
            raise StartError(f"The {program.name} cannot be started: {error.strerror}.") from error


class Supervisor:
    """Runs `programs` until it is told to stop or one of them fails for good.

    `announce` is called once, when all are ready; `report` with a sentence whenever a child is restarted.
    """

    def __init__(
        self,
        programs: tuple[Program, ...],
        *,
        announce: Callable[[], None] | None = None,
        report: Callable[[str], None] = lambda sentence: None,
        patience: Patience | None = None,
    ) -> None:
        self._programs = programs
        self._announce = announce
        self._report = report
        self._patience = patience or Patience()
        self._children: list[_Child] = []
        self._stop_requests = 0
        self._stop_requested_at = float("-inf")

    def run(self) -> None:
        """Start everything, watch it, and return when SIGINT or SIGTERM has stopped it; main thread only.

        A second signal kills what is still stopping. Raises `StartError` when a child cannot be started, or fails too
        often; by then the others have been stopped.
        """
        with _Wakeups(self._request_stop) as wakeups:
            try:
                if self._start_all(wakeups):
                    if self._announce is not None:
                        self._announce()
                    while not self._stop_requests:
                        wakeups.wait(self._seconds_to_restart())
                        self._tend()
            finally:
                self._stop_all(wakeups)

    def _request_stop(self) -> None:
        # One wish often comes as two signals, from the terminal and from whatever started us: they count once.
        now = time.monotonic()
        if now - self._stop_requested_at > _ONE_WISH:
            self._stop_requests += 1
            self._stop_requested_at = now

    def _start_all(self, wakeups: "_Wakeups") -> bool:
        """Bring up each program in turn; False when a stop was asked for on the way."""
        for program in self._programs:
            child = _Child(program)
            self._children.append(child)
            child.start()
            deadline = time.monotonic() + program.start_within
            while not self._is_up(child):
                if self._stop_requests:
                    return False
                if time.monotonic() > deadline:
                    raise StartError(f"The {program.name} is not ready after {program.start_within:g} seconds.")
                wakeups.wait(_POLL)
                self._tend()
        return not self._stop_requests

    def _is_up(self, child: _Child) -> bool:
        program = child.program
        status = child.process.poll() if child.process is not None else None
        if program.once:
            if status:
                raise StartError(f"The {program.name} step failed with {_in_words(status)}; {program.message}.")
            return status == 0
        return child.running and (program.ready is None or program.ready())

    def _seconds_to_restart(self) -> float | None:
        waiting = [child.restart_at for child in self._children if child.restart_at]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _tend(self) -> None:
        """Restart the children whose time has come, and decide about those that died since."""
        now = time.monotonic()
        for child in self._children:
            if self._stop_requests or child.program.once or child.running:
                continue
            if child.process is not None:
                status = child.process.wait()
                # What the child itself had started must not serve beside its successor.
                kill_group(child.process)
                child.process = None
                child.restart_at = now + self._delay_after(child, status, now - child.started_at)
            if now >= child.restart_at:
                child.restart_at = 0.0
                child.start()

    def _delay_after(self, child: _Child, status: int, lived: float) -> float:
        """Seconds to wait before `child` is restarted. Raises `StartError` when it has failed too often."""
        patience, name = self._patience, child.program.name
        if lived >= patience.steady_after:
            child.has_been_steady = True
            child.failures = 0
        if status == 0 and lived >= min(_SHORTEST_REST, patience.steady_after):
            # It asked to be replaced: recycled for its memory, or to read upgraded code.
            return 0.0
        child.failures += 1
        if child.failures >= (patience.attempts_to_recover if child.has_been_steady else patience.attempts_to_start):
            raise StartError(
                f"The {name} ended {child.failures} times in a row soon after its start, the last time with "
                f"{_in_words(status)}; {child.program.message}."
            )
        delay = min(patience.longest_delay, patience.first_delay * 2 ** (child.failures - 1))
        self._report(f"The {name} ended with {_in_words(status)}; it is started again in {delay:g} seconds.")
        return delay

    def _stop_all(self, wakeups: "_Wakeups") -> None:
        last_polite_request = max(self._stop_requests, 1)
        for child in reversed(self._children):
            process = child.process
            if process is None:
                continue
            if process.poll() is None:
                process.terminate()
            deadline = time.monotonic() + child.program.stop_within
            while process.poll() is None and time.monotonic() < deadline:
                if self._stop_requests > last_polite_request:
                    break
                wakeups.wait(_POLL)
            if process.poll() is None:
                self._report(f"The {child.program.name} did not stop in time and was killed.")
            kill_group(process)


class _Wakeups:
    """Signals as something to wait for: a wait ends at once when a child dies or a stop is asked for.

    The handlers only note what came; the work is done by the loop, where it cannot meet itself half-way.
    """

    _STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._previous_descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in self._STOPS:
            # A terminal that closes ends us like Ctrl-C does, unless nohup has asked for the contrary.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            self._previous[number] = signal.signal(number, self._note_stop)
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._note_child)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_descriptor)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float | None) -> None:
        """Sleep for `seconds` (None: without end), or until a signal arrives."""
        if select.select([self._reader], [], [], seconds)[0]:
            self._reader.recv(4096)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self._on_stop()

    def _note_child(self, number: int, frame: FrameType | None) -> None:
        """Nothing to do: that it was called ends the wait."""


def _in_words(status: int) -> str:
    """How a process ended, `status` being what `subprocess` reports: negative for a signal."""
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
