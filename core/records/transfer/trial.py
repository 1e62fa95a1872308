"""What would become of a file's rows: tried batch by batch, each taken back at once, so that nobody waits for it."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.records.policy import require
from core.records.transfer import models
from core.records.transfer.checking import CREATED, DOUBLED, FAILED, CheckedRow, RowOutcome
from core.records.transfer.drafts import Draft
from core.records.transfer.limits import TableUnreadable
from core.records.transfer.models import ImportRun
from core.records.transfer.readers import Table
from core.records.transfer.running import BATCH, checker_of, corrected, rehearse, writer_of
from core.records.transfer.targets import Target, target_of
from core.records.transfer.uploads import table_of
from core.records.transfer.writing import Writer

CHECK_IMPORT = "core.check_import"
AT_ONCE = 2_000  # rows that are checked while somebody waits
LISTED = 200  # errors that are kept with their cells


@dataclass
class Trial:
    """What a check found. ``problems`` are the first bad cells: row, column (-1 for none), title, text, why."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    seen: int = 0

    def note(self, rows: Sequence[CheckedRow], outcomes: Sequence[RowOutcome], run: ImportRun, header: Any) -> None:
        """Count a batch, and keep its errors while there is room."""
        places = {name: place for place, name in run.columns.items()}
        for row, outcome in zip(rows, outcomes, strict=True):
            self.counts[outcome.kind] += 1
            if outcome.kind == FAILED and len(self.problems) < LISTED:
                self.problems += _problems(row, outcome, places, header)
        self.seen += len(rows)

    def told(self, number: int) -> dict[str, Any]:
        """As it is kept with the import."""
        return {"number": number, "counts": dict(self.counts), "problems": self.problems[:LISTED], "seen": self.seen}


class Seen:
    """The keys of rows further up, on disk when there are many: rows of one file about the same record are told."""

    def __init__(self, *, together: bool, keys: Sequence[str]) -> None:
        self._store = sqlite3.connect("")
        self._store.execute("CREATE TABLE seen (digest INTEGER PRIMARY KEY, row INTEGER)")
        self._together = together
        self._keys = keys

    def first(self, draft: Draft) -> int | None:
        """The row further up about the same record, or None; this row is remembered then."""
        digests = list(self._digests(draft))
        for digest in digests:
            found = self._store.execute("SELECT row FROM seen WHERE digest = ?", (digest,)).fetchone()
            if found is not None and found[0] != draft.row:
                return int(found[0])
        self._store.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", [(digest, draft.row) for digest in digests])
        return None

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _digests(self, draft: Draft) -> Iterator[int]:
        if self._together:
            every = [draft.keys.get(key) for key in self._keys]
            if every and all(every):
                yield _digest(*every)
            return
        # A text decides only for rows that have nothing surer.
        for key in self._keys:
            if values := draft.keys.get(key):
                yield from (_digest(key, value) for value in values)
                return


def run_check(progress: Any, import_id: int) -> dict[str, Any]:
    """The job that checks a large file to its end and keeps what it found with the import."""
    site = current_app.extensions["peyvand"]
    session: Session = site.runtime.database.session()
    uploads: Path = site.runtime.config.uploads
    run = session.get(ImportRun, import_id)
    if run is None or run.status != models.UPLOADED:
        return {}
    session.commit()
    require(f"{run.record_type}.import")
    number = run.check_number
    target = target_of(site.screens[run.record_type], site.catalog.find(run.record_type))
    trial = Trial()
    try:
        table = table_of(run, uploads)
        total = table.count()
        for _batch in tried(session, table, target, run, trial):
            progress.report(trial.seen, total)
    except TableUnreadable as error:
        told = {"number": number, "error": str(error)}
    else:
        told = trial.told(number)
    session.rollback()
    kept = sa.update(ImportRun).where(ImportRun.id == import_id, ImportRun.check_number == number)
    session.execute(kept.values(checked=told).execution_options(synchronize_session=False))
    session.commit()
    return {"url": f"/import/{run.record_type}/{import_id}/check", "label": _("Check of the import")}


def tried(
    session: Session, table: Table, target: Target, run: ImportRun, trial: Trial
) -> Iterator[tuple[list[CheckedRow], list[RowOutcome]]]:
    """Each batch with what would become of its rows; nothing of it stays."""
    session.expunge(run)  # it goes on being read while every batch is rolled back
    writer = writer_of(session, target, run, dry=True)
    checker = checker_of(table, target, run)
    seen = Seen(together=writer.choices.together, keys=writer.choices.keys)
    rows = corrected(table.rows(), run.corrections)
    try:
        while some := list(itertools.islice(rows, BATCH)):
            checked = checker.check(some)
            writer.created = []
            outcomes = _doubled(checked, rehearse(session, checked, writer), writer, seen)
            trial.note(checked, outcomes, run, table.header)
            yield checked, outcomes
    finally:
        seen.close()


def _doubled(
    rows: Sequence[CheckedRow], outcomes: Sequence[RowOutcome], writer: Writer, seen: Seen
) -> list[RowOutcome]:
    first = {draft.row: place for draft in writer.created if (place := seen.first(draft)) is not None}
    if not first:
        return list(outcomes)
    told = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.kind == CREATED and row.number in first:
            text = _("Row %(number)s is about the same record.", number=first[row.number])
            outcome = RowOutcome(DOUBLED, text)
        told.append(outcome)
    return told


def _problems(
    row: CheckedRow, outcome: RowOutcome, places: dict[str, int], header: Sequence[str]
) -> Iterator[tuple[int, int, str, str, str]]:
    """The bad cells of a row; an error about a field without a column stands for the whole row."""
    for problem in row.problems:
        yield row.number, problem.column - 1, problem.title, problem.typed, problem.reason
    if row.problems:
        return
    if not outcome.fields:
        yield row.number, -1, "", "", outcome.reason
    for name, text in outcome.fields.items():
        place = places.get(name, next((at for other, at in places.items() if other.startswith(f"{name}.")), -1))
        title, typed = (header[place], row.cells[place][:200]) if place >= 0 else ("", "")
        yield row.number, place, title, typed, text


def _digest(*values: Any) -> int:
    found = hashlib.blake2b(repr(values).encode(), digest_size=8).digest()
    return int.from_bytes(found, "big", signed=True)
