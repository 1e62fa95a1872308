"""The Catalog: one description of every record type and every field of a Site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app

from core.accounts.actor import acting
from core.errors import UnknownField, UnknownRecordType
from core.parts import Label, Screen
from core.records.fields import Field, column_field, link_field
from core.records.record import Record
from core.records.totals import Kept, kept_of


@dataclass(frozen=True)
class RecordType:
    """A record type: its class, its names, its fields in the order of the class, and the screen that shows it."""

    model: type[Record]
    title: Label
    plural: Label
    screen: Screen | None = None

    @property
    def name(self) -> str:
        return str(getattr(self.model, "__record_type__", ""))  # a part has none

    @property
    def plugin(self) -> str:
        return self.model.__plugin__

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields that are there for the current actor, by name; what his roles hide is no name at all."""
        hidden = acting().hidden(self.name)
        if not hidden:
            return self.all_fields
        if hidden not in self._open_fields:
            open_fields = {name: field for name, field in self.all_fields.items() if name not in hidden}
            self._open_fields[hidden] = MappingProxyType(open_fields)
        return self._open_fields[hidden]

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What others work out from the fields alone, so that it is worked out once."""
        return {}

    @cached_property
    def _open_fields(self) -> dict[frozenset[str], Mapping[str, Field]]:
        return {}

    @cached_property
    def all_fields(self) -> Mapping[str, Field]:
        """Every field by name, foreign keys left out where a link stands for them. For what no reader is shown."""
        mapper = sa.inspect(self.model)
        links = [link_field(prop) for prop in mapper.relationships]
        hidden = {mapper.get_property_by_column(link.column).key for link in links if link.column is not None}
        columns = [column_field(prop) for prop in mapper.column_attrs if prop.key not in hidden]
        return {field.name: field for field in (*columns, *links)}

    def field(self, name: str) -> Field:
        """The field called ``name``.

        Raises:
            UnknownField: there is none; names from outside are never passed on to SQL unchecked.
        """
        try:
            return self.fields[name]
        except KeyError:
            raise UnknownField(self.name, name) from None


@dataclass(frozen=True)
class Reference:
    """A link by which records of ``record_type`` point at records of another type, seen from the far end.

    ``name`` is how conditions, panels and merges call it: ``<plugin>.<type>.<field>``, such as ``sales.deal.company``.
    """

    record_type: RecordType
    field: Field

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def name(self) -> str:
        return f"{self.record_type.name}.{self.field.name}"


class Catalog:
    """The record types of one Site."""

    def __init__(self, screens: Iterable[Screen]) -> None:
        self._types = {screen.name: RecordType(screen.model, screen.title, screen.plural, screen) for screen in screens}
        self._by_model = {entry.model: entry for entry in self._types.values()}

    def __iter__(self) -> Any:
        return iter(self._types.values())

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def find(self, name: str) -> RecordType:
        """The record type called ``name``.

        Raises:
            UnknownRecordType: no enabled plugin has it.
        """
        try:
            return self._types[name]
        except KeyError:
            raise UnknownRecordType(name) from None

    def of(self, model: type) -> RecordType | None:
        """The record type of a class; None for classes without a screen, such as child rows."""
        return self._by_model.get(model)

    @cached_property
    def kept(self) -> Mapping[type, Kept]:
        """Of which record classes totals are kept: those whose screen has a board of its own."""
        boards = ((entry, entry.screen.board) for entry in self if entry.screen is not None)
        found = ((entry.model, kept_of(entry, board)) for entry, board in boards if board is not None)
        return {model: kept for model, kept in found if kept is not None}

    def references(self, model: type) -> tuple[Reference, ...]:
        """The links to one record of ``model``, of all types with a screen, in the order of the Site's screens."""
        return tuple(
            Reference(entry, field)
            for entry in self
            for field in entry.fields.values()
            if field.kind == "link" and field.target is not None and issubclass(model, field.target)
        )


def current_catalog() -> Catalog:
    """The Catalog of the Site this unit of work runs in."""
    return cast(Catalog, current_app.extensions["peyvand"].catalog)
