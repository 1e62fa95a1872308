"""A record type as a resource: what programs may do with it, all by the rights of the current actor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from core.admin.ids import read_id
from core.admin.lookup import Lookup
from core.errors import Forbidden, NotUnderstood, UnknownRecordType
from core.records.catalog import RecordType, current_catalog
from core.records.fields import Field
from core.records.policy import may
from core.records.record import Record
from core.records.whole import read_whole
from core.resources import fields, listing, writing
from core.resources.values import told
from core.site.site import session


def resources_seen() -> list[Resource]:
    """The record types that the current actor may see, in the order of the Catalog."""
    return [Resource(entry) for entry in current_catalog() if may(f"{entry.name}.see")]


def resource_named(name: str) -> Resource:
    """The record type called ``name``.

    Raises:
        UnknownRecordType: there is none that the current actor may see.
    """
    if not may(f"{name}.see"):
        raise UnknownRecordType(name)
    return Resource(current_catalog().find(name))


class Resource:
    """Records of one type, read and written as plain data.

    Values are as ``core.resources.values`` says. What is hidden from the actor is not there, and what he may not see is
    missing. Everything that writes commits.
    """

    USUAL_PAGE, LARGEST_PAGE = listing.USUAL_SIZE, listing.LARGEST_SIZE  # records

    def __init__(self, record_type: RecordType) -> None:
        self.record_type = record_type

    @property
    def name(self) -> str:
        return self.record_type.name

    @property
    def readable(self) -> Mapping[str, Field]:
        """The fields that the actor reads."""
        return fields.readable(self.record_type)

    @property
    def writable(self) -> Mapping[str, Field]:
        """The fields that the actor may fill in."""
        return fields.writable(self.record_type)

    def parts_of(self, field: Field) -> Mapping[str, Field]:
        """The fields of one row of a ``children`` field."""
        return fields.parts_of(field)

    def may(self, verb: str) -> bool:
        """Whether the actor may ``verb`` any records of this type."""
        return may(f"{self.name}.{verb}")

    def page(self, args: Mapping[str, Sequence[str]]) -> tuple[list[dict[str, Any]], str]:
        """A page of the list that arguments of an address ask for, and the place where the next begins; empty for none.

        Raises:
            NotUnderstood: an argument is wrong.
            ConditionError: the condition in ``where`` cannot be read.
        """
        asked = listing.read_asked(self.record_type, args)
        page = listing.read_list(session, self.record_type, asked)
        names = listing.shown(self.record_type, asked)
        return [self.told(record, names) for record in page.records], page.after

    def choices(self, name: str, search: str = "") -> list[dict[str, Any]]:
        """The first records to which the link ``name`` may lead, in the order people expect.

        Raises:
            NotUnderstood: the actor does not write such a link.
        """
        field = self.writable.get(name)
        if field is None or field.kind not in ("link", "links") or field.target is None:
            raise NotUnderstood("field", _("There is no such link, or it cannot be written."))
        found = Lookup(name, field.target).find(search, limit=listing.LARGEST_SIZE)
        return [{"id": row.id, "name": str(row)} for row in found]

    def find(self, number: str) -> Any:
        """The record with this id, with everything that belongs to it.

        Raises:
            Forbidden: there is none that the actor may see.
        """
        id_ = read_id(number)
        record = None if id_ is None else read_whole(session, self.record_type.model, id_)
        if record is None or not may(f"{self.name}.see", record):
            raise Forbidden(f"{self.name}.see")
        return record

    def told(self, record: Record, names: Iterable[str] | None = None) -> dict[str, Any]:
        """``record`` as a program reads it: the fields called ``names``, or all."""
        known = self.readable
        return {name: told(known[name], record) for name in (known if names is None else names)}

    def create(self, data: Mapping[str, Any], key: str = "") -> tuple[Any, bool]:
        """Make a record; ``core.resources.writing.create`` says what is returned and raised."""
        return writing.create(session, self.record_type, data, key)

    def change(self, record: Record, data: Mapping[str, Any]) -> None:
        """Change a record; ``core.resources.writing.change`` says what is raised."""
        writing.change(session, self.record_type, record, data)

    def remove(self, record: Record) -> None:
        """Put a record in the recycle bin; ``core.resources.writing.remove`` says what is raised."""
        writing.remove(session, self.record_type, record)
