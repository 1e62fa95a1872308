"""Where the bytes of attached files lie: by their content, so that the same file is there once.

    attachments/incoming/<random>      being written
    attachments/files/ab/<sha256>      kept
    attachments/thumbnails/ab/<sha256>.webp

A file is kept before the row that names it is committed. A crash in between leaves a file that no row names, and the
sweep takes it away; it never leaves a row without its file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _

from core.errors import ValidationError

CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """A file that was taken in: the SHA-256 of its bytes, how many there are, and where they lie for now."""

    sha256: str
    size: int
    path: Path


class Storage:
    """The folder of attached files.

    Args:
        folder: made, closed to other users, when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take_in(self, stream: BinaryIO, limit: int) -> Stored:
        """Write a stream beside the kept files; ``keep`` or ``drop`` says what becomes of it.

        Raises:
            ValidationError: it is empty or has more than ``limit`` bytes.
        """
        path = self._folder("incoming") / uuid.uuid4().hex
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise ValidationError(_("The file is larger than %(limit)s MB.", limit=limit >> 20))
                    digest.update(chunk)
                    file.write(chunk)
                if not size:
                    raise ValidationError(_("The file is empty."))
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Stored(digest.hexdigest(), size, path)

    def keep(self, stored: Stored) -> None:
        """Put what was taken in in its place. Bytes that lie there already are replaced, and so are young again."""
        place = self.path(stored.sha256)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(stored.path, place)

    def drop(self, stored: Stored) -> None:
        """Forget what was taken in and not kept."""
        stored.path.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file with this digest lies, or would."""
        return self.folder / "files" / self._checked(sha256)[:2] / sha256

    def thumbnail(self, sha256: str) -> Path:
        """Where its thumbnail lies, or would."""
        return self.folder / "thumbnails" / self._checked(sha256)[:2] / f"{sha256}.webp"

    def write_thumbnail(self, sha256: str, data: bytes) -> None:
        """Put a thumbnail in its place, whole or not at all."""
        draft = self._folder("incoming") / uuid.uuid4().hex
        draft.write_bytes(data)
        place = self.thumbnail(sha256)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(draft, place)

    def remove(self, sha256: str) -> None:
        """Remove a file and its thumbnail for good."""
        self.path(sha256).unlink(missing_ok=True)
        self.thumbnail(sha256).unlink(missing_ok=True)

    def is_old(self, sha256: str, seconds: float) -> bool:
        """Whether a file is there and was put there more than so many seconds ago."""
        try:
            return self.path(sha256).stat().st_mtime < time.time() - seconds
        except FileNotFoundError:
            return False

    def kept(self, older_than: float) -> Iterator[str]:
        """The digests of the kept files that were put there more than so many seconds ago."""
        limit = time.time() - older_than
        for path in self.folder.glob("files/*/*"):
            with contextlib.suppress(FileNotFoundError):
                if _DIGEST.fullmatch(path.name) and path.stat().st_mtime < limit:
                    yield path.name

    def forget_abandoned(self, older_than: float) -> int:
        """Remove what was begun more than so many seconds ago and never kept; how many files that were."""
        limit, count = time.time() - older_than, 0
        for path in self.folder.glob("incoming/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    count += 1
        return count

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Held from the moment a file is kept until the row that names it is committed; no sweep comes in between."""
        with self._lock(fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def sweeping(self) -> Iterator[None]:
        """Held while files are compared with the rows and removed."""
        with self._lock(fcntl.LOCK_EX):
            yield

    @contextlib.contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        self._folder("incoming")
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, kind)
            yield  # closing the file lets go of the lock

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @staticmethod
    def _checked(sha256: str) -> str:
        if not _DIGEST.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no digest.")
        return sha256
