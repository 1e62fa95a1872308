"""Records written by programs, through the very gate that forms and imports go through."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.actor import acting
from core.admin.saving import Refused, commit
from core.errors import Blocked, NotUnderstood, ValidationError
from core.records.archive import archive
from core.records.catalog import RecordType
from core.records.operations.models import ARCHIVE
from core.records.operations.running import operation
from core.records.policy import require
from core.records.record import Record
from core.records.submissions import Repeated, note_submission, record_of_form
from core.records.transfer.links import own
from core.resources.fields import readable, writable
from core.resources.values import read


def create(session: Session, record_type: RecordType, data: Mapping[str, Any], key: str = "") -> tuple[Record, bool]:
    """Make a record. Commits.

    Args:
        session: the unit of work.
        record_type: what it is to be.
        data: its values by field.
        key: what the program calls this request; the same key gives the same record, however often it is sent.

    Returns:
        The record, and whether it was made just now.

    Raises:
        Forbidden: the actor may not.
        NotUnderstood: ``data`` names what cannot be written.
        ValidationError: values that cannot be stored.
        Blocked: the key was used, and its record is no longer there.
    """
    require(f"{record_type.name}.create")
    record: Any = record_type.model()
    submission = _submission(record_type, key) if key else ""

    def change() -> None:
        _fill(record_type, record, data)
        if "owner" in writable(record_type) and "owner" not in data:
            own(record, session)
        session.add(record)
        if submission:
            note_submission(session, record, submission)

    try:
        _commit(session, record_type, change)
    except Repeated:
        known = record_of_form(session, record_type.model, submission)
        if known is None:
            raise Blocked(_("This key was used before, and its record is no longer there.")) from None
        return known, False
    return record, True


def change(session: Session, record_type: RecordType, record: Record, data: Mapping[str, Any]) -> None:
    """Give ``record`` the values that are named, and leave the others. Commits.

    Raises:
        Forbidden: the actor may not.
        NotUnderstood: ``data`` names what cannot be written.
        ValidationError: values that cannot be stored.
        StaleDataError: somebody else saved it since it was read.
    """
    require(f"{record_type.name}.edit", record)
    _commit(session, record_type, lambda: _fill(record_type, record, data))


def remove(session: Session, record_type: RecordType, record: Record) -> None:
    """Put ``record`` in the recycle bin, as an operation that can be undone. Commits.

    Raises:
        Forbidden: the actor may not.
        Blocked: something keeps it from being deleted.
    """
    require(f"{record_type.name}.delete", record)

    def change() -> None:
        with operation(session, kind=ARCHIVE, record_type=record_type.name, label=str(record)):
            archive(record)

    _commit(session, record_type, change)


def _fill(record_type: RecordType, record: Any, data: Mapping[str, Any]) -> None:
    """Put values into ``record``; all of them are looked at before the first is put."""
    known = writable(record_type)
    unknown = next((name for name in data if name not in known), None)
    if unknown is not None:
        raise NotUnderstood(unknown[:80], _("There is no such field, or it cannot be written."))
    values, errors = {}, dict[str, object]()
    for name, value in data.items():
        try:
            values[name] = read(known[name], value, record)
        except ValidationError as error:
            errors |= error.errors
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise ValidationError(**errors)
    for name, value in values.items():
        setattr(record, name, value)


def _commit(session: Session, record_type: RecordType, change: Callable[[], object]) -> None:
    try:
        commit(session, change)
    except Refused as refused:
        if refused.stale:
            raise StaleDataError(str(refused)) from refused
        raise ValidationError(**_told(record_type, refused.errors)) from refused


def _told(record_type: RecordType, errors: Mapping[str, object]) -> dict[str, object]:
    """The errors by field; those of a field that the actor does not see are told of the record as a whole."""
    known = {name: text for name, text in errors.items() if name.partition("[")[0] in readable(record_type)}
    others = " ".join(str(text) for name, text in errors.items() if name not in known)
    return known | ({"": others} if others else {})


def _submission(record_type: RecordType, key: str) -> str:
    """The key as submissions are kept: of one person and type, so that nobody meets another's."""
    told = f"{acting().user_id}\n{record_type.name}\n{key}"
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]
