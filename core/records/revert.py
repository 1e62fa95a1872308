"""Taking one change back: the old values are written again, unless somebody changed the fields once more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.records.audit import Audit
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.operations.restoring import put, same
from core.records.policy import require
from core.records.privacy.marks import is_erased
from core.records.record import Record


@dataclass(frozen=True)
class Step:
    """What taking back does to one field: ``then`` is what it was, ``new`` what the change made of it."""

    field: Field
    then: Any
    new: Any
    touched: bool
    """Whether the field was changed again since."""


@dataclass(frozen=True)
class Reversal:
    """What taking one change back would do. ``left`` are the names of fields that stay as they are."""

    steps: tuple[Step, ...]
    left: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The fields that were changed again since."""
        return tuple(step for step in self.steps if step.touched)


def find_change(session: Session, record: Record, change_id: int | None) -> Audit | None:
    """The change of ``record`` with this id, or None; what was erased since is not brought back."""
    about = (Audit.record_type == record.__record_type__, Audit.record_id == record.id, Audit.action == "changed")
    return session.scalars(sa.select(Audit).where(Audit.id == change_id, *about, ~is_erased())).one_or_none()


def plan_reversal(record: Record, record_type: RecordType, change: Audit, editable: Collection[str]) -> Reversal:
    """What taking ``change`` back would do to ``record``.

    Args:
        record: the record as it is now.
        record_type: its type.
        change: one row of its history.
        editable: the names of the fields that people may edit; others follow from them and are left.
    """
    steps, left = [], []
    for name, (old, new) in change.changes.items():
        field = record_type.fields.get(name)
        if field is None or name not in editable or field.managed:
            left.append(name)
        elif not same(record, name, old, new):
            steps.append(Step(field, old, new, touched=not same(record, name, new, old)))
    return Reversal(tuple(steps), tuple(left))


def take_back(record: Record, steps: Collection[Step]) -> None:
    """Write the old values again; the flush checks rights and rules and writes a change of its own.

    Raises:
        Forbidden: the actor may not edit the record, or not see what a link would point to.
        Blocked: an old value names something that is gone.
    """
    require(f"{record.__record_type__}.edit", record)
    for step in steps:
        put(record, step.field.name, step.then, step.new)
