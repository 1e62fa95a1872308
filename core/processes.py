"""Names of processes, by which one can be told dead after a kill, when it could no longer say so."""

import os
import socket

import psutil


def process_id(pid: int | None = None) -> str:
    """A name for a process of this machine that no other has, not even after a restart reuses its number.

    Args:
        pid: its number; that of the calling process by default.
    """
    pid = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{pid}:{int(psutil.Process(pid).create_time())}"


def is_here(name: str) -> bool:
    """Whether the process called ``name`` is, or was, one of this machine, so that ``is_alive`` knows."""
    return name.rpartition(":")[0].rpartition(":")[0] == socket.gethostname()


def is_alive(name: str) -> bool:
    """Whether the process called ``name`` still runs; one on another machine is trusted to its signs of life."""
    if not is_here(name):
        return True
    _host, pid, created = name.rsplit(":", 2)
    try:
        process = psutil.Process(int(pid))
        return str(int(process.create_time())) == created and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
