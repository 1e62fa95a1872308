"""Filters of a list as its address writes them: ``<field>__<operator>=<value>``, short for a leaf of a condition.

Named by field and operator, so that a saved address outlives new columns and other languages. Only the fields that the
screen offers as filters have this short form; a whole tree is ``?where=<json>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_admin.model.filters import BaseFilter
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.models import User
from core.admin.any_record import type_options
from core.admin.lookup import OFFERED, Lookup
from core.calendars import PeriodKind
from core.errors import ConditionError
from core.parts import Label
from core.records.catalog import RecordType
from core.records.colors import COLOR_LABELS
from core.records.conditions import Condition, parse
from core.records.conditions.operators import Operator, family_of, operators_of
from core.records.conditions.tree import Comparison
from core.records.conditions.values import ME
from core.records.conditions.wording import value_words
from core.records.fields import Field
from core.site.formats import format_digits

Options = Sequence[tuple[str, Label]]

PERIODS: Mapping[PeriodKind, Label] = {
    "today": _l("Today"),
    "yesterday": _l("Yesterday"),
    "tomorrow": _l("Tomorrow"),
    "this_week": _l("This week"),
    "last_week": _l("Last week"),
    "next_week": _l("Next week"),
    "this_month": _l("This month"),
    "last_month": _l("Last month"),
    "next_month": _l("Next month"),
    "this_quarter": _l("This quarter"),
    "last_quarter": _l("Last quarter"),
    "next_quarter": _l("Next quarter"),
    "this_year": _l("This year"),
    "last_year": _l("Last year"),
    "next_year": _l("Next year"),
}
_YES_NO: Options = (("1", _l("Yes")), ("0", _l("No")))
# Before there were conditions, a period was asked for as ``in``; such addresses are in people's bookmarks.
_FORMER = {("date", "within"): "in"}
_COMMA = re.compile("[,،]")


class FieldFilter(BaseFilter):  # type: ignore[misc]
    """One operator of one field, as Flask-Admin's list knows a filter."""

    def __init__(self, record_type: RecordType, field: Field, operator: Operator) -> None:
        dated = family_of(field) == "date" and operator.shape == "one"
        super().__init__(field.label, data_type="nv-date" if dated else None)
        self.record_type = record_type
        self.field = field
        self.operator = operator
        self.arg = f"{field.name}__{operator.name}"
        former = _FORMER.get((str(family_of(field)), operator.name))
        self.args = (self.arg, f"{field.name}__{former}") if former else (self.arg,)

    @property
    def offered(self) -> bool:
        """Whether the short menu of the list has it; what takes several values is for the builder."""
        return self.operator.shape not in ("pair", "many") and self.operator.name != "not_empty"

    def operation(self) -> Label:
        """The words between field and value."""
        return self.operator.label

    def get_options(self, view: Any) -> Options | None:
        """The values to choose from, or None when one is typed."""
        return options_of(self.field, self.operator)

    def condition(self, value: str) -> Condition:
        """The leaf that the short form stands for.

        Raises:
            ConditionError: the value cannot be read.
        """
        tree: dict[str, Any] = {"field": self.field.name, "op": self.operator.name}
        shape, boolean = self.operator.shape, self.field.kind == "boolean"
        if shape == "none" or boolean:
            if value not in ("0", "1"):
                raise ConditionError("value", "0 or 1 is expected.")
            if shape == "one":
                tree["value"] = value == "1"
                return parse(tree, self.record_type)
            leaf = parse(tree, self.record_type)
            return leaf if value == "1" else parse({"not": tree}, self.record_type)
        if shape == "many":
            tree["value"] = [part.strip() for part in _COMMA.split(value) if part.strip()]
        elif shape == "pair":
            tree["value"] = [part.strip() for part in value.split("..")]
        else:
            tree["value"] = value
        return parse(tree, self.record_type)

    def validate(self, value: str) -> bool:
        """Whether the value can be read."""
        try:
            self.condition(value)
        except ConditionError:
            return False
        return True

    def shown(self, value: str) -> str:
        """The text of ``value`` on the chip of an active filter."""
        if self.field.is_link and self.operator.shape == "one":
            linked = Lookup(self.field.name, self.field.target).one(value) if self.field.target else None
            return str(_("Me")) if value == ME else str(linked or format_digits(value))
        options = self.get_options(None)
        if options is not None:
            return str(dict(options).get(value, value))
        root = self.condition(value).root
        read = root.value if isinstance(root, Comparison) else value
        values = read if isinstance(read, tuple) else (read,)
        plain = family_of(self.field) in ("text", "long_text")  # a chip needs no quotation marks
        return str(_(", ")).join(format_digits(one) if plain else value_words(self.field, one) for one in values)


def options_of(field: Field, operator: Operator) -> Options | None:
    """The values that ``operator`` of ``field`` can have, where they can be listed; links offer their first records."""
    if operator.shape == "none" or field.kind == "boolean":
        return _YES_NO
    if operator.shape == "span":
        return list(PERIODS.items())
    if field.record_id and operator.name in ("eq", "ne"):
        return type_options()
    if field.kind == "choice":
        return [(option.code, option.label) for option in field.options]
    if field.kind == "color":
        return list(COLOR_LABELS.items())
    if field.kind in ("link", "links"):
        return linked_options(field)
    return None


def linked_options(field: Field) -> Options:
    """The first records that a link may point to, as the actor sees them."""
    rows = Lookup(field.name, field.target).find(limit=OFFERED) if field.target else []
    me = [(ME, _l("Me"))] if field.target is User else []
    return [*me, *((str(row.id), str(row)) for row in rows)]


def filters_of(record_type: RecordType, names: Iterable[str]) -> list[FieldFilter]:
    """The filters of the named fields, in the order of the names.

    Raises:
        UnknownField: the record type has no such field.
    """
    fields = [record_type.field(name) for name in names]
    return [FieldFilter(record_type, field, operator) for field in fields for operator in operators_of(field).values()]
