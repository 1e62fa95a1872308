"""The keyed digest of audit rows.

Every row is one line of JSON, with ``changes`` as the text that the database holds, so that two readers cannot take
the same bytes for different rows. The digest is HMAC-SHA-256 (RFC 2104) over these lines and a last one that says which
seal it is. Its key is derived from the secret key of the installation (HKDF, RFC 5869): the database does not hold it,
so whoever can write to the database alone cannot make a seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.records.audit import Audit

HINT = 4  # bytes
_PURPOSE = b"peyvand audit seal 1"
ROWS: sa.Table = Audit.__table__  # type: ignore[assignment]
COLUMNS = (
    ROWS.c.id, ROWS.c.at, ROWS.c.actor_id, ROWS.c.actor_name, ROWS.c.source, ROWS.c.address, ROWS.c.reason,
    ROWS.c.operation, ROWS.c.record_type, ROWS.c.record_id, ROWS.c.action,
    sa.cast(ROWS.c.changes, sa.Text).label("changes"),
)  # fmt: skip
"""What is sealed: every column."""


@dataclass(frozen=True)
class SealKey:
    """A key and the name by which seals tell it apart, which gives nothing of it away."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, secret_key: bytes) -> SealKey:
        """The key that belongs to the secret key of an installation."""
        drawn = hmac.digest(_PURPOSE, secret_key, "sha256")
        secret = hmac.digest(drawn, b"key\x01", "sha256")
        return cls(hmac.digest(drawn, b"name\x01", "sha256").hex()[:16], secret)


def key_ring(secret_keys: Iterable[bytes]) -> Mapping[str, SealKey]:
    """The keys of some secret keys, by name."""
    keys = [SealKey.of(secret_key) for secret_key in secret_keys]
    return {key.id: key for key in keys}


class RowDigest:
    """The digest of rows that are added one after the other, by id.

    Args:
        key: the installation's.
        hints: whether to keep a hint for each row.
    """

    def __init__(self, key: SealKey, *, hints: bool = False) -> None:
        self._secret = key.secret
        self._mac = hmac.new(key.secret, digestmod="sha256")
        self._hints = bytearray() if hints else None
        self.count = 0
        self.first_id: int | None = None
        self.last_id = 0

    def add(self, row: Any) -> None:
        """Take a row of ``COLUMNS`` in."""
        line = row_line(row)
        self._mac.update(line)
        self.count += 1
        self.last_id = row[0]
        if self.first_id is None:
            self.first_id = row[0]
        if self._hints is not None:
            self._hints += hint(line, self._secret)

    @property
    def hints(self) -> bytes:
        """The hints of all rows, in their order."""
        return bytes(self._hints or b"")

    def finish(self, *about: Any) -> str:
        """The digest over the rows and over what the seal says about itself."""
        mac = self._mac.copy()
        mac.update(json.dumps(about).encode())
        return mac.hexdigest()


def row_line(row: Any) -> bytes:
    """A row of ``COLUMNS`` as one line."""
    id_, at, *rest = row
    return json.dumps([id_, at.isoformat(timespec="microseconds"), *rest], separators=(",", ":")).encode() + b"\n"


def hint(line: bytes, secret: bytes) -> bytes:
    """A few bytes by which a changed row is told apart."""
    return hashlib.blake2b(line, key=secret, digest_size=HINT).digest()


def seal_digest(digest: RowDigest, number: int, last_id: int, previous: str, at: Any) -> str:
    """The digest of a seal over rows that were added to ``digest``."""
    return digest.finish("seal", number, last_id, digest.count, previous, at.isoformat(timespec="microseconds"))


def mark_digest(digest: RowDigest, seal: Any) -> str:
    """The digest of the mark that stands for removed rows, over those that stayed."""
    at = seal.at.isoformat(timespec="microseconds")
    return digest.finish("mark", seal.number, seal.last_id, digest.count, seal.removed, seal.previous, seal.digest, at)
