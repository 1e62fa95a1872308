"""Child processes that never outlive the process that started them.

The kernel is asked to do it (`PR_SET_PDEATHSIG`, prctl(2)), so it holds after SIGKILL too, when no handler runs. Linux
alone offers this; elsewhere children are stopped by whoever started them, and only that.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
# Loaded here and not between fork and exec, where taking the loader's lock could wait for a thread that is not there.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have this process sent the signal `by` when the thread that forked it ends; `parent` is the pid it expects.

    The check afterwards covers a parent that died before the request was made.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def forks_die_with_parent() -> None:
    """Apply `die_with_parent` to each process this one will `os.fork()`: web workers of gunicorn, work horses of RQ.

    Without it they would live on for as long as a request or a job takes after their master was killed.
    """
    if _libc is None:
        return
    parent = os.getpid()

    def remember_parent() -> None:
        nonlocal parent
        parent = os.getpid()

    def follow_parent() -> None:
        die_with_parent(parent)

    os.register_at_fork(before=remember_parent, after_in_child=follow_parent)


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: IO[bytes] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    before_exec: Callable[[], None] | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, tied to the life of the calling thread.

    The own session keeps a terminal's Ctrl-C from reaching the child directly, so that children stop in order. `output`
    takes both streams (default: inherited). `before_exec` runs in the child before the tie is made, because a change of
    user or namespace would undo it. `death_signal` is what the child gets when this process dies.
    """
    return subprocess.Popen(
        [str(word) for word in command],
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
        preexec_fn=partial(_prepare, os.getpid(), death_signal, before_exec),
    )


def stop(process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, within: float = 10) -> bool:
    """Ask `process` to end by the signal `by`, and kill its whole process group when it has not `within` seconds.

    Returns whether it ended by itself.
    """
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return False
    return True


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the process group `process` leads, and reap `process`."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _prepare(parent: int, death_signal: signal.Signals, before_exec: Callable[[], None] | None) -> None:
    if before_exec is not None:
        before_exec()
    die_with_parent(parent, death_signal)
