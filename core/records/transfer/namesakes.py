"""Records of the same name, as far as it matters which of them a row finds.

A file of common names meets thousands of namesakes in every batch. A row that brings a number of its own can only be
one that has none, so the database leaves out the others, and of those that are called alike the oldest stands for all:

    SELECT name, min(id) … WHERE name_key = ANY (…) AND NOT EXISTS (phones) AND NOT EXISTS (emails) GROUP BY name
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.database.bulk import among
from core.records.transfer.drafts import Draft
from core.records.transfer.links import name_keys
from core.records.transfer.targets import Target
from core.text import match_key

KEPT = 50_000  # values whose records are remembered
LITTLE = 5_000  # records that are learnt at once, whatever they are called
FRESH = 60  # seconds after which everything is asked anew, for others may have written

Brought = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Known:
    """A record that a row can be the same as: one in the database (``id``), or one that a row before becomes.

    ``draft`` is that row, while it can still be filled or told of.

    ``held`` are the keys for which it has a value of its own.
    """

    name: str
    id: int | None = None
    draft: Draft | None = None
    held: set[str] = field(default_factory=set)


class Namesakes:
    """Finds records by one text, such as a name.

    Args:
        session: the unit of work; only records its actor may see are found.
        target: what is imported.
        key: the field with the text.
        before: the keys that are tried before it; all are parts.
        keep: remember what was found, and what the import itself adds, for a minute. Only for an import that changes no
            record: what others do meanwhile is seen by the rows of the next minute.
    """

    def __init__(self, session: Session, target: Target, key: str, before: Sequence[str], *, keep: bool) -> None:
        self.session = session
        self.target = target
        self.key = key
        self.keep = keep
        self._before = tuple(before)
        self._found: dict[Brought, dict[Any, list[Known]]] = {}
        # Whether everything that rows with these keys can find is among what was found.
        self._whole: dict[Brought, bool] = {}
        self._since = 0.0

    def forget(self) -> None:
        """Drop what is remembered, because a part of it was rolled back."""
        self._found.clear()
        self._whole.clear()

    def load(self, drafts: Sequence[Draft]) -> None:
        """Look up what the rows of a batch could find."""
        count = sum(map(len, self._found.values()))
        if not self.keep or count > KEPT or time.monotonic() - self._since > FRESH:
            self.forget()
            self._since = time.monotonic()
        wanted: dict[Brought, set[Any]] = {}
        for draft in drafts:
            wanted.setdefault(self._brought(draft), set()).update(draft.keys[self.key])
        for brought, values in wanted.items():
            again = brought in self._found
            known = self._found.setdefault(brought, {})
            absent = values.difference(known)
            if again and absent and brought not in self._whole:
                self._whole[brought] = bool(brought) and self._learn_all(brought, known)
            known.update((value, []) for value in absent.difference(known))
            if absent and not self._whole.get(brought):
                self._look_up(brought, list(absent), known)

    def find(self, draft: Draft, value: Any) -> Sequence[Known]:
        """The records of this name that a row can be about, the oldest first."""
        return self._found[self._brought(draft)][value]

    def add(self, drafts: Sequence[Draft]) -> None:
        """Remember the records that drafts become, as the database will show them to the next rows."""
        if not self.keep:
            return
        for draft in drafts:
            held = self._brought(draft)
            for brought, found in self._found.items():
                if any(key in held for key in brought):
                    continue
                for value in draft.keys[self.key]:
                    known = found.setdefault(value, []) if self._whole.get(brought) else found.get(value)
                    if known is not None and all(entry.name != draft.name for entry in known):
                        known.append(Known(draft.name))

    def _brought(self, draft: Draft) -> Brought:
        """The keys before the text for which the row has values."""
        return tuple(key for key in self._before if draft.keys[key])

    def _look_up(self, brought: Brought, values: list[Any], found: dict[Any, list[Known]]) -> None:
        model: Any = self.target.model
        column = shown = getattr(model, self.key)
        if self.key == "name":
            column, values = name_keys(model, values)
        name = getattr(model, "name", model.id)
        query = sa.select(shown, sa.func.min(model.id), name).group_by(shown, name)
        query = query.where(among(column, values, self.session.get_bind().dialect), *map(self._lacks, brought))
        self._note(self.session.execute(query).all(), found)

    def _learn_all(self, brought: Brought, found: dict[Any, list[Known]]) -> bool:
        """Find all that rows with these keys can be about, if that is not much."""
        model: Any = self.target.model
        query = sa.select(getattr(model, self.key), model.id, getattr(model, "name", model.id))
        rows = self.session.execute(query.where(*map(self._lacks, brought)).limit(LITTLE + 1)).all()
        if len(rows) > LITTLE:
            return False
        self._note(rows, found)
        return True

    def _note(self, rows: Sequence[Any], found: dict[Any, list[Known]]) -> None:
        for value, record_id, called in sorted(rows, key=lambda row: row[1]):
            if value is None or value == "":
                continue
            namesakes = found.setdefault(match_key(value) if self.key == "name" else value, [])
            if all(known.name != str(called) for known in namesakes):
                namesakes.append(Known(str(called), record_id))

    def _lacks(self, key: str) -> sa.ColumnElement[bool]:
        part: Any = self.target.parts[key].part
        owner = next(iter(getattr(part, part.__whole__).property.local_columns))
        whole = self.target.model.id
        if self.session.get_bind().dialect.name == "sqlite":
            # One walk of the index beside the other; a subquery for each of a million records took three times as long.
            return whole.not_in(sa.select(owner))  # type: ignore[no-any-return]
        return ~sa.exists().where(owner == whole)
