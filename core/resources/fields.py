"""Which fields programs read and write: what the screen of a type shows, and what a person may type into its form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.accounts.actor import acting
from core.admin.children import part_fields
from core.admin.converters import CONVERTERS
from core.records.catalog import RecordType
from core.records.fields import Field
from core.records.transfer.targets import shown_fields

ALWAYS = ("id", "version", "created_at", "updated_at")


def readable(record_type: RecordType) -> Mapping[str, Field]:
    """The fields that the current actor reads, in the order of the class; what his roles hide is not among them."""
    return _kept(record_type, "readable fields")


def writable(record_type: RecordType) -> Mapping[str, Field]:
    """The fields that the current actor may fill in."""
    return _kept(record_type, "writable fields")


def parts_of(field: Field) -> Mapping[str, Field]:
    """The fields of one row of a ``children`` field."""
    return {entry.name: entry for entry in part_fields(field.target)}


def _kept(record_type: RecordType, what: str) -> Mapping[str, Field]:
    key = (what, acting().hidden(record_type.name), acting().fixed(record_type.name))
    if key not in record_type.kept:
        found = _readable(record_type) if what == "readable fields" else _writable(record_type)
        record_type.kept[key] = MappingProxyType(found)
    fields: Mapping[str, Field] = record_type.kept[key]
    return fields


def _readable(record_type: RecordType) -> dict[str, Field]:
    assert record_type.screen is not None, "the types of the Catalog have screens"
    shown = shown_fields(record_type.screen, record_type) | set(ALWAYS)
    return {name: field for name, field in record_type.fields.items() if name in shown}


def _writable(record_type: RecordType) -> dict[str, Field]:
    screen = record_type.screen
    assert screen is not None, "the types of the Catalog have screens"
    typed = {name for group in screen.form for name in group.fields} | {*screen.editable, *screen.children}
    typed |= {field.currency for field in record_type.fields.values() if field.name in typed and field.currency}
    fixed = acting().fixed(record_type.name)
    return {
        name: field
        for name, field in record_type.fields.items()
        if name in typed and name not in fixed and not field.managed
        and (field.kind in CONVERTERS or field.kind == "children")
    }  # fmt: skip
