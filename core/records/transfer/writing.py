"""The rows of an import written, a batch at a time: found or made, filled, linked and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, selectinload

from core.accounts.actor import acting
from core.accounts.models import User, now
from core.database.bulk import among, insert_rows
from core.records.note import Note
from core.records.policy import require
from core.records.record import Owned
from core.records.transfer.checking import CREATED, DOUBLED, FAILED, SKIPPED, UPDATED, CheckedRow, RowOutcome
from core.records.transfer.drafts import Draft, Drafting
from core.records.transfer.filling import fill_draft, fill_record
from core.records.transfer.inserting import BulkInsert, NewRecord, bears_bulk
from core.records.transfer.links import Links, Missing, own
from core.records.transfer.matching import ALL, ANY, Match, Matches, namesakes_of
from core.records.transfer.targets import Target

CREATE, UPDATE, BOTH = "create", "update", "both"
REPLACE, FILL = "replace", "fill"
KEEP, EMPTY = "keep", "empty"


@dataclass(frozen=True)
class Choices:
    """What is to become of rows.

    ``mode`` is create, update or both; ``keys`` tell which record a row is about (none: every row is a new one), any of
    them or all ``together``; ``existing`` says whether values that are there are replaced, or only what is lacking is
    filled; ``blank`` whether an empty cell empties its field; ``create`` names the links whose missing records
    are made.
    """

    mode: str = CREATE
    keys: tuple[str, ...] = ()
    together: bool = False
    existing: str = REPLACE
    blank: str = KEEP
    create: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any], target: Target) -> Choices:
        """The choices made in the wizard; what is not chosen is as the record type suggests."""
        keys = tuple(key for key in options.get("keys", target.hints.keys) if key in target.keys)
        mode = options.get("mode", CREATE)
        return cls(
            mode=mode if mode in (CREATE, UPDATE, BOTH) else CREATE,
            keys=keys,
            together=options.get("match", ANY) == ALL,
            existing=FILL if options.get("existing") == FILL else REPLACE,
            blank=EMPTY if options.get("blank") == EMPTY else KEEP,
            create=tuple(options.get("create", [entry.name for entry in target.links])),
        )


class Writer:
    """Writes rows of one import; it lives as long as the import, and remembers what links were found.

    Args:
        session: the unit of work. The caller commits, or rolls back and calls ``forget``.
        target: what the rows become.
        choices: what is to become of rows.
        mapped: the columns that the file has.
        dry: only find out what would become of rows, and write as little as that takes; the caller rolls back.
    """

    def __init__(
        self, session: Session, target: Target, choices: Choices, mapped: Sequence[str], *, dry: bool = False
    ) -> None:
        self.session = session
        self.target = target
        self.choices = choices
        self._drafting = Drafting(target, mapped)
        self._links = Links(session, target, choices.create)
        self._bulk = BulkInsert(session, target.model) if bears_bulk(target.model) else None
        # What is saved one by one can only be tried by saving it.
        self._dry = dry and self._bulk is not None
        keys, keep = [key for key in choices.keys if key in target.keys], choices.mode == CREATE
        self._namesakes = None if choices.together else namesakes_of(session, target, keys, keep=keep)
        self.created: list[Draft] = []
        """The rows that became new records, until the caller empties the list."""

    def forget(self) -> None:
        """Drop what was remembered, because a part of it was rolled back."""
        self._links.forget()
        if self._namesakes is not None and not self._dry:
            self._namesakes.forget()

    def draft(self, rows: Sequence[CheckedRow]) -> list[Draft]:
        """The records in rows, before anybody asks the database; another thread may do this ahead of ``write``."""
        return [self._drafting.draft(row) for row in rows]

    def write(self, drafts: Sequence[Draft]) -> list[RowOutcome]:
        """Write what ``draft`` made of rows in the session's transaction; what became of each.

        Writing changes the drafts, so rows that are to be written again are drafted again.
        """
        self._links.resolve([draft for draft in drafts if not draft.errors], write=not self._dry)
        good = [draft for draft in drafts if not draft.errors]
        together, namesakes = self.choices.together, self._namesakes
        matches = Matches(self.session, self.target, self.choices.keys, together=together, namesakes=namesakes)
        matches.load(good)
        fresh: list[Draft] = []
        updates: list[tuple[int, Draft]] = []
        outcomes = [self._decide(draft, matches, fresh, updates) for draft in drafts]
        ids = self._create(fresh)
        if namesakes is not None and not self._dry:
            namesakes.add(fresh, ids)
        created = dict(zip((draft.row for draft in fresh), ids, strict=True))
        self.created += fresh
        gained = self._update(updates)
        return [self._settled(outcome, draft, created, gained) for outcome, draft in zip(outcomes, drafts, strict=True)]

    def _decide(
        self, draft: Draft, matches: Matches, fresh: list[Draft], updates: list[tuple[int, Draft]]
    ) -> RowOutcome:
        if draft.errors:
            return self._failed(draft)
        match = matches.find(draft)
        if match is None:
            if draft.key is not None:
                return RowOutcome(FAILED, _("There is no record with this number."))
            if self.choices.mode == UPDATE:
                return RowOutcome(SKIPPED, _("There is no such record yet."))
            absent = [
                column.name for column in self.target.columns
                if column.required and column.name not in draft.values and draft.linked.get(column.name) is None
            ]  # fmt: skip
            if absent:
                label = self.target.by_name[absent[0]].label
                reason = f"{label}: {_('This field is required.')}"
                return RowOutcome(FAILED, reason, fields={absent[0]: _("This field is required.")})
            fresh.append(draft)
            matches.add(draft)
            return RowOutcome(CREATED)
        return self._decide_known(draft, match, updates)

    def _decide_known(self, draft: Draft, match: Match, updates: list[tuple[int, Draft]]) -> RowOutcome:
        known = match.known
        if known.draft is not None:
            if self.choices.mode == BOTH:
                fill_draft(self.target, known.draft, draft)
            return RowOutcome(DOUBLED, _("Row %(number)s is about the same record.", number=known.draft.row))
        if self.choices.mode == CREATE:
            return RowOutcome(SKIPPED, match.reason, known.id)
        assert known.id is not None, "what is known is in the database or in this batch"
        updates.append((known.id, draft))
        return RowOutcome(UPDATED, match.reason, known.id)

    def _failed(self, draft: Draft) -> RowOutcome:
        texts = [
            f"{self.target.by_name[name].label}: {text}" if name in self.target.by_name else text
            for name, text in draft.errors.items()
        ]
        return RowOutcome(FAILED, " ".join(texts), fields=dict(draft.errors))

    @staticmethod
    def _settled(outcome: RowOutcome, draft: Draft, created: Mapping[int, int], gained: set[int]) -> RowOutcome:
        if outcome.kind == CREATED:
            return RowOutcome(CREATED, record_id=created[draft.row])
        if outcome.kind == UPDATED and outcome.record_id not in gained:
            return RowOutcome(SKIPPED, _("There was nothing to change."), outcome.record_id)
        return outcome

    def _create(self, drafts: Sequence[Draft]) -> list[int]:
        if not drafts:
            return []
        ids = self._create_together(drafts) if self._bulk is not None else self._create_each(drafts)
        if self._dry:
            return ids
        self._write_notes(list(zip(ids, drafts, strict=True)))
        return ids

    def _create_together(self, drafts: Sequence[Draft]) -> list[int]:
        assert self._bulk is not None
        fields = self.target.record_type.fields
        owner = self._owner()
        rows = []
        for draft in drafts:
            values = {key: value for key, value in draft.values.items() if value is not None}
            links = {name: found for name, linked in draft.linked.items() if (found := _present(linked))}
            if owner is not None and "owner" in fields and "owner" not in links:
                links["owner"] = owner
            for name, linked in links.items():
                if fields[name].kind == "link":
                    values[fields[name].column.key] = linked.id
            rows.append(NewRecord(values, links, draft.parts))
        return self._bulk.insert(rows, dry=self._dry)

    def _owner(self) -> Any:
        user_id = acting().user_id
        return self.session.get(User, user_id) if user_id and issubclass(self.target.model, Owned) else None

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
                draft.linked = {name: _present(linked) for name, linked in draft.linked.items()}
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


def _present(linked: Any) -> Any:
    """A link without the records that are still to be made, which only a trial leaves unmade."""
    if isinstance(linked, list):
        return [entry for entry in linked if not isinstance(entry, Missing)]
    return None if isinstance(linked, Missing) else linked
