"""One change of many records: what it is, and doing it to a batch of them.

A record that the actor may not change, that breaks a rule or that somebody else just changed is left as it is and
written down with the reason; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.parts import Action, Screen
from core.records.archive import archive, restore
from core.records.operations.models import ACTION, ARCHIVE, ASSIGN, EDIT, PURGE, RESTORE, TAG, Operation
from core.records.operations.removing import remove_records
from core.records.operations.restoring import put
from core.records.operations.running import note_problem, write_each, write_some
from core.records.policy import may, require
from core.records.record import Record

BATCH = 200  # records in one transaction, and at most in one request
IN_BIN = frozenset({RESTORE, PURGE})


@dataclass(frozen=True)
class Change:
    """What is to be done, as an operation's plan keeps it.

    ``kind`` is the operation's kind; ``field`` gets ``value``, as the audit tells values; of a field of links ``value``
    are the rows to add and ``away`` those to take away. ``action`` names an action of the screen.
    """

    kind: str
    field: str = ""
    value: Any = None
    away: Any = None
    action: str = ""

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Change:
        """The change that a plan tells of."""
        return cls(**plan["change"])

    def plan(self) -> dict[str, Any]:
        """The change as a part of an operation's plan."""
        return {"change": asdict(self)}

    def action_of(self, screen: Screen) -> Action | None:
        """The screen's action that this is, or None."""
        return next((entry for entry in screen.actions if self.kind == ACTION and entry.name == self.action), None)

    def verb(self, screen: Screen) -> str:
        """The verb of the permission that it needs."""
        action = self.action_of(screen)
        if action is not None:
            return action.verb
        return "edit" if self.kind in (EDIT, ASSIGN, TAG) else "delete"


def change_records(
    session: Session, op: Operation, screen: Screen, change: Change, records: Sequence[Record]
) -> list[str]:
    """Do it to one batch of records of one type, in the session's transaction; what actions said about it."""
    permission = screen.permission(change.verb(screen))
    if change.kind not in IN_BIN:
        require(screen.permission("bulk"))
    allowed = []
    for record in records:
        if may(permission, record):
            allowed.append(record)
        else:
            note_problem(session, op, screen.name, record.id, _("You may not change this record."))
    sentences: list[str] = []
    for record, reason in _carry_out(session, screen, change, allowed, sentences):
        if reason is None:
            op.size += 1
        else:
            note_problem(session, op, screen.name, record.id, reason)
    return sentences


def _carry_out(
    session: Session, screen: Screen, change: Change, records: Sequence[Record], sentences: list[str]
) -> list[tuple[Record, str | None]]:
    action = change.action_of(screen)
    if action is not None:
        run = action.run
        return write_some(session, records, lambda some: sentences.append(str(run(some) or "")))
    if change.kind == PURGE:
        return _purge(session, records)
    return write_each(session, records, _each(change))


def _each(change: Change) -> Callable[[Record], None]:
    if change.kind == ARCHIVE:
        return archive
    if change.kind == RESTORE:
        return restore
    return lambda record: put(record, change.field, change.value, change.away)


def _purge(session: Session, records: Sequence[Record]) -> list[tuple[Record, str | None]]:
    kept: dict[int, str] = {}
    ids = {id(record): record.id for record in records}

    def remove(some: Sequence[Record]) -> None:
        kept.update(remove_records(session, some, operation=None))

    return [
        (record, reason or kept.get(ids[id(record)])) for record, reason in write_some(session, records, remove)
    ]
