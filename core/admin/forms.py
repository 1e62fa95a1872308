"""The form of a screen: its fields in groups, and what a post may contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import abort
from flask_admin.form import BaseForm, rules
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from wtforms import HiddenField
from wtforms.fields import FieldList, FormField

from core.admin.any_record import AnyLookup
from core.admin.children import PartRows, part_fields, part_rows
from core.admin.converters import form_field
from core.admin.lookup import Lookup
from core.errors import CatalogError
from core.parts import FieldGroup, Screen
from core.records.catalog import RecordType
from core.records.fields import Field

# What a form posts besides its fields.
CONTROLS = frozenset({"csrf_token", "form_key", "url", "modal", "version", "_add_another", "_continue_editing"})


def form_groups(screen: Screen, record_type: RecordType) -> list[FieldGroup]:
    """The groups of the form, completed: a currency goes with its amount, parts come last unless placed.

    Raises:
        UnknownField: a group names a field that does not exist.
        CatalogError: a group names a field that nobody may type.
    """
    placed = {name for group in screen.form for name in group.fields}
    groups = []
    for group in screen.form:
        names: list[str] = []
        for name in group.fields:
            field = record_type.field(name)
            if field.managed:
                raise CatalogError(f"{record_type.name}: {name!r} is filled in by itself and has no place on a form.")
            names.append(name)
            if field.currency and field.currency in record_type.fields and field.currency not in placed:
                names.append(field.currency)
        groups.append(FieldGroup(group.label, tuple(names)))
    for name in screen.children:
        if name not in placed:
            groups.append(FieldGroup(record_type.field(name).label, (name,)))
    return groups


def build_form(record_type: RecordType, groups: Iterable[FieldGroup]) -> type[BaseForm]:
    """The form class with the fields of ``groups``."""
    names = [name for group in groups for name in group.fields]
    currencies = {field.currency for field in record_type.fields.values() if field.currency}
    members: dict[str, Any] = {
        name: _member(record_type.field(name), is_currency=name in currencies) for name in names
    }
    return type("RecordForm", (BaseForm,), members)


def build_edit_form(form_class: type[BaseForm]) -> type[BaseForm]:
    """``form_class`` with the version of the record as it was when the form was opened."""
    return type("RecordEditForm", (form_class,), {"version": HiddenField("")})


def form_rules(view: Any, groups: Iterable[FieldGroup]) -> rules.RuleSet:
    """The layout of the form: a titled section per group."""
    return rules.RuleSet(view, [rules.FieldSet(group.fields, header=group.label) for group in groups])


def lookups_of(record_type: RecordType, names: Iterable[str]) -> dict[str, Lookup | AnyLookup]:
    """What the pickers of the form search, by the name they ask with."""
    found: dict[str, Lookup | AnyLookup] = {}
    for name in names:
        field = record_type.field(name)
        if field.record_id:
            found[name] = AnyLookup(name, field.column.table.name)
        parts = part_fields(field.target) if field.kind == "children" else []
        inner = [(f"{name}.{part.name}", part) for part in parts]
        for key, entry in [(name, field), *inner]:
            if entry.kind in ("link", "links") and entry.target is not None:
                found[key] = Lookup(key, entry.target)
    return found


def is_valid(form: BaseForm) -> bool:
    """Validate ``form``; its errors become plain text, because templates take only that for an error."""
    valid = bool(form.validate())
    for field in _plain_fields(form):
        field.errors = [str(error) for error in field.errors]
    return valid


def refuse_undeclared(form: BaseForm, posted: Iterable[str], extra: Iterable[str] = ()) -> None:
    """Answer 400 when a post holds anything that the form does not have; nothing of it is stored."""
    declared = CONTROLS.union(extra, _names(form))
    if any(name not in declared for name in posted):
        abort(400)


def prefill(form: BaseForm, args: Mapping[str, str]) -> None:
    """Fill fields of a new record from the address, such as ``?contact=5``; what cannot be read is left out."""
    for field in form:
        if field.name not in args or isinstance(field, FieldList):
            continue
        default = field.data
        field.process(MultiDict([(field.name, args[field.name])]))
        if field.process_errors:
            field.data, field.process_errors = default, []
        field.raw_data = None


def one_field(form: BaseForm, name: str) -> BaseForm:
    """``form`` without every field but one; the others must not be written."""
    for other in [field.name for field in form if field.name != name]:
        del form[other]
    return form


def with_ids(form: BaseForm, prefix: str) -> BaseForm:
    """``form`` with ids of its own, for a page that shows several forms with the same fields."""
    for field in form:
        field.id = field.label.field_id = f"{prefix}-{field.name}"
    return form


def formdata(posted: ImmutableMultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    """What was posted, as WTForms wants it: never empty, or it would be taken for no post at all."""
    return posted if posted else ImmutableMultiDict({"csrf_token": ""})


def _member(field: Field, *, is_currency: bool) -> Any:
    return part_rows(field) if field.kind == "children" else form_field(field, is_currency=is_currency)


def _plain_fields(form: BaseForm) -> Iterator[Any]:
    for field in form:
        if isinstance(field, FieldList):
            for entry in field.entries:
                yield from _plain_fields(entry.form)
        elif not isinstance(field, FormField):
            yield field


def _names(form: BaseForm) -> Iterator[str]:
    for field in form:
        yield field.name
        if isinstance(field, PartRows):
            for entry in field.entries:
                yield f"del-{entry.id}"
                yield from _names(entry.form)
        elif isinstance(field, FormField):
            yield from _names(field.form)
