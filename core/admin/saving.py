"""Writing a form into a record: what is refused goes beside its field, and nothing that was typed is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_admin.form import BaseForm
from flask_babel import gettext as _
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from core.accounts.models import User
from core.admin.children import PartRows, part_fields
from core.admin.formatters import plain
from core.errors import Blocked, ValidationError
from core.records.catalog import RecordType
from core.records.fields import Field


@dataclass(frozen=True)
class ConflictField:
    """One value on which two people disagree."""

    label: Any
    theirs: str
    mine: str


@dataclass(frozen=True)
class Conflict:
    """Somebody saved the record while it was being edited."""

    by: str
    at: dt.datetime
    fields: tuple[ConflictField, ...]


class Refused(Exception):
    """The record was not saved; ``errors`` maps field names to sentences, ``""`` to the record as a whole."""

    def __init__(self, errors: Mapping[str, object], *, stale: bool = False) -> None:
        super().__init__("; ".join(str(text) for text in errors.values()))
        self.errors = dict(errors)
        self.stale = stale


def commit(session: Session, change: Callable[[], object]) -> None:
    """Make ``change`` and commit it, or roll back.

    Raises:
        Refused: the change breaks a rule; ``stale`` tells that somebody else saved in between.
        core.errors.Forbidden: the actor may not.
    """
    try:
        with session.no_autoflush:
            change()
        session.commit()
    except ValidationError as error:
        session.rollback()
        raise Refused(error.errors) from error
    except Blocked as error:
        session.rollback()
        raise Refused({"": str(error)}) from error
    except StaleDataError as error:
        session.rollback()
        raise Refused({"": _("Somebody else changed this record in the meantime.")}, stale=True) from error
    except IntegrityError as error:
        session.rollback()
        message = _("This clashes with another record: a value must be unique, or something still refers to it.")
        raise Refused({"": message}) from error
    except (DataError, StatementError) as error:
        session.rollback()
        if not isinstance(error, DataError) and not isinstance(error.orig, ValueError | TypeError | OverflowError):
            raise
        raise Refused({"": _("A value is too large or of the wrong kind.")}) from error
    except BaseException:
        session.rollback()
        raise


def show_errors(form: BaseForm, errors: Mapping[str, object], record_type: RecordType) -> None:
    """Put each error beside its field; what has no field in this form goes on top, with the field's name."""
    for name, text in errors.items():
        if name in form:
            form[name].errors = [*form[name].errors, str(text)]
        elif name in record_type.fields:
            form.form_errors.append(f"{record_type.fields[name].label}: {text}")
        else:
            form.form_errors.append(str(text))


def conflict_of(session: Session, form: BaseForm, record: Any, record_type: RecordType) -> Conflict:
    """What the form says and what is stored now, field by field where the two differ."""
    fields = []
    for member in form:
        field = record_type.fields.get(member.name)
        if field is None or field.managed:
            continue
        mine, theirs = _typed(field, member, record), stored_text(field, record)
        if mine != theirs:
            fields.append(ConflictField(field.label, theirs, mine))
    person = session.get(User, record.updated_by_id) if record.updated_by_id else None
    return Conflict(str(person or ""), record.updated_at, tuple(fields))


def stored_text(field: Field, record: Any) -> str:
    """The stored value of ``field`` as text."""
    value = getattr(record, field.name)
    if field.kind == "children":
        return "; ".join(_row_text(field, [getattr(row, name) for name in _row_names(field)], row) for row in value)
    if field.record_id and value:
        value = f"{value}:{getattr(record, field.record_id)}"
    return plain(field, sorted(value, key=str) if field.kind == "links" else value, record)


def _typed(field: Field, member: Any, record: Any) -> str:
    if isinstance(member, PartRows):
        names = _row_names(field)
        return "; ".join(_row_text(field, [row.form[name].data for name in names], None) for row in member.kept())
    if member.errors and member.raw_data:
        return " ".join(map(str, member.raw_data))
    data = member.data
    return plain(field, sorted(data or (), key=str) if field.kind == "links" else data, record)


def _row_names(field: Field) -> list[str]:
    return [part.name for part in part_fields(field.target)]


def _row_text(field: Field, values: list[Any], row: Any) -> str:
    texts = [plain(part, value, row) for part, value in zip(part_fields(field.target), values, strict=True)]
    return " ".join(text for text in texts if text)
