"""The keys that stored secrets are encrypted with, which are not in the database.

A secret is sealed with AES-256-GCM (NIST SP 800-38D) under the first key. Table, row and column are additional data, so
a sealed text that is copied elsewhere cannot be opened there. The other keys still open what they sealed.

    1.<key>.<nonce and ciphertext>      the version of this shape, the key's name, 12 + n + 16 bytes in base64
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.config import Config
from core.errors import ConfigError, SecretError
from core.private_file import read_private, write_once, write_over

VERSION = "1"
NONCE = 12  # bytes


class Place(NamedTuple):
    """Where a secret belongs: ``row`` is the primary key of its row in ``table``, as text."""

    table: str
    row: str
    column: str

    def __str__(self) -> str:
        return f"{self.column} of {self.table} {self.row}"


class Keyring:
    """The keys of one installation, from the environment or its file.

    The file is read each time, so that every process knows a new key at once.
    """

    def __init__(self, config: Config) -> None:
        self._given = config.encryption_keys
        self._file = config.encryption_key_file

    @property
    def is_given(self) -> bool:
        """Whether the environment holds the keys, where nobody but its owner can change them."""
        return bool(self._given)

    def keys(self) -> tuple[bytes, ...]:
        """The keys, the one that encrypts first; none where none was made yet.

        Raises:
            ConfigError: the file can be read by others, or holds something else.
        """
        if self._given:
            return self._given
        try:
            lines = read_private(self._file, "list of encryption keys").split()
            keys = tuple(bytes.fromhex(line) for line in lines)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be read: {error.strerror}.") from error
        except ValueError:
            keys = ()
        if not keys or any(len(key) != 32 for key in keys):
            raise ConfigError(f"{self._file} does not hold a list of encryption keys.")
        return keys

    def make_first(self) -> None:
        """Make the file with a key, unless there is one."""
        if not self._given:
            write_once(self._file, secrets.token_hex(32))

    def add(self) -> None:
        """Put a new key in front of the others."""
        self._write((secrets.token_bytes(32), *self.keys()))

    def keep_only_first(self) -> None:
        """Forget every key but the one that encrypts."""
        self._write(self.keys()[:1])

    def _write(self, keys: tuple[bytes, ...]) -> None:
        write_over(self._file, "\n".join(key.hex() for key in keys))

    def seal(self, text: str, place: Place) -> str:
        """``text`` as it is stored at ``place``.

        Raises:
            SecretError: there is no key.
        """
        keys = self.keys()
        if not keys:
            raise SecretError(f"There is no key to encrypt the {place} with.")
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + AESGCM(keys[0]).encrypt(nonce, text.encode(), _bound_to(place))
        return f"{VERSION}.{name_of(keys[0])}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, place: Place) -> str:
        """The text that was sealed for ``place``.

        Raises:
            SecretError: its key is not there, or it is not what was sealed for this place.
        """
        version, _dot, rest = sealed.partition(".")
        name, _dot, body = rest.partition(".")
        key = next((key for key in self.keys() if name_of(key) == name), None)
        if version != VERSION or not body:
            raise SecretError(f"The {place} is not a sealed secret.")
        if key is None:
            where = "PEYVAND_ENCRYPTION_KEY" if self._given else str(self._file)
            raise SecretError(
                f"The {place} was encrypted with the key {name}, which is not in {where}. Put it back, or enter the "
                "secret again."
            )
        try:
            raw = base64.urlsafe_b64decode(body.encode())
            return AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], _bound_to(place)).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise SecretError(f"The {place} was changed or moved in the database; enter the secret again.") from error


def name_of(key: bytes) -> str:
    """What a key is called beside the secrets it sealed; the key cannot be found from it."""
    return hashlib.sha256(b"peyvand encryption key " + key).hexdigest()[:12]


def _bound_to(place: Place) -> bytes:
    return json.dumps(list(place)).encode()
