"""The rows of an import written as they were planned: created together or one by one, changed, noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from core.accounts.actor import acting
from core.accounts.models import now
from core.database.bulk import among, insert_rows
from core.records.note import Note
from core.records.policy import require
from core.records.transfer.checking import CREATED, SKIPPED, UPDATED, CheckedRow, RowOutcome
from core.records.transfer.drafts import Draft
from core.records.transfer.filling import fill_record
from core.records.transfer.links import own
from core.records.transfer.planning import Plan, Planner, present


class Writer:
    """Writes rows of one import; it lives as long as the import.

    Args:
        planner: plans rows in the unit of work in which they are written. The caller commits, or rolls back and calls
            ``forget``. Of a dry one only that is written which it takes to find out what would become of rows.
    """

    def __init__(self, planner: Planner) -> None:
        self.session = planner.session
        self.target = planner.target
        self.choices = planner.choices
        self._planner = planner
        self.created: list[Draft] = []
        """The rows that became new records, until the caller empties the list."""

    def forget(self) -> None:
        """Drop what was remembered, because a part of it was rolled back."""
        self._planner.forget()

    def draft(self, rows: Sequence[CheckedRow]) -> list[Draft]:
        """The records in rows; see ``Planner.draft``."""
        return self._planner.draft(rows)

    def write(self, drafts: Sequence[Draft]) -> list[RowOutcome]:
        """Write what ``draft`` made of rows in the session's transaction; what became of each."""
        return self.carry_out(self._planner.plan(drafts))

    def carry_out(self, plan: Plan) -> list[RowOutcome]:
        """Write what was planned in the session's transaction; what became of each row."""
        ids = self._create(plan)
        self._planner.remember(plan.fresh)
        created = dict(zip((draft.row for draft in plan.fresh), ids, strict=True))
        self.created += plan.fresh
        gained = self._update(plan.updates)
        return [
            self._settled(outcome, draft, created, gained)
            for outcome, draft in zip(plan.outcomes, plan.drafts, strict=True)
        ]

    @staticmethod
    def _settled(outcome: RowOutcome, draft: Draft, created: Mapping[int, int], gained: set[int]) -> RowOutcome:
        if outcome.kind == CREATED:
            return RowOutcome(CREATED, record_id=created[draft.row])
        if outcome.kind == UPDATED and outcome.record_id not in gained:
            return RowOutcome(SKIPPED, _("There was nothing to change."), outcome.record_id)
        return outcome

    def _create(self, plan: Plan) -> list[int]:
        if not plan.fresh:
            return []
        if self._planner.dry:
            return [0] * len(plan.fresh)
        if plan.admitted is None:
            ids = self._create_each(plan.fresh)
        else:
            assert self._planner.bulk is not None, "whoever admits them can write them"
            ids = self._planner.bulk.insert(plan.admitted)
        self._write_notes(list(zip(ids, plan.fresh, strict=True)))
        return ids

    def _create_each(self, drafts: Sequence[Draft]) -> list[int]:
        records = []
        for draft in drafts:
            record = self.target.model(**{key: value for key, value in draft.values.items() if value is not None})
            for name, linked in draft.linked.items():
                if linked is not None:
                    setattr(record, name, linked)
            for name, parts in draft.parts.items():
                setattr(record, name, [self.target.parts[name].part(**values) for values in parts])
            own(record, self.session)
            records.append(record)
        self.session.add_all(records)
        self.session.flush()
        return [record.id for record in records]

    def _update(self, updates: Sequence[tuple[int, Draft]]) -> set[int]:
        """Change known records through the unit of work; the ids of those that gained something."""
        if not updates:
            return set()
        model = self.target.model
        options = [
            selectinload(getattr(model, entry.name))
            for entry in self.target.record_type.fields.values()
            if entry.kind in ("children", "links")
        ]
        ids = list({record_id for record_id, _draft in updates})
        query = sa.select(model).where(among(model.id, ids, self.session.get_bind().dialect)).options(*options)
        records = {record.id: record for record in self.session.scalars(query).unique()}
        gained: set[int] = set()
        with self.session.no_autoflush:
            for record_id, draft in updates:
                require(f"{model.__record_type__}.edit", records[record_id])
                draft.linked = {name: present(linked) for name, linked in draft.linked.items()}
                if fill_record(self.target, records[record_id], draft, self.choices.existing, self.choices.blank):
                    gained.add(record_id)
        self.session.flush()
        return gained | self._write_notes(updates, check=True)

    def _write_notes(self, pairs: Sequence[tuple[int, Draft]], *, check: bool = False) -> set[int]:
        """Write the notes that records do not have yet; the ids of those that got one."""
        noted = [(record_id, draft.note) for record_id, draft in pairs if draft.note]
        if not noted:
            return set()
        name = self.target.model.__record_type__
        if check:
            dialect = self.session.get_bind().dialect
            query = sa.select(Note.record_id, Note.body).where(
                Note.record_type == name, among(Note.record_id, [record_id for record_id, _text in noted], dialect)
            )
            present = {(record_id, body) for record_id, body in self.session.execute(query)}
            noted = [entry for entry in noted if entry not in present]
        moment, author = now(), acting().user_id
        table: Any = Note.__table__
        insert_rows(
            self.session.connection(),
            table,
            ["record_type", "record_id", "body", "author_id", "created_at", "operation"],
            ([name, record_id, body, author, moment, acting().operation] for record_id, body in noted),
        )
        return {record_id for record_id, _body in noted}
