"""What is to become of the rows of an import, a batch at a time: found or made, filled and linked, but not written.

    rows -> drafts -> plan (links found, records matched, new ones admitted) -> carried out by ``writing``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from core.accounts.actor import acting
from core.accounts.models import User
from core.errors import Blocked, Forbidden, ValidationError
from core.records.record import Owned
from core.records.transfer.checking import CREATED, DOUBLED, FAILED, SKIPPED, UPDATED, CheckedRow, RowOutcome
from core.records.transfer.choices import BOTH, CREATE, UPDATE, Choices
from core.records.transfer.drafts import Draft, Drafting
from core.records.transfer.filling import fill_draft
from core.records.transfer.inserting import Admitted, BulkInsert, NewRecord, bears_bulk
from core.records.transfer.links import Links, Missing
from core.records.transfer.matching import Match, Matches, namesakes_of
from core.records.transfer.targets import Target

# What one row can be to blame for; anything else is an error of the program or of the database and stops the job.
ROW_ERRORS = (ValidationError, Blocked, Forbidden, DataError, IntegrityError, StatementError)


@dataclass(slots=True)
class Plan:
    """What is to become of drafts: an outcome for each, those that become records, and the records that others change.

    ``admitted`` are the new records themselves, where they are written together.
    """

    drafts: Sequence[Draft]
    outcomes: list[RowOutcome] = field(default_factory=list)
    fresh: list[Draft] = field(default_factory=list)
    updates: list[tuple[int, Draft]] = field(default_factory=list)
    admitted: Admitted | None = None


class Planner:
    """Plans the rows of one import; it lives as long as the import, and remembers what links were found.

    Args:
        session: is asked what there is.
        target: what the rows become.
        choices: what is to become of rows.
        mapped: the columns that the file has.
        dry: nothing will be carried out.
    """

    def __init__(
        self, session: Session, target: Target, choices: Choices, mapped: Sequence[str], *, dry: bool = False
    ) -> None:
        self.session = session
        self.target = target
        self.choices = choices
        self.bulk = BulkInsert(session, target.model) if bears_bulk(target.model) else None
        """What inserts the new records together, where everybody bears that."""
        # What is saved one by one can only be tried by saving it.
        self.dry = dry and self.bulk is not None
        self._mapped = frozenset(mapped)
        self._drafting = Drafting(target, mapped)
        self._links = Links(session, target, choices.create)
        keys, keep = [key for key in choices.keys if key in target.keys], choices.mode == CREATE
        self._namesakes = None if choices.together else namesakes_of(session, target, keys, keep=keep)

    def forget(self) -> None:
        """Drop what was remembered, because a part of it was rolled back."""
        self._links.forget()
        if self._namesakes is not None and not self.dry:
            self._namesakes.forget()

    def remember(self, fresh: Sequence[Draft]) -> None:
        """Take it that the database has, or will have, the records that these rows became."""
        if self._namesakes is not None and not self.dry:
            self._namesakes.add(fresh)

    def draft(self, rows: Sequence[CheckedRow]) -> list[Draft]:
        """The records in rows, before anybody asks the database.

        Planning spends them: rows that are planned again are drafted again.
        """
        return [self._drafting.draft(row) for row in rows]

    def plan(self, drafts: Sequence[Draft]) -> Plan:
        """What is to become of rows in the session's transaction. Links that are missing are made, unless it is dry."""
        self._links.resolve(_good(drafts), write=not self.dry)
        return self._plan(drafts, ())

    @property
    def foresees(self) -> bool:
        """Whether ``foresee`` can tell anything."""
        kin = {entry.name for entry in self.target.links if _are_kin(entry.target, self.target.model)}
        return self.bulk is not None and self.choices.mode == CREATE and kin.isdisjoint(self._mapped)

    def foresee(self, drafts: Sequence[Draft], beside: Sequence[Draft]) -> Plan | None:
        """What is to become of rows once those above them are committed; nothing is written.

        Args:
            drafts: the rows; they are spent, unless there is no plan.
            beside: the rows that another transaction brings meanwhile, and which the database does not show yet.

        Returns:
            None where links have to be made first.
        """
        good = _good(drafts)
        if self._links.lack(good):
            return None
        self._links.resolve(good, write=False)
        plan = self._plan(drafts, beside)
        self.remember(plan.fresh)
        return plan

    def _plan(self, drafts: Sequence[Draft], beside: Sequence[Draft]) -> Plan:
        together, namesakes = self.choices.together, self._namesakes
        matches = Matches(self.session, self.target, self.choices.keys, together=together, namesakes=namesakes)
        matches.load(_good(drafts))
        for draft in beside:
            matches.add(draft)
        plan = Plan(drafts)
        plan.outcomes = [self._decide(draft, matches, plan) for draft in drafts]
        if plan.fresh and self.bulk is not None:
            plan.admitted = self.bulk.admit(self._new_records(plan.fresh))
        return plan

    def _decide(self, draft: Draft, matches: Matches, plan: Plan) -> RowOutcome:
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
            plan.fresh.append(draft)
            matches.add(draft)
            return RowOutcome(CREATED)
        return self._decide_known(draft, match, plan)

    def _decide_known(self, draft: Draft, match: Match, plan: Plan) -> RowOutcome:
        known = match.known
        if known.draft is not None:
            if self.choices.mode == BOTH:
                fill_draft(self.target, known.draft, draft)
            return RowOutcome(DOUBLED, _("Row %(number)s is about the same record.", number=known.draft.row))
        if self.choices.mode == CREATE:
            return RowOutcome(SKIPPED, match.reason, known.id)
        assert known.id is not None, "what is known is in the database or in this batch"
        plan.updates.append((known.id, draft))
        return RowOutcome(UPDATED, match.reason, known.id)

    def _failed(self, draft: Draft) -> RowOutcome:
        texts = [
            f"{self.target.by_name[name].label}: {text}" if name in self.target.by_name else text
            for name, text in draft.errors.items()
        ]
        return RowOutcome(FAILED, " ".join(texts), fields=dict(draft.errors))

    def _new_records(self, drafts: Sequence[Draft]) -> list[NewRecord]:
        fields = self.target.record_type.fields
        owner = self._owner()
        rows = []
        for draft in drafts:
            values = {key: value for key, value in draft.values.items() if value is not None}
            links = {name: found for name, linked in draft.linked.items() if (found := present(linked))}
            if owner is not None and "owner" in fields and "owner" not in links:
                links["owner"] = owner
            for name, linked in links.items():
                if fields[name].kind == "link":
                    values[fields[name].column.key] = linked.id
            rows.append(NewRecord(values, links, draft.parts))
        return rows

    def _owner(self) -> Any:
        user_id = acting().user_id
        return self.session.get(User, user_id) if user_id and issubclass(self.target.model, Owned) else None


def _good(drafts: Sequence[Draft]) -> list[Draft]:
    return [draft for draft in drafts if not draft.errors]


def _are_kin(one: Any, other: Any) -> bool:
    """Whether a record of one type can be one of the other, so that what is imported can be what a row links to."""
    return issubclass(one, other) or issubclass(other, one)


def present(linked: Any) -> Any:
    """A link without the records that are still to be made, which only a trial leaves unmade."""
    if isinstance(linked, list):
        return [entry for entry in linked if not isinstance(entry, Missing)]
    return None if isinstance(linked, Missing) else linked
