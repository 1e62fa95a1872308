"""Secrets that the database keeps: passwords of other systems, keys of second factors, links in mails that wait.

All of them lie in one table that no record type, list, export or search knows, each under the table, row and column it
belongs to. Functions take a connection, so a secret is written in the transaction of its cause.
"""

from __future__ import annotations

import datetime as dt
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.config import Config
from core.database.base import plugin_base
from core.database.engine import Database
from core.database.keyring import Keyring, Place, name_of
from core.database.types import UtcDateTime
from core.errors import SecretError

Base = plugin_base("core")


class Secret(Base):  # type: ignore[valid-type, misc]
    """One secret, sealed for its place."""

    __tablename__ = "core_secret"

    table_name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    row_key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    column_name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    sealed: Mapped[str] = mapped_column(sa.Text)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


SECRETS: sa.Table = Secret.__table__


class Secrets:
    """The secrets of one installation."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.keyring = Keyring(config)

    def keep(self, connection: Connection, place: Place, text: str) -> None:
        """Store ``text`` at ``place``, instead of what is there.

        Raises:
            SecretError: the keys of the other secrets are gone.
        """
        # A rotation that is going on is waited for, and only then the keys are read: what is sealed with a key that it
        # is about to drop could never be opened.
        _lock(connection, "ROW EXCLUSIVE")
        if not self.keyring.keys():
            others = connection.scalar(sa.select(SECRETS.c.row_key).limit(1)) is not None
            # Asked again: between the two looks another process may have made the key and kept the first secret.
            if others and not self.keyring.keys():
                raise SecretError(
                    f"The key of the stored secrets is missing. Put {self._config.encryption_key_file} back, or set "
                    "PEYVAND_ENCRYPTION_KEY."
                )
            self.keyring.make_first()
        values = {"sealed": self.keyring.seal(text, place), "changed_at": dt.datetime.now(dt.UTC)}
        insert = sqlite.insert(SECRETS) if connection.dialect.name == "sqlite" else postgresql.insert(SECRETS)
        named = {"table_name": place.table, "row_key": place.row, "column_name": place.column}
        connection.execute(insert.values(**named, **values).on_conflict_do_update(index_elements=[*named], set_=values))

    def read(self, connection: Connection | Session, place: Place) -> str | None:
        """The secret at ``place``, or None.

        Raises:
            SecretError: it cannot be opened; the sentence says why and what to do.
        """
        sealed = connection.scalar(sa.select(SECRETS.c.sealed).where(*_at(place)))
        return None if sealed is None else self.keyring.open(sealed, place)

    @staticmethod
    def has(connection: Connection | Session, place: Place) -> bool:
        """Whether there is a secret at ``place``; whether it can be opened is another question."""
        return connection.scalar(sa.select(SECRETS.c.row_key).where(*_at(place))) is not None

    @staticmethod
    def forget(connection: Connection, place: Place) -> None:
        """Remove the secret at ``place``, if there is one."""
        connection.execute(sa.delete(SECRETS).where(*_at(place)))

    def unreadable(self, connection: Connection) -> tuple[int, str]:
        """How many secrets cannot be opened, and why the first of them cannot."""
        count, reason = 0, ""
        for place, sealed in _every(connection):
            try:
                self.keyring.open(sealed, place)
            except SecretError as error:
                count, reason = count + 1, reason or str(error)
        return count, reason

    def rotate(self, database: Database) -> int:
        """Seal every secret with a new key and drop the old one; with keys of the environment, with the first of them.

        A crash in the middle leaves both keys in the file, and every secret can be opened; do it again then.

        Returns:
            How many secrets were sealed again.

        Raises:
            SecretError: one cannot be opened; all stay as they were.
        """
        with self._alone():
            if not self.keyring.is_given:
                # On the disk before anything is sealed with it.
                self.keyring.add()
            with database.engine.begin() as connection:
                _lock(connection, "EXCLUSIVE")
                rows = [(place, self.keyring.open(sealed, place)) for place, sealed in _every(connection)]
                for place, text in rows:
                    renewed = sa.update(SECRETS).where(*_at(place)).values(sealed=self.keyring.seal(text, place))
                    connection.execute(renewed)
            if not self.keyring.is_given:
                self.keyring.keep_only_first()
        return len(rows)

    @property
    def key_name(self) -> str:
        """What the key is called that encrypts now; empty without one."""
        keys = self.keyring.keys()
        return name_of(keys[0]) if keys else ""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two rotations at once would drop each other's keys."""
        with self._config.encryption_key_file.with_name("encryption_key.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _at(place: Place) -> tuple[sa.ColumnElement[bool], ...]:
    table, row, column = place
    return SECRETS.c.table_name == table, SECRETS.c.row_key == row, SECRETS.c.column_name == column


def _every(connection: Connection) -> list[tuple[Place, str]]:
    rows = connection.execute(sa.select(SECRETS)).all()
    return [(Place(row.table_name, row.row_key, row.column_name), row.sealed) for row in rows]


def _lock(connection: Connection, mode: str) -> None:
    # On SQLite there is one writer, and its transaction has begun.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"LOCK TABLE core_secret IN {mode} MODE"))
