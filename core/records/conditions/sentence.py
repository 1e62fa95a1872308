"""A condition as a sentence, in the reader's language, calendar and digits.

``{"all": [{"field": "status", "op": "eq", "value": "customer"}, {"field": "owner", "op": "eq", "value": "me"}]}`` reads
«Status is Customer and Owner is me», «وضعیت مشتری است و مسئول من است».
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.parts import Label
from core.records.catalog import RecordType, Reference
from core.records.conditions.operators import Operator, family_of, operators_of
from core.records.conditions.periods import RelativeDay
from core.records.conditions.tree import Comparison, Condition, Group, Negation, Node, Path, RelatedCount, Words
from core.records.conditions.values import ME
from core.records.conditions.wording import ONE_DAY, listed, period_words, quoted, value_words
from core.records.fields import Field
from core.site.formats import format_number
from core.site.reader import language

Names = Mapping[tuple[type, int], str]

_PLAIN: dict[str, Label] = {
    "eq": _l("%(field)s is %(value)s"),
    "ne": _l("%(field)s is not %(value)s"),
    "in": _l("%(field)s is one of %(value)s"),
    "not_in": _l("%(field)s is none of %(value)s"),
    "contains": _l("%(field)s contains %(value)s"),
    "not_contains": _l("%(field)s does not contain %(value)s"),
    "starts": _l("%(field)s begins with %(value)s"),
    "ge": _l("%(field)s is at least %(value)s"),
    "gt": _l("%(field)s is more than %(value)s"),
    "le": _l("%(field)s is at most %(value)s"),
    "lt": _l("%(field)s is less than %(value)s"),
    "between": _l("%(field)s is between %(low)s and %(high)s"),
    "empty": _l("%(field)s is empty"),
    "not_empty": _l("%(field)s is not empty"),
}
_DATES: dict[str, Label] = _PLAIN | {
    "eq": _l("%(field)s is on %(value)s"),
    "ne": _l("%(field)s is not on %(value)s"),
    "ge": _l("%(field)s is on or after %(value)s"),
    "gt": _l("%(field)s is after %(value)s"),
    "le": _l("%(field)s is on or before %(value)s"),
    "lt": _l("%(field)s is before %(value)s"),
    "within": _l("%(field)s is in %(value)s"),
    "not_within": _l("%(field)s is not in %(value)s"),
}
_LINKS: dict[str, Label] = _PLAIN | {
    "eq": _l("%(field)s include %(value)s"),
    "ne": _l("%(field)s do not include %(value)s"),
    "in": _l("%(field)s include at least one of %(value)s"),
    "not_in": _l("%(field)s include none of %(value)s"),
    "all": _l("%(field)s include all of %(value)s"),
    "empty": _l("%(field)s are empty"),
    "not_empty": _l("%(field)s are not empty"),
}


def sentence(condition: Condition) -> str:
    """``condition`` as the reader says it. Records it names that he may not see stay unnamed."""
    return _Sentence(_names(condition)).of(condition.root)


class _Sentence:
    """One sentence; it carries the names of the records that the condition speaks of."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def of(self, node: Node) -> str:
        match node:
            case Group():
                return self._group(node)
            case Negation():
                return self._negation(node.part)
            case Comparison():
                return self._comparison(node, node.operator)
            case RelatedCount():
                return self._count(node)
            case Words():
                return str(_("it is found by %(words)s", words=quoted(node.text)))

    def _group(self, group: Group) -> str:
        if not group.parts:
            return str(_("every record") if group.joint == "all" else _("no record"))
        joint = _(" and ") if group.joint == "all" else _(" or ")
        return (
            str(joint).join(self._part(part) for part in group.parts)
            if len(group.parts) > 1
            else self.of(group.parts[0])
        )

    def _part(self, node: Node) -> str:
        """A part of a longer sentence; brackets say what belongs together."""
        words = self.of(node)
        while isinstance(node, Group) and len(node.parts) == 1:
            node = node.parts[0]
        return f"({words})" if isinstance(node, Group) and node.parts else words

    def _negation(self, part: Node) -> str:
        if isinstance(part, Negation):
            return self.of(part.part)
        if isinstance(part, Comparison):
            opposite = _opposite(part)
            if opposite is not None:
                return self._comparison(part, opposite)
        return str(_("it is not so that (%(words)s)", words=self.of(part)))

    def _comparison(self, leaf: Comparison, operator: Operator) -> str:
        field, value = leaf.path.field, leaf.value
        family = family_of(field)
        words = _DATES if family == "date" else _LINKS if family in ("links", "children") else _PLAIN
        name = operator.name
        if (name in ("within", "not_within") and value in ONE_DAY) or (
            name in ("eq", "ne") and isinstance(value, RelativeDay)
        ):
            # One is not «in today», and nothing happens «on 3 days ago».
            words, name = _PLAIN, "ne" if name.startswith("n") else "eq"
        spoken: dict[str, Any] = {"field": path_words(leaf.path)}
        if operator.shape == "pair":
            spoken |= {"low": self._value(field, value[0]), "high": self._value(field, value[1])}
        elif operator.shape == "span":
            spoken["value"] = period_words(value)
        elif operator.shape == "many":
            spoken["value"] = listed([self._value(field, one) for one in value])
        elif operator.shape == "one":
            spoken["value"] = self._value(field, value)
        return str(words[name]) % spoken

    def _value(self, field: Field, value: Any) -> str:
        if not field.is_link or field.target is None:
            return value_words(field, value)
        if value == ME:
            return str(_("me"))
        name = self._names.get((field.target, value))
        return str(name if name is not None else _("a record that is not there"))

    def _count(self, leaf: RelatedCount) -> str:
        words = _count_words(leaf)
        if leaf.where is None or leaf.where.is_everything:
            return words
        return str(_("%(count)s where %(where)s", count=words, where=self._part(leaf.where.root)))


def path_words(path: Path) -> str:
    """The labels of the links and of the field of a path."""
    return " › ".join(str(field.label) for field in (*path.steps, path.field))


def record_words(record_type: RecordType, number: int) -> str:
    """What so many records are called. A Persian noun stays in the singular after a number."""
    return str(record_type.title if number == 1 or language() == "fa" else record_type.plural)


def reference_words(reference: Reference, number: int) -> str:
    """What so many related records are called, with the link's name where two links lead here."""
    words = record_words(reference.record_type, number)
    links = [field for field in reference.record_type.fields.values() if field.target is reference.field.target]
    return words if len(links) < 2 else f"{words} ({reference.field.label})"


def _count_words(leaf: RelatedCount) -> str:
    name, value = leaf.operator.name, leaf.value
    if name == "between":
        low, high = (format_number(one) for one in value)
        records = reference_words(leaf.reference, value[1])
        return str(_("there are %(low)s to %(high)s %(records)s", low=low, high=high, records=records))
    if (name, value) in (("eq", 0), ("lt", 1), ("le", 0)):
        return str(_("there are no %(records)s", records=reference_words(leaf.reference, 0)))
    if (name, value) in (("ge", 1), ("gt", 0), ("ne", 0)):
        return str(_("there are %(records)s", records=reference_words(leaf.reference, 2)))
    words = {"count": format_number(value), "records": reference_words(leaf.reference, value)}
    match name:
        case "eq":
            return str(
                ngettext(
                    "there is exactly %(count)s %(records)s", "there are exactly %(count)s %(records)s", value, **words
                )
            )
        case "ne":
            return str(
                ngettext(
                    "there is not exactly %(count)s %(records)s",
                    "there are not exactly %(count)s %(records)s",
                    value,
                    **words,
                )
            )
        case "ge":
            return str(
                ngettext(
                    "there is at least %(count)s %(records)s",
                    "there are at least %(count)s %(records)s",
                    value,
                    **words,
                )
            )
        case "gt":
            return str(
                ngettext(
                    "there is more than %(count)s %(records)s",
                    "there are more than %(count)s %(records)s",
                    value,
                    **words,
                )
            )
        case "le":
            return str(
                ngettext(
                    "there is at most %(count)s %(records)s", "there are at most %(count)s %(records)s", value, **words
                )
            )
    return str(
        ngettext(
            "there is less than %(count)s %(records)s", "there are fewer than %(count)s %(records)s", value, **words
        )
    )


def _opposite(leaf: Comparison) -> Operator | None:
    """The operator that says the contrary of the leaf's own, or None."""
    known = operators_of(leaf.path.field)
    if leaf.operator.negates:
        return known.get(leaf.operator.negates)
    return next((operator for operator in known.values() if operator.negates == leaf.operator.name), None)


def _names(condition: Condition) -> Names:
    """The names of the records that a condition speaks of, one query per type; the session hides what it must."""
    wanted: dict[type, set[int]] = {}
    for leaf in _comparisons(condition):
        field, value = leaf.path.field, leaf.value
        if field.is_link and field.target is not None and leaf.operator.shape in ("one", "many"):
            ids = value if isinstance(value, tuple) else (value,)
            wanted.setdefault(field.target, set()).update(one for one in ids if one != ME)
    if not any(wanted.values()):
        return {}
    session = current_app.extensions["peyvand"].runtime.database.session
    found: dict[tuple[type, int], str] = {}
    for target, numbers in wanted.items():
        key: Any = target
        if numbers:
            rows = session.scalars(sa.select(key).where(sa.type_coerce(key.id, sa.BigInteger).in_(sorted(numbers))))
            found |= {(target, row.id): str(row) for row in rows.unique()}
    return found


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    for node in condition.nodes():
        if isinstance(node, Comparison):
            yield node
        elif isinstance(node, RelatedCount) and node.where is not None:
            yield from _comparisons(node.where)
