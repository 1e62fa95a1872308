"""The operators of the language, by kind of field.

Half of them are the other half turned round: ``ne`` is not ``eq``, ``not_in`` is not ``in``. Only the positive half is
evaluated, so an operator and its opposite can never both be true or both be false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from core.parts import Label
from core.records.fields import Field

Shape = Literal["none", "one", "pair", "many", "span"]
Family = Literal["text", "long_text", "phone", "number", "date", "choice", "boolean", "link", "links", "children"]


@dataclass(frozen=True)
class Operator:
    """One way to ask about a field.

    ``shape`` is what its value looks like: nothing, one value, two, a list of them, or a period. ``negates`` names the
    operator of which this is the opposite.
    """

    name: str
    label: Label
    shape: Shape = "one"
    negates: str | None = None


def _family(*operators: Operator) -> Mapping[str, Operator]:
    return {operator.name: operator for operator in operators}


_EMPTY = (
    Operator("empty", _l("is empty"), "none", negates="not_empty"),
    Operator("not_empty", _l("is not empty"), "none"),
)
_EQUAL = (Operator("eq", _l("is")), Operator("ne", _l("is not"), negates="eq"))
_IN = (
    Operator("in", _l("is one of"), "many"),
    Operator("not_in", _l("is none of"), "many", negates="in"),
)
_TEXT = (
    Operator("contains", _l("contains")),
    Operator("not_contains", _l("does not contain"), negates="contains"),
    Operator("starts", _l("begins with")),
    Operator("eq", _l("is exactly")),
    Operator("ne", _l("is not exactly"), negates="eq"),
    *_IN,
    *_EMPTY,
)

FAMILIES: Mapping[Family, Mapping[str, Operator]] = {
    "text": _family(*_TEXT),
    "long_text": _family(*_TEXT[:2], *_EMPTY),
    "phone": _family(*_TEXT[:2], *_EQUAL, *_EMPTY),
    "number": _family(
        Operator("eq", _l("is exactly")),
        Operator("ne", _l("is not exactly"), negates="eq"),
        Operator("ge", _l("is at least")),
        Operator("gt", _l("is more than")),
        Operator("le", _l("is at most")),
        Operator("lt", _l("is less than")),
        Operator("between", _l("is between"), "pair"),
        *_EMPTY,
    ),
    "date": _family(
        Operator("within", _l("is in"), "span"),
        Operator("not_within", _l("is not in"), "span", negates="within"),
        Operator("eq", lazy_pgettext("date", "is on")),
        Operator("ne", lazy_pgettext("date", "is not on"), negates="eq"),
        Operator("ge", _l("is on or after")),
        Operator("gt", _l("is after")),
        Operator("le", _l("is on or before")),
        Operator("lt", _l("is before")),
        Operator("between", _l("is between"), "pair"),
        *_EMPTY,
    ),
    "choice": _family(*_EQUAL, *_IN, *_EMPTY),
    "boolean": _family(*_EQUAL, *_EMPTY),
    "link": _family(*_EQUAL, *_IN, *_EMPTY),
    "links": _family(
        Operator("in", _l("has any of"), "many"),
        Operator("not_in", _l("has none of"), "many", negates="in"),
        Operator("all", _l("has all of"), "many"),
        Operator("eq", _l("has")),
        Operator("ne", _l("does not have"), negates="eq"),
        *_EMPTY,
    ),
    "children": _family(*_EMPTY),
}

COUNT_OPERATORS: Mapping[str, Operator] = {
    name: FAMILIES["number"][name] for name in ("ge", "gt", "le", "lt", "eq", "ne", "between")
}

_FAMILY_OF: Mapping[str, Family] = {
    "text": "text",
    "long_text": "long_text",
    "email": "text",
    "url": "text",
    "phone": "phone",
    "integer": "number",
    "decimal": "number",
    "money": "number",
    "date": "date",
    "datetime": "date",
    "choice": "choice",
    "color": "choice",
    "boolean": "boolean",
    "link": "link",
    "links": "links",
    "children": "children",
}


def family_of(field: Field) -> Family | None:
    """What kind of questions can be asked about ``field``; None for a kind nobody can ask about, such as JSON."""
    return _FAMILY_OF.get(field.kind)


def operators_of(field: Field) -> Mapping[str, Operator]:
    """The operators of ``field`` by name, the most useful first."""
    family = family_of(field)
    return FAMILIES[family] if family else {}
