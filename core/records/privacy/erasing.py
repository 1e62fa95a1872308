"""A person's file across plugins, and erasing it: one transaction, with the rights of whoever asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.accounts.actor import acting, as_system
from core.errors import Blocked, PluginError
from core.parts import EMPTIED, KEPT, REMOVED, PersonalData
from core.records.audit import Audit, audit_row
from core.records.catalog import RecordType, current_catalog
from core.records.duplicates.models import DuplicatePair, Merged
from core.records.policy import current_hooks, may
from core.records.privacy.holds import hold_on
from core.records.privacy.marks import erasing, mark_erased
from core.records.record import Record

ANONYMISE, ERASE = WAYS = ("anonymise", "erase")
"""Whether the person's record stays without its values, or goes."""
FATES = (REMOVED, EMPTIED, KEPT)
_MOST_MERGED = 200


@dataclass(frozen=True)
class Held:
    """What one plugin holds about a person."""

    plugin: str
    part: PersonalData

    @property
    def ids(self) -> dict[str, set[int]]:
        """The ids of the records it is about, by their type."""
        return {name: set(ids) for name, ids in self.part.records.items()}


def subject_types() -> list[RecordType]:
    """The record types that stand for human beings and that the actor may see."""
    return [entry for entry in current_catalog() if is_subject(entry.model) and acting().may(f"{entry.name}.see")]


def is_subject(model: type[Record]) -> bool:
    """Whether a record of this class stands for a human being."""
    return bool(model.__subject__)


def find_subject(session: Session, entry: RecordType, record_id: int) -> Any:
    """The person with this id, also out of the recycle bin; None where the actor sees none."""
    model: Any = entry.model
    asked = sa.select(model).where(model.id == record_id).execution_options(include_archived=True)
    record = session.scalars(asked).unique().one_or_none()
    return record if record is not None and may(f"{entry.name}.see", record) else None


def file_of(session: Session, person: Any) -> list[Held]:
    """Everything the plugins hold about ``person`` as far as the actor may see it, and about whom it was merged from.

    A plugin that cannot answer is an error: a file with a gap is no file.

    Raises:
        PluginError: a plugin broke or answered something else.
    """
    found = [held for record in (person, *merged_into(session, person)) for held in _of_one(record)]
    # The modules come first: what people know by its own name is looked for before what hangs on it.
    return sorted(found, key=lambda held: held.plugin == "core")


def _of_one(record: Any) -> list[Held]:
    found = []
    for plugin, call in current_hooks().each("personal_data", record=record):
        try:
            answer = list(call() or ())
        except Exception as error:
            raise PluginError(plugin, f"Its hook personal_data failed: {type(error).__name__}") from error
        for part in answer:
            if not isinstance(part, PersonalData) or part.fate not in FATES:
                raise PluginError(plugin, "Its hook personal_data must return a list of PersonalData.")
            found.append(Held(plugin, part))
    return found


def merged_into(session: Session, person: Any) -> list[Any]:
    """The records that became part of ``person``; they lie in the recycle bin and hold what they held."""
    model, name = type(person), person.__record_type__
    found: dict[int, Any] = {}
    waiting = [person.id]
    while waiting and len(found) < _MOST_MERGED:
        asked = sa.select(Merged.merged_id).where(Merged.record_type == name, Merged.into_id.in_(waiting))
        ids = set(session.scalars(asked.limit(_MOST_MERGED))) - {person.id, *found}
        statement = sa.select(model).where(model.id.in_(ids), model.archived_at.is_not(None))
        records = session.scalars(statement.execution_options(include_archived=True)).unique().all() if ids else ()
        found |= {record.id: record for record in records}
        waiting = [record.id for record in records]
    return list(found.values())


def whats_missing(session: Session, person: Any, held: Sequence[Held]) -> str:
    """Why the actor must not erase ``person``, as a sentence; empty where everything there is can be erased.

    What the actor does not see would be left behind, and nobody would look for it any more.
    """
    for record in (person, *merged_into(session, person)):
        hold = hold_on(session, record)
        if hold is not None:
            return _("It is held and must be kept: %(reason)s", reason=hold.reason)
    catalog = current_catalog()
    for name in sorted({name for one in held for name in one.ids} | {person.__record_type__}):
        entry = catalog.find(name) if name in catalog else None
        if entry is None:
            continue
        if acting().hidden(name):
            return _("Fields of “%(type)s” are hidden from you; what stands in them would be left.", type=entry.plural)
        if not (acting().may(f"{name}.edit") and acting().may(f"{name}.delete")):
            return _("You may not change and delete “%(type)s”.", type=entry.plural)
    seen = _keys(held)
    with as_system("compare a person's file with all there is"):
        everything = _keys(file_of(session, person))
    if everything - seen:
        return _("Some of it is not yours to see and would be left. Ask somebody who sees every record.")
    return ""


def _keys(held: Sequence[Held]) -> set[tuple[str, int]]:
    return {(name, number) for one in held for name, ids in one.ids.items() for number in ids}


def erase(
    session: Session, person: Any, held: Sequence[Held], way: str, report: Callable[[int], object] = lambda _done: None
) -> None:
    """Erase what ``held`` says, and with ``ERASE`` the record itself; the caller commits.

    Args:
        session: the unit of work.
        person: the record that stands for the human being.
        held: the answer of ``file_of`` of this unit of work.
        way: ``ANONYMISE`` or ``ERASE``.
        report: hears how many rows are dealt with; whatever it raises ends the erasure.

    Raises:
        Blocked: the record lies in the bin and is to stay, or something keeps it.
        Forbidden: the actor may not.
    """
    if way == ANONYMISE and person.archived_at is not None:
        raise Blocked(_("A record in the recycle bin can only be erased. Restore it to anonymise it."))
    key = (person.__record_type__, person.id)
    keys = {key, *_keys(held)}
    earlier = merged_into(session, person)
    keys |= {(record.__record_type__, record.id) for record in earlier}
    done = {f"{one.plugin}: {one.part.name}": len(one.part.rows) for one in held if one.part.erase is not None}
    with erasing(session):
        dealt_with = 0
        for one in held:
            goes = one.part.own is not None and (way == ERASE or one.part.own is not person)
            if one.part.erase is not None and not goes:
                one.part.erase()
                session.flush()
            dealt_with += len(one.part.rows)
            report(dealt_with)
        ids = [person.id, *(record.id for record in earlier)]
        for statement in (
            sa.delete(Merged).where(Merged.record_type == key[0], Merged.into_id.in_(ids)),
            sa.delete(DuplicatePair).where(
                DuplicatePair.record_type == key[0],
                sa.or_(DuplicatePair.first_id.in_(ids), DuplicatePair.second_id.in_(ids)),
            ),
        ):
            session.execute(statement.execution_options(synchronize_session=False))
        for record in earlier:
            session.delete(record)
        if way == ERASE:
            session.delete(person)
    mark_erased(session, keys)
    row = audit_row(*key, "personal_data_erased", {"way": (None, way), "erased": (None, done)})
    session.connection().execute(sa.insert(Audit.__table__), [row])  # type: ignore[arg-type]
