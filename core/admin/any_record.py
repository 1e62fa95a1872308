"""The field of a form that points to one record of any type, chosen by part of its name.

It stands for two columns, the name of the type and the id (``Field.record_id``), and posts ``<type>:<id>``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from wtforms import SelectFieldBase
from wtforms.fields.choices import Choice

from core.admin.form_fields import NO_LINK, LinkWidget
from core.admin.lookup import PAGE, Lookup
from core.records.catalog import RecordType, current_catalog
from core.records.policy import may

LEAST = 3  # records of each type that are offered
_BLANK = "—"


@dataclass(frozen=True)
class Named:
    """A record as the picker offers it; ``id`` is what it posts."""

    id: str
    name: str

    def __str__(self) -> str:
        return self.name


class AnyLookup:
    """The records that the actor may see, of all types in the menu but the one that has the field.

    Args:
        name: the field's; the picker asks by it.
        table: the name of the table that has the field.
    """

    def __init__(self, name: str, table: str) -> None:
        self.name = name
        self.table = table

    def find(self, text: str = "", offset: int = 0, limit: int = PAGE) -> Sequence[Named]:
        """Some records of each type whose words hold every word of ``text``; there is no further page."""
        entries = list(self._types()) if not offset else []
        share = max(LEAST, limit // max(len(entries), 1))
        return [
            _named(entry, record)
            for entry in entries
            for record in Lookup(self.name, entry.model).find(text, limit=share)
        ]

    def one(self, text: str) -> Named | None:
        """The record that the picker posted, or None when there is none that the actor may see."""
        name, _colon, number = text.partition(":")
        entry = next((entry for entry in self._types() if entry.name == name), None)
        record = Lookup(self.name, entry.model).one(number) if entry is not None else None
        return _named(entry, record) if entry is not None and record is not None else None

    def _types(self) -> Iterator[RecordType]:
        for entry in current_catalog():
            model: Any = entry.model
            screen = entry.screen
            if screen is None or not screen.in_menu or model.__table__.name == self.table:
                continue
            if may(screen.permission("see")):
                yield entry


class AnyRecordField(SelectFieldBase):  # type: ignore[misc]
    """Held as ``<type>:<id>``; a record that is not there any more stays chosen until somebody chooses another."""

    widget = LinkWidget()

    def __init__(self, *args: Any, lookup: AnyLookup, record_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lookup = lookup
        self.record_id = record_id
        self._form = kwargs.get("_form")

    def process_data(self, value: Any) -> None:
        number = getattr(getattr(self._form, "_obj", None), self.record_id, None)
        self.data = f"{value}:{number}" if value and number is not None else None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        if text and text != self.data and self.lookup.one(text) is None:
            self.data = None
            raise ValueError(_("Not a valid choice."))
        self.data = text or None

    def populate_obj(self, obj: Any, name: str) -> None:
        record_type, _colon, number = (self.data or "").partition(":")
        setattr(obj, name, record_type or None)
        setattr(obj, self.record_id, int(number) if number else None)

    def iter_choices(self) -> Iterator[Choice]:
        yield Choice(value=NO_LINK, label=_BLANK, selected=not self.data, render_kw={})
        if self.data:
            label = str(self.lookup.one(self.data) or _("a record that is not there"))
            yield Choice(value=self.data, label=label, selected=True, render_kw={})
        for row in self.lookup.find():
            if row.id != self.data:
                yield Choice(value=row.id, label=row.name, selected=False, render_kw={})


def type_options() -> list[tuple[str, str]]:
    """The record types in the menu, for choosing one."""
    return [(entry.name, str(entry.title)) for entry in current_catalog() if entry.screen and entry.screen.in_menu]


def _named(entry: RecordType, record: Any) -> Named:
    return Named(f"{entry.name}:{record.id}", f"{record} · {entry.title}")
