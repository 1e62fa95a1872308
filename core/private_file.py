"""Files that hold a secret: readable by the owner of the installation alone, and never half written."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError


def read_private(path: Path, what: str) -> str:
    """The text of ``path``, without the space around it.

    Args:
        path: the file.
        what: what it holds, for the sentence, such as ``secret key``.

    Raises:
        ConfigError: other users can read it, or it is no such file.
        FileNotFoundError: it is not there.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"{path} can be read by other users; take it from them with: chmod 600 {path}")
        return path.read_text("ascii").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} does not hold a {what}.") from error


def write_once(path: Path, text: str) -> None:
    """Make the file unless it is there. Of several processes that do so at once the first one wins."""
    with _draft(path, text) as draft:
        try:
            # A link appears whole or not at all.
            os.link(draft, path)
        except FileExistsError:
            return
        _make_durable(path.parent)


def write_over(path: Path, text: str) -> None:
    """Put the text in the place of whatever is there; a reader sees the old text or the new one."""
    with _draft(path, text) as draft:
        draft.replace(path)
        _make_durable(path.parent)


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
