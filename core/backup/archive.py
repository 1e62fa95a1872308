"""The file of a backup: a zip archive with a list of its parts and the SHA-256 of each.

tables/<table>.jsonl          one row in a line, values in the order of the list's columns
attachments/<sha256>          bytes of attached files
instance/<path>               files of the instance folder: own plugins, templates, translations, saved copies
keys/<name>                   secret and encryption keys, only when asked for
manifest.json                 the list; written last, so that an archive that was cut off has none
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from core.errors import PeyvandError

FORMAT = 1
MANIFEST = "manifest.json"
FOLDERS = ("tables", "attachments", "instance", "keys")
CHUNK = 1 << 20
LONGEST_MANIFEST = 1 << 28
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, NotImplementedError, RuntimeError,
)  # fmt: skip


class BackupError(PeyvandError):
    """A backup cannot be made, read or restored; the sentence says why and what to do."""


@dataclass
class Table:
    """What the archive holds of one table."""

    name: str
    columns: list[str]
    rows: int = 0


@dataclass
class Manifest:
    """What an archive holds and where it comes from.

    ``plugins`` maps names to the version and the state wanted, ``revisions`` names to how far the history of their
    tables was run, ``parts`` names to the SHA-256 of what is in the archive. ``missing`` are attached files whose bytes
    were not there, or were others than their row says, when the backup was made.
    """

    version: str
    made_at: str
    dialect: str
    plugins: dict[str, list[str]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    tables: list[Table] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """How many rows all tables have together."""
        return sum(table.rows for table in self.tables)

    @property
    def attachments(self) -> list[str]:
        """The digests of the attached files."""
        return [name.partition("/")[2] for name in self.parts if name.startswith("attachments/")]

    @property
    def has_keys(self) -> bool:
        """Whether the keys of the installation are in it."""
        return any(name.startswith("keys/") for name in self.parts)


class Writer:
    """Writes an archive beside its place and puts it there whole; its owner alone can read it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        self.parts: dict[str, str] = {}

    def __enter__(self) -> Writer:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
        except OSError as error:
            raise BackupError(f"{self._path} cannot be written: {error.strerror}.") from error
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        try:
            if kind is None:
                self._zip.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._draft.replace(self._path)
                _make_durable(self._path.parent)
        finally:
            # What was begun and not finished is of no use: it must not be ended on a full disk, nor when forgotten.
            self._zip.fp = None
            with contextlib.suppress(OSError, ValueError):
                self._file.close()
            self._draft.unlink(missing_ok=True)

    def add(self, name: str, chunks: Iterable[bytes], *, packed: bool = True) -> int:
        """Write a part; how many bytes it has."""
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self._zip.open(entry, "w", force_zip64=True) as part:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                part.write(chunk)
        self.parts[name] = digest.hexdigest()
        return size

    def finish(self, manifest: Manifest) -> None:
        """Write the list of all parts."""
        manifest.parts = self.parts
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))


class Reader:
    """Reads an archive of which nothing is trusted until ``check`` has read it all.

    Raises:
        BackupError: it is no backup, or was cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            if self._zip.getinfo(MANIFEST).file_size > LONGEST_MANIFEST:
                raise ValueError("manifest")
            self.manifest = _manifest(json.loads(self._zip.read(MANIFEST)))
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
        except _DAMAGED as error:
            raise BackupError(f"{path} is no backup, or it was cut off or damaged.") from error

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()

    def check(self) -> None:
        """Read every part and compare it with its SHA-256.

        Raises:
            BackupError: a part is missing, damaged, not listed, or named like a file elsewhere.
        """
        listed, there = set(self.manifest.parts), {info.filename for info in self._zip.infolist()} - {MANIFEST}
        for name in sorted(listed ^ there):
            what = "is missing" if name in listed else "is not in its list"
            raise BackupError(f"{self.path} is damaged: its part {name} {what}.")
        for name, sha256 in self.manifest.parts.items():
            parts = PurePosixPath(name).parts
            if parts[0] not in FOLDERS or ".." in parts or "\\" in name or name.startswith("/") or "\0" in name:
                raise BackupError(f"{self.path} has a part with an impossible name: {name!r}.")
            digest = hashlib.sha256()
            for chunk in self.chunks(name):
                digest.update(chunk)
            if digest.hexdigest() != sha256:
                raise BackupError(f"{self.path} is damaged: its part {name} is not what was written.")

    def names(self, folder: str) -> list[str]:
        """The parts in a folder."""
        return [name for name in self.manifest.parts if name.startswith(f"{folder}/")]

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part in pieces.

        Raises:
            BackupError: it is damaged.
        """
        with self.open(name) as part:
            while chunk := self._read(part, name):
                yield chunk

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a part."""
        with self.open(name) as part:
            yield from part

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A part as a file."""
        try:
            part = self._zip.open(name)
        except (*_DAMAGED, OSError) as error:
            raise BackupError(f"{self.path} is damaged: its part {name} cannot be read.") from error
        with part:
            yield part

    def _read(self, part: IO[bytes], name: str) -> bytes:
        try:
            return part.read(CHUNK)
        except (*_DAMAGED, OSError) as error:
            raise BackupError(f"{self.path} is damaged: its part {name} cannot be read.") from error


def _manifest(found: Any) -> Manifest:
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise ValueError("manifest")
    if found["format"] > FORMAT:
        raise BackupError("This backup was made by a newer version of Peyvand; restore it with that version.")
    tables = [Table(**table) for table in found.pop("tables")]
    return Manifest(**{**found, "tables": tables})


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
