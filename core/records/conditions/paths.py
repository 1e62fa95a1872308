"""The names a condition may use: what a screen shows of a record, and what lies behind its links.

Deny by default: a column that no screen shows is not asked about either, for a filter tells as much as a look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.actor import acting
from core.accounts.models import User
from core.errors import ConditionError
from core.parts import Label, Screen
from core.records.catalog import RecordType, Reference, current_catalog
from core.records.conditions.operators import family_of
from core.records.conditions.tree import MAX_STEPS, Path
from core.records.fields import Field
from core.records.gate import described
from core.records.record import Part, Record

_AUTHORSHIP: Mapping[str, Label] = {
    "created_at": _l("Created"),
    "updated_at": _l("Changed"),
    "created_by_id": _l("Created by"),
    "updated_by_id": _l("Changed by"),
}


def fields_of(record_type: RecordType) -> Mapping[str, Field]:
    """The fields of a record type that a condition of the current actor may name, in the order of the class."""
    key = ("condition fields", acting().hidden(record_type.name))
    if key not in record_type.kept:
        record_type.kept[key] = MappingProxyType(_fields_of(record_type))
    found: Mapping[str, Field] = record_type.kept[key]
    return found


def _fields_of(record_type: RecordType) -> dict[str, Field]:
    shown = _shown(record_type.screen) if record_type.screen is not None else None
    whole = getattr(record_type.model, "__whole__", None)
    found = {}
    for name, field in record_type.fields.items():
        if name in _AUTHORSHIP and issubclass(record_type.model, Record):
            field = replace(field, label=_AUTHORSHIP[name])
            found[name] = replace(field, kind="link", target=User) if name.endswith("_by_id") else field
            continue
        offered = name in shown if shown is not None else not field.managed
        if offered and name != whole and family_of(field) is not None:
            found[name] = field
    return found


def _shown(screen: Screen) -> frozenset[str]:
    board = screen.board
    names = [*screen.columns, *screen.filters, *screen.search, *screen.editable, *screen.children]
    names += [name for group in screen.form for name in group.fields]
    names += [name for name in (board.lane, board.amount, board.probability, board.date) if name] if board else []
    return frozenset(names)


def behind(field: Field) -> RecordType | None:
    """The record type behind a link whose own fields may be asked about, or None.

    A user is not looked into: his row also holds what nobody may ask about.
    """
    target: Any = field.target
    if not field.is_link or target is None or not issubclass(target, (Record, Part)):
        return None
    return current_catalog().of(target) or described(target)


def resolve(record_type: RecordType, name: object, at: str) -> Path:
    """The path called ``name``.

    Raises:
        ConditionError: a step of it is unknown, or it has too many steps.
    """
    if not isinstance(name, str):
        raise ConditionError(at, _("The name of a field is expected."))
    *steps, last = name.split(".")
    if len(steps) > MAX_STEPS:
        raise ConditionError(at, _("A path has at most %(number)s links.", number=MAX_STEPS))
    links = []
    for step in steps:
        field = _field(record_type, step, at)
        following = behind(field)
        if following is None:
            raise ConditionError(at, _("Nothing lies behind “%(name)s”.", name=step[:80]))
        links.append(field)
        record_type = following
    return Path(name, tuple(links), _field(record_type, last, at))


def _field(record_type: RecordType, name: str, at: str) -> Field:
    field = fields_of(record_type).get(name)
    if field is None:
        raise ConditionError(at, _("%(type)s has no field “%(name)s”.", type=record_type.title, name=name[:80]))
    return field


def references_of(record_type: RecordType) -> Mapping[str, Reference]:
    """What points at records of ``record_type``, by the name a count calls it; only links that a screen shows."""
    return {
        reference.name: reference
        for reference in current_catalog().references(record_type.model)
        if reference.field.name in fields_of(reference.record_type)
    }
