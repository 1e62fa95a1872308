"""A condition about one record that is loaded, with the answer its query would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, object_session

from core.accounts.actor import acting
from core.accounts.models import User
from core.records.catalog import current_catalog
from core.records.conditions.comparing import in_order, key_of, moments, passes_count, resolved
from core.records.conditions.context import Context
from core.records.conditions.operators import family_of
from core.records.conditions.periods import bounds
from core.records.conditions.spelling import lower, spellings
from core.records.conditions.sql import to_sql
from core.records.conditions.tree import Comparison, Condition, Group, Negation, Node, Path, RelatedCount, Words
from core.records.fields import Field
from core.records.policy import may
from core.records.record import Record
from core.records.search import record_holds


def matches(condition: Condition, record: Any, context: Context) -> bool:
    """Whether ``record`` matches.

    Values are taken from the record as it is, saved or not. Links are followed as the record follows them, which may
    load what they lead to; related records are counted by one query each.

    Args:
        condition: what ``parse`` returned.
        record: a record of the condition's type.
        context: what "today" and "me" mean.
    """
    return _Reader(context).node(condition.root, record)


class _Reader:
    """One evaluation; it only carries the context down the tree."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def node(self, node: Node, record: Any) -> bool:
        match node:
            case Group():
                parts = (self.node(part, record) for part in node.parts)
                return all(parts) if node.joint == "all" else any(parts)
            case Negation():
                return not self.node(node.part, record)
            case Comparison():
                positive = self._behind(node.path, record, node.operator.negates or node.operator.name, node.value)
                return not positive if node.operator.negates else positive
            case RelatedCount():
                return passes_count(node, self._count(node, record))
            case Words():
                return record_holds(record, node.text)

    def _behind(self, path: Path, record: Any, operator: str, value: Any) -> bool:
        if not path.steps:
            return self._field(path.field, record, operator, value)
        step, *others = path.steps
        rest = Path(path.name, tuple(others), path.field)
        return any(self._behind(rest, target, operator, value) for target in _targets(step, record))

    def _field(self, field: Field, record: Any, operator: str, value: Any) -> bool:
        family = family_of(field)
        if family in ("link", "links", "children"):
            return self._links(field, record, operator, value)
        held = getattr(record, field.name)
        if held is None:
            return False
        if family == "boolean":
            return operator == "not_empty" or held is value
        if operator == "not_empty":
            return family in ("number", "date") or held != ""
        if family == "date":
            low, high = moments(field, *bounds(operator, value, self._context), self._context)
            return (low is None or held >= low) and (high is None or held < high)
        if family == "number":
            if field.kind == "decimal":
                held, value = float(held), _floats(value)
            return in_order(held, operator, value)
        return _text(held, operator, value)

    def _links(self, field: Field, record: Any, operator: str, value: Any) -> bool:
        if field.kind == "link" and field.target is User:
            key = _key(field, record)
            held = set() if key is None else {key}
        else:
            held = {target.id for target in _targets(field, record)}
        if operator == "not_empty":
            return bool(held)
        asked = (value,) if operator == "eq" else value
        ids = resolved(asked, self._context)
        if operator == "all":
            return len(ids) == len(asked) and held.issuperset(ids)
        return not held.isdisjoint(ids)

    def _count(self, leaf: RelatedCount, record: Any) -> int:
        if record.id is None:
            return 0  # nothing can point at a record that was never saved
        session = _session(record)
        model: Any = leaf.reference.record_type.model
        key = getattr(model, key_of(leaf.reference.field, model))
        statement = sa.select(sa.func.count(model.id)).where(key == record.id)
        if leaf.where is not None:
            statement = statement.where(to_sql(leaf.where, model, self._context))
        with session.no_autoflush:
            return session.scalar(statement) or 0


def _floats(value: Any) -> Any:
    return tuple(float(one) for one in value) if isinstance(value, tuple) else float(value)


def _text(held: str, operator: str, value: Any) -> bool:
    if operator in ("eq", "in"):
        values = (value,) if operator == "eq" else value
        return any(held in spellings(one) for one in values)
    compare: Callable[[str, str], bool] = str.__contains__ if operator == "contains" else str.startswith
    return any(compare(lower(held), lower(one)) for one in spellings(value))


def _targets(field: Field, record: Any) -> list[Any]:
    """The records that a link leads to, without those in the bin and those the actor may not see."""
    if field.kind == "link":
        target = _one(field, record)
        targets = [] if target is None else [target]
    else:
        targets = list(getattr(record, field.name))
    model: Any = field.target
    if not targets or not issubclass(model, Record):
        return targets
    there = [target for target in targets if target.archived_at is None]
    if acting().system or current_catalog().of(model) is None:
        return there
    # What is loaded already may have been loaded on behalf of somebody else; the session narrows this query.
    ids = [target.id for target in there if target.id is not None]
    with _session(record).no_autoflush as session:
        seen = set(session.scalars(sa.select(model.id).where(model.id.in_(ids)))) if ids else set()
    return [
        target for target in there if target.id in seen or (target.id is None and may(f"{model.__record_type__}.see"))
    ]


def _one(field: Field, record: Any) -> Any:
    """The record at the far end of a link: what was put there, or else what the foreign key says now."""
    state = sa.inspect(record)
    if state.attrs[field.name].history.has_changes() or state.session is None:
        return getattr(record, field.name)
    key = _key(field, record)
    if key is None:
        return None
    target: Any = field.target
    with state.session.no_autoflush:
        return state.session.get(target, key)


def _key(field: Field, record: Any) -> int | None:
    """The id that a link holds, pending or stored."""
    state = sa.inspect(record)
    if field.name in state.mapper.relationships and state.attrs[field.name].history.has_changes():
        target = getattr(record, field.name)
        return None if target is None else target.id
    key: int | None = getattr(record, key_of(field, type(record)))
    return key


def _session(record: Any) -> Session:
    session = object_session(record)
    if session is None:
        session = current_app.extensions["peyvand"].runtime.database.session()
    return session
