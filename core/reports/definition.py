"""What a report may be: the fields of a record type it can group by and measure, and reading one from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from core.admin.list_query import ListRequest
from core.admin.record_view import RecordView
from core.errors import ConditionError, ValidationError
from core.parts import Label, Report
from core.records.conditions import Condition, parse
from core.records.fields import Field
from core.records.policy import may

GROUPED = ("choice", "link", "boolean", "date", "datetime")
DATES = ("date", "datetime")
NUMBERS = ("integer", "decimal", "money")
EVERY: Mapping[str, Label] = {"week": _l("Week"), "month": _l("Month"), "quarter": _l("Quarter"), "year": _l("Year")}
SPANS: Mapping[str, Label] = {
    "past": _l("The current one and those before"),
    "around": _l("The current one in the middle"),
    "future": _l("The current one and those after"),
}
MEASURES: Mapping[str, Label] = {
    "count": _l("How many"),
    "sum": _l("Sum"),
    "average": _l("Average"),
    "weighted": _l("Sum weighted by per cents"),
}
CHARTS: Mapping[str, Label] = {
    "bar": _l("Bars"),
    "line": _l("Line"),
    "doughnut": _l("Doughnut"),
    "number": _l("One number"),
    "table": _l("Table"),
}
LONGEST_CONDITION = 20_000  # characters


@dataclass(frozen=True)
class Source:
    """The record type of a report, with what its list knows of filters.

    Attributes:
        view: the list, which reads addresses.
    """

    view: RecordView

    @cached_property
    def groups(self) -> dict[str, Field]:
        """The fields to group by: those that the list can be filtered by, so that every figure leads to its records."""
        fields = self.view.record_type.fields
        return {
            name: fields[name] for name in self.view.screen.filters if name in fields and fields[name].kind in GROUPED
        }

    @cached_property
    def splits(self) -> dict[str, Field]:
        """The fields to split by; a second run of dates would make a table nobody reads."""
        return {name: field for name, field in self.groups.items() if field.kind not in DATES}

    @cached_property
    def numbers(self) -> dict[str, Field]:
        """The fields that can be summed."""
        fields = self.view.record_type.fields
        return {name: field for name, field in fields.items() if field.kind in NUMBERS and not field.managed}

    @cached_property
    def weights(self) -> dict[str, Field]:
        """The fields that can be per cents."""
        return {name: field for name, field in self.numbers.items() if field.kind in ("integer", "decimal")}

    def asked(self, report: Report) -> ListRequest:
        """What the list is asked for by the report's filters.

        Raises:
            ValidationError: a filter is unknown here.
        """
        try:
            return self.view.query.read(MultiDict(report.filters), (self.view.screen.page_size,))
        except (BadRequest, ConditionError):
            raise ValidationError(filters=_("This list has no such filter.")) from None

    def condition(self, report: Report) -> Condition:
        """What the report's filters and its search ask for, as one condition.

        Raises:
            ValidationError: a filter is unknown here.
        """
        asked = self.asked(report)
        trees = [self.view.query.condition(asked).tree]
        if asked.search:
            trees.append({"search": asked.search})
        return parse({"all": trees} if len(trees) > 1 else trees[0], self.view.record_type)


def source(record_type: str) -> Source | None:
    """The source called ``record_type``; None where there is none that the actor may see."""
    site = current_app.extensions["peyvand"]
    screen = site.screens.get(record_type)
    if screen is None or not may(screen.permission("see")):
        return None
    views = current_app.extensions["admin"][0]._views
    mine = (view for view in views if isinstance(view, RecordView) and view.record_type.name == record_type)
    return next((Source(view) for view in mine), None)


def sources() -> list[Source]:
    """Every record type that the actor may make reports of, in the order of the menu."""
    screens = current_app.extensions["peyvand"].screens.values()
    found = [source(screen.name) for screen in sorted(screens, key=lambda screen: (screen.weight, screen.name))]
    return [entry for entry in found if entry is not None]


def check(report: Report, origin: Source) -> None:
    """Refuse what does not fit the record type.

    Raises:
        ValidationError: with the part of the report that is to blame.
    """
    errors: dict[str, str] = {}

    def one_of(part: str, choices: Any, sentence: str) -> None:
        if getattr(report, part) not in choices:
            errors[part] = sentence

    one_of("group", {"", *origin.groups}, _("Reports cannot be grouped by this."))
    one_of("split", {"", *origin.splits}, _("Reports cannot be split by this."))
    one_of("every", EVERY, _("Choose one of these."))
    one_of("span", SPANS, _("Choose one of these."))
    one_of("measure", MEASURES, _("Choose one of these."))
    one_of("chart", CHARTS, _("Choose one of these."))
    if report.measure in MEASURES and report.measure != "count":
        one_of("number", origin.numbers, _("Choose the number to add up."))
    if report.measure == "weighted":
        one_of("weight", origin.weights, _("Choose the per cents to weight by."))
    if report.split and (not report.group or report.split == report.group):
        errors["split"] = _("A report is split by a second field.")
    if errors:
        raise ValidationError(**errors)
    origin.asked(report)


def read_report(values: Mapping[str, Any]) -> Report:
    """The report in a form, or in what was stored of one. Whether it fits is for ``check``."""
    known = Report.__dataclass_fields__.keys() - {"filters"}
    texts = {name: str(values.get(name) or "")[:160] for name in known if values.get(name) not in (None, "")}
    filters = values.get("filters") or {}
    record_type = texts.pop("record_type", "")
    return Report(record_type=record_type, filters={str(k): str(v) for k, v in filters.items()}, **texts)


def stored(report: Report) -> dict[str, Any]:
    """The report as it is stored."""
    return {**asdict(report), "filters": dict(report.filters)}
