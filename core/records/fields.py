"""One field of a record type, as every surface sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ColumnProperty, RelationshipProperty

from core.database.types import Choice, Color, Email, LongText, Money, Option, Phone, Url, UtcDateTime
from core.errors import CatalogError
from core.parts import Label

# Column type to kind, the most special first.
KINDS: tuple[tuple[type, str], ...] = (
    (Money, "money"),
    (Phone, "phone"),
    (Email, "email"),
    (Url, "url"),
    (LongText, "long_text"),
    (Choice, "choice"),
    (Color, "color"),
    (UtcDateTime, "datetime"),
    (sa.Boolean, "boolean"),
    (sa.Date, "date"),
    (sa.Float, "decimal"),
    (sa.Numeric, "decimal"),
    (sa.Integer, "integer"),
    (sa.Text, "long_text"),
    (sa.String, "text"),
    (sa.JSON, "json"),
)

# Columns the gate fills; nobody types them.
MANAGED = frozenset(
    {"id", "created_at", "updated_at", "created_by_id", "updated_by_id", "version", "archived_at", "name_sort",
     "search_text"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a record type.

    ``kind`` is one of the names in ``KINDS`` or ``link`` (to one record), ``links`` (to many) and ``children`` (rows
    that belong to the record). ``target`` is the class a link points to; ``column`` the mapped column, or the foreign
    key of a link. ``digits`` marks a text of digits, such as a time of day, which is shown in the reader's own.

    ``record_id`` marks the name of a record type: the row is about one record of that type, whose id is in the column
    so called. Forms ask for both at once under ``record_label``.
    """

    name: str
    label: Label
    kind: str
    required: bool = False
    max_length: int | None = None
    options: tuple[Option, ...] = ()
    target: type | None = None
    currency: str | None = None
    managed: bool = False
    help: Label = ""
    personal: bool = False
    digits: bool = False
    record_id: str = ""
    record_label: Label = ""
    column: Any = None

    @property
    def is_link(self) -> bool:
        return self.kind in ("link", "links", "children")

    def option(self, code: str | None) -> Option | None:
        """The option with this code, or None."""
        return next((option for option in self.options if option.code == code), None)


def column_field(prop: ColumnProperty[Any]) -> Field:
    """The field of a mapped column. Label, help and ``personal`` come from the column's ``info``.

    Raises:
        CatalogError: no kind fits the column's type.
    """
    column = prop.columns[0]
    kind = next((kind for type_, kind in KINDS if isinstance(column.type, type_)), None)
    if kind is None:
        raise CatalogError(f"{column}: the Catalog knows no kind for the type {column.type!r}.")
    limit = column.type.limit if isinstance(column.type, LongText) else None
    length = getattr(getattr(column.type, "impl_instance", column.type), "length", None)
    return Field(
        name=prop.key,
        label=column.info.get("label", prop.key.replace("_", " ").capitalize()),
        kind=kind,
        required=not column.nullable and column.default is None and column.server_default is None,
        max_length=limit or length,
        options=column.type.options if isinstance(column.type, Choice) else (),
        currency=column.type.currency if isinstance(column.type, Money) else None,
        managed=prop.key in MANAGED or bool(column.info.get("managed", False)),
        help=column.info.get("help", ""),
        personal=bool(column.info.get("personal", False)),
        digits=bool(column.info.get("digits", False)),
        record_id=column.info.get("record_id", ""),
        record_label=column.info.get("record_label", ""),
        column=column,
    )


def link_field(prop: RelationshipProperty[Any]) -> Field:
    """The field of a relationship; it is required when its foreign key is."""
    column = None
    if not prop.uselist and len(prop.local_columns) == 1:
        (column,) = prop.local_columns
    kind = "link"
    if prop.uselist:
        kind = "children" if "delete-orphan" in prop.cascade else "links"
    return Field(
        name=prop.key,
        label=prop.info.get("label", prop.key.replace("_", " ").capitalize()),
        kind=kind,
        required=kind == "link" and column is not None and not column.nullable and column.default is None,
        target=prop.mapper.class_,
        help=prop.info.get("help", ""),
        personal=bool(prop.info.get("personal", False)),
        column=column,
    )
