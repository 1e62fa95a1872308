"""What the builder of conditions offers: things to ask about, and how each value is chosen or typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.admin.condition_draft import COUNT, WORDS, Row
from core.admin.filters import PERIODS, Options, options_of
from core.errors import ConditionError
from core.parts import Label
from core.records.catalog import RecordType, Reference
from core.records.conditions.operators import COUNT_OPERATORS, Operator, family_of, operators_of
from core.records.conditions.paths import behind, fields_of, references_of, resolve
from core.records.conditions.periods import RelativeDay, read_day
from core.records.conditions.sentence import path_words, reference_words
from core.records.fields import Field
from core.records.policy import may
from core.records.record import Record, Searchable
from core.site.formats import format_local_date

_RUN = re.compile("(last|next)_([0-9]+)_(days|weeks|months)")
_RELATIVE = re.compile("today(?:([+-])([0-9]+))?")
Editor = Literal["none", "text", "number", "day", "days", "period", "choice", "choices", "pair", "records"]

_SEARCH = Operator("search", _l("are found"))
ON, TODAY, AFTER, BEFORE = "on", "today", "after", "before"
DAY_MODES: Mapping[str, Label] = {
    ON: _l("the date"),
    TODAY: _l("today"),
    AFTER: _l("days from now"),
    BEFORE: _l("days ago"),
}
# Periods whose length is typed beside them.
RUNS: Mapping[str, Label] = {
    "last_days": _l("the last … days"),
    "next_days": _l("the next … days"),
    "last_weeks": _l("the last … weeks"),
    "next_weeks": _l("the next … weeks"),
    "last_months": _l("the last … months"),
    "next_months": _l("the next … months"),
}


@dataclass(frozen=True)
class Subject:
    """What a row asks about, when its name is known."""

    name: str
    label: str
    operators: Mapping[str, Operator]
    field: Field | None = None
    reference: Reference | None = None

    def operator(self, name: str) -> Operator:
        """The operator called ``name``, or the first one where the subject has none of this name."""
        return self.operators.get(name) or next(iter(self.operators.values()))


class Choices:
    """What can be asked about records of one type."""

    def __init__(self, record_type: RecordType) -> None:
        self.record_type = record_type

    @cached_property
    def groups(self) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """The subjects in groups: the own fields, those behind each link, and the counts of related records."""
        own = fields_of(self.record_type)
        found = [(str(self.record_type.title), [(name, str(field.label)) for name, field in own.items()])]
        if issubclass(self.record_type.model, Searchable):
            found[0][1].append((WORDS, str(_("Any of its words"))))
        for name, field in own.items():
            following = behind(field)
            if following is not None and _may_see(following):
                inner = [(f"{name}.{key}", f"{field.label} › {one.label}") for key, one in fields_of(following).items()]
                found.append((str(field.label), inner))
        counts = [
            (COUNT + name, _("Number of %(records)s", records=reference_words(reference, 2)))
            for name, reference in references_of(self.record_type).items()
            if _may_see(reference.record_type)
        ]
        return [*found, (_("Related records"), counts)] if counts else found

    def subject(self, name: str) -> Subject | None:
        """What ``name`` asks about; None for a name that means nothing here."""
        if name == WORDS:
            return Subject(name, _("Any of its words"), {"search": _SEARCH})
        if name.startswith(COUNT):
            reference = references_of(self.record_type).get(name.removeprefix(COUNT))
            if reference is None:
                return None
            label = _("Number of %(records)s", records=reference_words(reference, 2))
            return Subject(name, label, COUNT_OPERATORS, reference=reference)
        try:
            path = resolve(self.record_type, name, "field")
        except ConditionError:
            return None
        return Subject(name, path_words(path), operators_of(path.field), path.field)

    def with_subject(self, subject: Subject | None, name: str) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """The groups, and in one of its own a subject that is farther away or gone."""
        offered = {key for _label, entries in self.groups for key, _text in entries}
        if not name or name in offered:
            return self.groups
        return [*self.groups, (_("More"), [(name, subject.label if subject else name)])]


def editor_of(subject: Subject, operator: Operator) -> Editor:
    """How the value of ``operator`` is chosen or typed."""
    if operator.shape == "none":
        return "none"
    if operator.shape == "span":
        return "period"
    family = family_of(subject.field) if subject.field is not None else "number"
    if subject.name == WORDS:
        return "text"
    if operator.shape == "pair":
        return "days" if family == "date" else "pair"
    if family in ("link", "links"):
        return "records"
    if family == "date":
        return "day"
    if family in ("choice", "boolean"):
        return "choices" if operator.shape == "many" else "choice"
    return "number" if family == "number" else "text"


def value_options(subject: Subject, operator: Operator, editor: Editor) -> Options | None:
    """The values to choose from."""
    if editor == "period":
        return [*PERIODS.items(), *RUNS.items()]
    if subject.field is None or editor not in ("choice", "choices", "records"):
        return None
    return options_of(subject.field, operator)


def value_of(row: Row, subject: Subject, operator: Operator) -> Any:
    """The value of a row as its tree has it; None while it is missing."""
    typed = [value.strip() for value in row.values if value.strip()]
    editor = editor_of(subject, operator)
    if editor == "day" and row.mode == TODAY:
        return TODAY
    if not typed:
        return None
    if editor == "day" and row.mode in (AFTER, BEFORE):
        return f"today{'+' if row.mode == AFTER else '-'}{typed[0]}"
    if editor == "period" and typed[0] in RUNS:
        direction, unit = typed[0].split("_")
        return f"{direction}_{typed[1]}_{unit}" if len(typed) > 1 else None
    if operator.shape == "pair":
        return typed if len(typed) > 1 else None
    if operator.shape == "many":
        return typed if editor in ("choices", "records") else _split(typed)
    if subject.field is not None and subject.field.kind == "boolean":
        return typed[0] == "1"
    return typed[0]


def _split(typed: Sequence[str]) -> list[str]:
    """Several texts in one box, one on each line."""
    return [line.strip() for text in typed for line in text.splitlines() if line.strip()]


def _may_see(record_type: RecordType) -> bool:
    """Whether the actor may see such records at all; parts and lists without a screen belong to what he sees."""
    if record_type.screen is None or not issubclass(record_type.model, Record):
        return True
    return may(f"{record_type.name}.see")


def typed_again(row: Row, subject: Subject, operator: Operator) -> None:
    """Change the values of a row, as a tree has them, into what stands in its boxes."""
    editor = editor_of(subject, operator)
    if editor == "day" and row.values:
        row.mode, row.values = _day_typed(row.values[0])
    elif editor == "days":
        row.values = [_day_text(value) for value in row.values]
    elif editor == "period" and row.values and (run := _RUN.fullmatch(row.values[0])):
        row.values = [f"{run[1]}_{run[3]}", run[2]]
    elif editor == "text" and operator.shape == "many":
        row.values = ["\n".join(row.values)]


def _day_typed(value: str) -> tuple[str, list[str]]:
    relative = _RELATIVE.fullmatch(value)
    if relative is None:
        return ON, [_day_text(value)]
    if relative[1] is None:
        return TODAY, []
    return (AFTER if relative[1] == "+" else BEFORE), [relative[2]]


def _day_text(value: str) -> str:
    """A day as a date box shows it; one that moves with today as it is written."""
    day = read_day(value)
    return str(day) if isinstance(day, RelativeDay) else format_local_date(day, "short")
