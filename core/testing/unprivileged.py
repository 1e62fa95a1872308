"""Running PostgreSQL from a process of root, which PostgreSQL refuses.

Best is a user namespace that holds one user only: inside, the server is uid 1000; outside it still is root and so may
read binaries in folders closed to others. Where namespaces are refused, the binaries are copied to where everyone may
read them and run as `nobody`. A process that is not root just stays who it is.
"""

import ctypes
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.serve.child import spawn

_CLONE_NEWUSER = 0x10000000
_INSIDE = 1000
# Loaded here and not between fork and exec, as in core.serve.child.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a server runs as, and the copy of the binaries that user may read."""

    binaries: Path
    assume: Callable[[], None] | None
    """Called in the child between fork and exec."""
    owner: pwd.struct_passwd | None = None
    """Who must own the files of the server, when that is not the calling user."""

    def give(self, path: Path) -> None:
        """Hand `path` over to the user of the server."""
        if self.owner is not None:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)


def identity(binaries: Path, folder: Path) -> Identity:
    """Choose who runs the server whose installation is `binaries` and whose files are in `folder` (a temporary one)."""
    if os.geteuid() != 0:
        return Identity(binaries=binaries, assume=None)
    if _namespaces_work():
        return Identity(binaries=binaries, assume=enter_namespace)
    return as_nobody(binaries, folder)


def enter_namespace() -> None:
    """Move this single-threaded process into a user namespace of its own, as uid 1000; `OSError` when refused."""
    user, group = os.geteuid(), os.getegid()
    if _libc is None or _libc.unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "user namespaces are refused")
    # user_namespaces(7): groups may be mapped by an unprivileged process only after setgroups is denied.
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{_INSIDE} {user} 1"),
        ("gid_map", f"{_INSIDE} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(content)


def as_nobody(binaries: Path, folder: Path) -> Identity:
    """The identity of `nobody`, who is given `folder` and, in it, a copy of `binaries`; for root only."""
    nobody = pwd.getpwnam("nobody")
    package = binaries.parent
    # The binaries find their libraries by a relative path, so both are laid out as they are in site-packages.
    copy = folder / package.name / binaries.name
    shutil.copytree(binaries, copy, ignore=shutil.ignore_patterns("include", "*.a"), symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    # The folders above stay closed; the copy lies in one that belongs to nobody.
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

    def become_nobody() -> None:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)

    return Identity(binaries=copy, assume=become_nobody, owner=nobody)


def _namespaces_work() -> bool:
    try:
        return spawn(["true"], before_exec=enter_namespace).wait() == 0
    except (OSError, subprocess.SubprocessError):
        return False
