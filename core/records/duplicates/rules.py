"""What a ``DuplicateRule`` compares, read against the class: a column of the record, or one of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from core.database.types import Email, Phone, format_phone, parse_phone
from core.errors import UnknownField
from core.parts import DuplicateRule, Screen
from core.text import clean

CERTAIN = 100


@dataclass(frozen=True)
class BoundRule:
    """A rule of one record class. ``column`` holds what is compared, ``owner`` the id of the record it belongs to."""

    rule: DuplicateRule
    model: type[Any]
    children: str
    column: Any
    owner: Any

    def typed(self, values: Mapping[str, str]) -> list[str]:
        """What a form that is being filled says, as it would be stored."""
        if self.rule.typed is not None:
            found: Iterable[str] = [self.rule.typed(values)]
        elif self.children:
            found = (
                text for name, text in values.items()
                if name.startswith(f"{self.children}-") and name.endswith(f"-{self.column.key}")
            )  # fmt: skip
        else:
            found = [values.get(self.rule.field, "")]
        return [stored for text in found if text and (stored := self._stored(text))]

    def held(self, record: Any) -> list[str]:
        """What a stored record says."""
        owners = getattr(record, self.children) if self.children else [record]
        return [value for owner in owners if (value := getattr(owner, self.column.key))]

    def keys(self) -> sa.Select[Any]:
        """What is compared (``key``) and the id of its record (``id``), of all records but those in the bin."""
        statement = sa.select(self.column.label("key"), self.model.id.label("id"))
        if self.children:
            statement = statement.join(self.model, self.model.id == self.owner)
        return statement.where(sa.func.length(self.column) > 0, self.model.archived_at.is_(None))

    def reason(self, value: str) -> str:
        """Why two records may be the same, as a sentence."""
        shown = format_phone(value) if isinstance(self.column.type, Phone) else value
        return str(self.rule.reason) % {"value": shown}

    def _stored(self, text: str) -> str:
        if self.rule.typed is not None:
            return text
        if isinstance(self.column.type, Phone):
            try:
                return parse_phone(text)
            except ValueError:
                return ""  # a number that is still being typed
        if isinstance(self.column.type, Email):
            return text.strip().lower()
        return clean(text).strip()


def bound_rules(screen: Screen) -> tuple[BoundRule, ...]:
    """The rules of a screen, the surest first.

    Raises:
        UnknownField: a rule names something that the class does not have.
    """
    rules = [_bound(screen, rule) for rule in screen.duplicates]
    return tuple(sorted(rules, key=lambda entry: -entry.rule.weight))


def _bound(screen: Screen, rule: DuplicateRule) -> BoundRule:
    mapper: Mapper[Any] = sa.inspect(screen.model)
    children, _dot, name = rule.field.rpartition(".")
    if not children:
        if name not in mapper.column_attrs:
            raise UnknownField(screen.name, rule.field)
        return BoundRule(rule, screen.model, "", getattr(screen.model, name), screen.model.id)  # type: ignore[attr-defined]
    if children not in mapper.relationships or name not in mapper.relationships[children].mapper.column_attrs:
        raise UnknownField(screen.name, rule.field)
    prop = mapper.relationships[children]
    part = prop.mapper
    foreign = list(prop.local_remote_pairs or ())[0][1]
    owner = getattr(part.class_, part.get_property_by_column(foreign).key)
    return BoundRule(rule, screen.model, children, getattr(part.class_, name), owner)


def score_of(rules: Sequence[BoundRule], positions: Iterable[int]) -> int:
    """How sure several reasons make it, from 0 to 100: each takes its share of the doubt that the others leave."""
    doubt = 1.0
    for position in set(positions):
        doubt *= 1 - min(rules[position].rule.weight, CERTAIN) / CERTAIN
    return round(CERTAIN * (1 - doubt))
