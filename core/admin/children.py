"""Rows that belong to a record, edited in the record's own form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_admin.form import BaseForm
from flask_admin.model.fields import InlineFieldList, InlineModelFormField
from wtforms import Field as FormField
from wtforms import HiddenField

from core.admin.converters import form_field
from core.records.catalog import RecordType
from core.records.fields import Field

ROWS_LIMIT = 200
SHORT_ROW = 2  # fields


class PartRow(InlineModelFormField):  # type: ignore[misc]
    """One row. A new one in which nothing was filled in is as good as absent."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed; ticks and preselected choices do not count."""
        typed = [f for f in self.form if f.type not in ("BooleanField", "SelectField", "HiddenField")]
        judged = typed or [f for f in self.form if f.type != "HiddenField"]
        return not self.get_pk() and not any("".join(map(str, f.raw_data or ())).strip() for f in judged)


class PartRows(InlineFieldList):  # type: ignore[misc]
    """The rows of one ``children`` field.

    Args:
        part: the class of a row.
        row_form: the form of one row, with a hidden ``id``.
    """

    def __init__(self, *args: Any, part: type[Any], row_form: type[BaseForm], **kwargs: Any) -> None:
        super().__init__(PartRow(row_form, "id"), *args, max_entries=ROWS_LIMIT, **kwargs)
        self.part = part

    def should_delete(self, field: Any) -> bool:
        """Rows ticked for deletion and rows nobody filled in are neither checked nor kept."""
        return super().should_delete(field) or (bool(field.form._fields) and field.is_blank)

    def kept(self) -> list[Any]:
        """The rows that will be there after saving."""
        return [entry for entry in self.entries if not self.should_delete(entry)]

    def populate_obj(self, obj: Any, name: str) -> None:
        """Bring the parts of ``obj`` in line with the rows. A row's id counts only among the record's own parts."""
        present = {str(row.id): row for row in getattr(obj, name)}
        rows = []
        for entry in self.kept():
            row = present.get(str(entry.get_pk() or ""))
            if row is None:
                row = self.part()
                entry.populate_obj(row, "")
            else:
                write_fields([field for field in entry.form if field.short_name != "id"], row)
            rows.append(row)
        if rows != getattr(obj, name):
            setattr(obj, name, rows)


def write_fields(fields: Iterable[FormField], stored: Any) -> None:
    """Write fields of a form into what is ``stored``, and leave alone what they do not change.

    The session looks through everything that was written to, also where a value is the one it was.
    """
    for field in fields:
        plain = type(field).populate_obj is FormField.populate_obj
        if not (plain and field.data == getattr(stored, field.short_name)):
            field.populate_obj(stored, field.short_name)


def open_rows(form: BaseForm) -> None:
    """Show one empty row of each short kind of part, so that a phone number can be typed at once."""
    for rows in form:
        if isinstance(rows, PartRows) and not rows.entries and len(part_fields(rows.part)) <= SHORT_ROW:
            rows.append_entry()


def part_fields(part: Any) -> list[Field]:
    """The fields of a row that a person fills in: all but the managed ones and the way back to the record."""
    whole = getattr(part, "__whole__", None)
    return [
        entry
        for entry in RecordType(part, "", "").fields.values()
        if not entry.managed and entry.name != whole and entry.kind not in ("children", "json")
        and not _is_key(part, entry)
    ]  # fmt: skip


def part_rows(field: Field) -> Any:
    """The form field of a ``children`` field."""
    part: Any = field.target
    members: dict[str, Any] = {"id": HiddenField("")}
    for entry in part_fields(part):
        members[entry.name] = form_field(entry, f"{field.name}.{entry.name}")
    row_form = type(f"{field.name.title()}Row", (BaseForm,), members)
    return PartRows(field.label, part=part, row_form=row_form, description=field.help)


def _is_key(part: type[Any], field: Field) -> bool:
    return field.kind == "integer" and field.column is not None and bool(field.column.foreign_keys)
