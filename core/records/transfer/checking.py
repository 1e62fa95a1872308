"""Rows checked cell by cell, some hundred at a time, so that a large file needs no more memory than a small one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask_babel import gettext as _

from core.parts import ImportColumn
from core.records.transfer.cells import Conventions, read_by, text
from core.records.transfer.mapping import Mapped
from core.records.transfer.readers import NumberedRow
from core.records.transfer.vcards import Unreadable

DEFAULT_LIMIT = 20_000  # characters of a cell whose column has no parse function
TOGETHER = 500  # rows
REMEMBERED = 4_096  # cells per column whose reading is kept: cities and companies come again and again

CREATED, UPDATED, SKIPPED, FAILED, DOUBLED = "created", "updated", "skipped", "failed", "doubled"


class HasColumns(Protocol):
    """What a file is checked against."""

    @property
    def columns(self) -> tuple[ImportColumn, ...]: ...


@dataclass(frozen=True)
class CellProblem:
    """A cell that cannot be read: the row and column as a spreadsheet counts them, what was typed, and why not."""

    row: int
    column: int
    title: str
    typed: str
    reason: str

    def __str__(self) -> str:
        return f"{self.title}: {self.reason}" if self.title else self.reason


@dataclass(slots=True)
class CheckedRow:
    """One row: its number in the file, its cells as typed, and the values by ``ImportColumn`` name.

    Blank cells have no value. A row with problems is never written.
    """

    number: int
    cells: list[str]
    values: dict[str, Any] = field(default_factory=dict)
    problems: tuple[CellProblem, ...] = ()

    @property
    def reason(self) -> str:
        """All problems of the row in one line."""
        return " ".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: ``created``, ``updated``, ``skipped``, ``doubled`` (an earlier row of the file is about the
    same record) or ``failed``, and why if it was not written. ``fields`` are the errors by column where they are known.
    """

    kind: str
    reason: str = ""
    record_id: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


class _Reader:
    """Reads the cells of one column, and remembers what it made of those that come again."""

    def __init__(self, position: int, column: ImportColumn, title: str) -> None:
        self.position = position
        self.column = column
        self.title = title
        self._parse = column.parse or text(DEFAULT_LIMIT)
        self._known: dict[str, Any] = {}

    def read(self, typed: str) -> Any:
        known = self._known
        if typed in known:
            value = known[typed]
        else:
            try:
                value = self._parse(typed)
            except ValueError as error:
                value = error
            if len(known) < REMEMBERED:
                known[typed] = value
        if isinstance(value, ValueError):
            raise value
        return value


class Checker:
    """Reads rows as a mapping says.

    Args:
        header: the titles of the file's columns.
        target: what columns can become.
        mapping: which column becomes what.
        conventions: how ambiguous cells are read.
        defaults: what is taken where the file has no column, or an empty cell: text by column name.
        complete: whether required columns must have a value.
    """

    def __init__(
        self,
        header: Sequence[str],
        target: HasColumns,
        mapping: Mapped,
        conventions: Conventions | None = None,
        *,
        defaults: Mapping[str, str] | None = None,
        complete: bool = True,
    ) -> None:
        columns = {column.name: column for column in target.columns}
        self._header = header
        self._readers = [
            _Reader(position, columns[name], header[position])
            for position, name in sorted(mapping.items())
            if name in columns
        ]
        self._places = {reader.column.name: reader.position for reader in self._readers}
        self._required = [column for column in target.columns if column.required] if complete else []
        self._conventions = conventions or Conventions()
        self._defaults: dict[str, Any] = {}
        with read_by(self._conventions):
            for name, typed in (defaults or {}).items():
                if name in columns and typed.strip():
                    self._defaults[name] = (columns[name].parse or text(DEFAULT_LIMIT))(typed)

    def check(self, rows: Sequence[NumberedRow]) -> list[CheckedRow]:
        """The rows, read."""
        with read_by(self._conventions):
            return [self._check(number, cells) for number, cells in rows]

    def _check(self, number: int, cells: list[str]) -> CheckedRow:
        if isinstance(cells, Unreadable):
            return CheckedRow(number, list(cells), {}, (CellProblem(number, 0, "", "", cells.reason),))
        values = dict(self._defaults)
        problems: list[CellProblem] = []
        width = len(cells)
        for reader in self._readers:
            position = reader.position
            typed = cells[position] if position < width else ""
            if not typed or typed.isspace():
                continue
            try:
                value = reader.read(typed)
            except ValueError as error:
                problems.append(CellProblem(number, position + 1, reader.title, typed[:200], str(error)))
                continue
            if value is not None and value != "" and value != ():
                values[reader.column.name] = value
        if self._required:
            failed = {problem.column - 1 for problem in problems}
            for column in self._required:
                position = self._places.get(column.name, -1)
                if column.name not in values and position not in failed:
                    title = self._header[position] if position >= 0 else str(column.label)
                    reason = _("This field is required.")
                    problems.append(CellProblem(number, position + 1, title, "", reason))
        return CheckedRow(number, cells, values, tuple(problems))


def check_rows(
    rows: Iterable[NumberedRow],
    header: Sequence[str],
    target: HasColumns,
    mapping: Mapped,
    conventions: Conventions | None = None,
) -> Iterator[CheckedRow]:
    """Read each row's cells as the mapping says."""
    checker = Checker(header, target, mapping, conventions)
    numbered = iter(rows)
    while some := list(itertools.islice(numbered, TOGETHER)):
        yield from checker.check(some)
