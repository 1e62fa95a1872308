"""The cursor of PostgreSQL's driver, which describes the columns of an answer when somebody looks at them.

SQLAlchemy asks for the description of every answer, and reads only those of statements that it has not met before.
Objects for the ninety columns of a record took a thirtieth of its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import psycopg


class Cursor(psycopg.Cursor[Any]):
    """A cursor as the driver has it but for ``description``."""

    @property
    def description(self) -> Any:
        """A sequence of what is said of each column, None where the last statement answers no rows."""
        answer = self.pgresult
        return _Description(self) if answer is not None and answer.nfields else self.described()

    def described(self) -> list[psycopg.Column] | None:
        """What the driver says of the columns of the last answer."""
        return super().description


class _Description(Sequence[psycopg.Column]):
    """The columns of the answer that ``cursor`` has when they are looked at first."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    @cached_property
    def _columns(self) -> list[psycopg.Column]:
        return self._cursor.described() or []

    def __len__(self) -> int:
        return len(self._columns)

    def __getitem__(self, place: Any) -> Any:
        return self._columns[place]
