"""Rows checked cell by cell, one at a time, so that a large file needs no more memory than a small one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from core.parts import ImportColumn, ImportTarget
from core.records.transfer.cells import Conventions, read_by, text
from core.records.transfer.mapping import Mapped
from core.records.transfer.readers import NumberedRow

DEFAULT_LIMIT = 20_000  # characters of a cell whose column has no parse function

CREATED, UPDATED, SKIPPED, FAILED = "created", "updated", "skipped", "failed"


@dataclass(frozen=True)
class CellProblem:
    """A cell that cannot be read: the row and column as a spreadsheet counts them, what was typed, and why not."""

    row: int
    column: int
    title: str
    typed: str
    reason: str

    def __str__(self) -> str:
        return f"{self.title}: {self.reason}"


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class RowOutcome:
    """What became of a row: ``created``, ``updated``, ``skipped`` or ``failed``, and why if it was not written."""

    kind: str
    reason: str = ""
    record_id: int | None = None


def check_rows(
    rows: Iterable[NumberedRow],
    header: tuple[str, ...],
    target: ImportTarget,
    mapping: Mapped,
    conventions: Conventions | None = None,
) -> Iterator[CheckedRow]:
    """Read each row's cells as the mapping says."""
    columns = {column.name: column for column in target.columns}
    wanted = [(position, columns[name]) for position, name in sorted(mapping.items()) if name in columns]
    required = [column for column in target.columns if column.required]
    conventions = conventions or Conventions()
    for number, cells in rows:
        with read_by(conventions):
            row = _check_row(number, cells, header, wanted, required)
        yield row


def _check_row(
    number: int,
    cells: list[str],
    header: tuple[str, ...],
    wanted: list[tuple[int, ImportColumn]],
    required: list[ImportColumn],
) -> CheckedRow:
    values: dict[str, Any] = {}
    problems: list[CellProblem] = []
    for position, column in wanted:
        typed = cells[position] if position < len(cells) else ""
        if not typed.strip() or column.name in values:
            continue
        try:
            value = (column.parse or text(DEFAULT_LIMIT))(typed)
        except ValueError as error:
            problems.append(CellProblem(number, position + 1, header[position], typed[:200], str(error)))
            continue
        if value is not None and value != "" and value != ():
            values[column.name] = value
    failed = {problem.column - 1 for problem in problems}
    places: Mapping[str, int] = {column.name: position for position, column in wanted}
    for column in required:
        position = places.get(column.name, -1)
        if column.name not in values and position not in failed:
            title = header[position] if position >= 0 else str(column.label)
            problems.append(CellProblem(number, position + 1, title, "", _("This field is required.")))
    return CheckedRow(number, cells, values, tuple(problems))
