"""A condition as a criterion of a query, the same on SQLite and PostgreSQL.

Every leaf is true or false and never NULL, so that NOT means the same as in Python. What lies behind a link, and what
is counted, is asked for through aliases of mapped classes: so the session adds to each of them what the actor may see
(``core.records.gate.narrow``), and a condition tells nothing about a hidden record that a list would not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.functions import FunctionElement

from core.accounts.models import User
from core.records.conditions.comparing import COMPARE, key_of, moments, passes_count, resolved
from core.records.conditions.context import Context
from core.records.conditions.operators import family_of
from core.records.conditions.periods import bounds
from core.records.conditions.spelling import spellings
from core.records.conditions.tree import (
    Comparison,
    Condition,
    Group,
    Negation,
    Node,
    Path,
    RelatedCount,
    Words,
)
from core.records.fields import Field
from core.records.record import Record
from core.records.search import alias_holds, holds_words

Criterion = sa.ColumnElement[bool]
_ESCAPE = "/"


class _Like(FunctionElement[bool]):
    """Whether a text fits a pattern, A to Z without regard to case and nothing else, on every database."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(_Like)
def _like(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = element.clauses
    text, wanted = compiler.process(column, **options), compiler.process(pattern, **options)
    if compiler.dialect.name == "sqlite":
        return f"{text} LIKE {wanted} ESCAPE '{_ESCAPE}'"
    # In the collation "C" only A to Z have another case, whatever locale the database was made with.
    return f"({text} COLLATE \"C\") ILIKE {wanted} ESCAPE '{_ESCAPE}'"


def to_sql(condition: Condition, model: Any, context: Context) -> Criterion:
    """The criterion that holds for the records which ``condition`` matches.

    Args:
        condition: what ``parse`` returned.
        model: the condition's class, or an alias of it, as the query names it.
        context: what "today" and "me" mean. Values of people become bound parameters.
    """
    return _Statement(context).node(condition.root, model)


class _Statement:
    """One translation; it only carries the context down the tree."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def node(self, node: Node, model: Any) -> Criterion:
        match node:
            case Group():
                parts = [self.node(part, model) for part in node.parts]
                return sa.and_(sa.true(), *parts) if node.joint == "all" else sa.or_(sa.false(), *parts)
            case Negation():
                return sa.not_(self.node(node.part, model))
            case Comparison():
                return self._comparison(node, model)
            case RelatedCount():
                return self._count(node, model)
            case Words():
                return sa.and_(sa.true(), *_words(model, node.text))

    # --- a field

    def _comparison(self, leaf: Comparison, model: Any) -> Criterion:
        positive = self._behind(leaf.path, model, leaf.operator.negates or leaf.operator.name, leaf.value)
        return sa.not_(positive) if leaf.operator.negates else positive

    def _behind(self, path: Path, model: Any, operator: str, value: Any) -> Criterion:
        """Whether at least one of the records at the end of the links passes."""
        if not path.steps:
            return self._field(path.field, model, operator, value)
        step, *others = path.steps
        rest = Path(path.name, tuple(others), path.field)
        return _linked(step, model, lambda target: self._behind(rest, target, operator, value))

    def _field(self, field: Field, model: Any, operator: str, value: Any) -> Criterion:
        family = family_of(field)
        if family == "link":
            return self._link(field, model, operator, value)
        if family in ("links", "children"):
            return self._links(field, model, operator, value)
        column = getattr(model, field.name)
        if family == "boolean":
            return _present(column) if operator == "not_empty" else column.is_(sa.true() if value else sa.false())
        if operator == "not_empty":
            return _present(column) if family in ("number", "date") else _filled(column)
        if family == "number":
            test = _amount(field, column, operator, value)
        elif family == "date":
            test = self._days(field, column, operator, value)
        else:
            test = _text(column, operator, value)
        return sa.and_(_present(column), test)

    def _days(self, field: Field, column: Any, operator: str, value: Any) -> Criterion:
        first, after = bounds(operator, value, self._context)
        low, high = moments(field, first, after, self._context)
        return sa.and_(*([column >= low] if low is not None else []), *([column < high] if high is not None else []))

    # --- links

    def _link(self, field: Field, model: Any, operator: str, value: Any) -> Criterion:
        if operator == "not_empty":
            return _linked(field, model)
        ids = resolved(value if operator == "in" else (value,), self._context)
        return _linked(field, model, lambda target: _number(target.id).in_(ids), ids)

    def _links(self, field: Field, model: Any, operator: str, value: Any) -> Criterion:
        if operator == "not_empty":
            return _linked(field, model)
        ids = resolved((value,) if operator == "eq" else value, self._context)
        if operator == "all":
            if len(ids) < len(value):
                return sa.false()  # it asks for "me", and that is nobody
            return sa.and_(*(_linked(field, model, partial(_is, one)) for one in ids))
        return _linked(field, model, lambda target: _number(target.id).in_(ids))

    # --- counts

    def _count(self, leaf: RelatedCount, model: Any) -> Criterion:
        target: Any = aliased(leaf.reference.record_type.model)
        key = getattr(target, key_of(leaf.reference.field, leaf.reference.record_type.model))
        tests = [key.is_not(None), target.archived_at.is_(None)]
        if leaf.where is not None:
            tests.append(self.node(leaf.where.root, target))
        if (leaf.operator.name, leaf.value) in (("ge", 1), ("gt", 0)):
            return sa.select(target.id).where(key == model.id, *tests).exists()
        passes = _counted(leaf, _number(sa.func.count(target.id)))
        # Who has no related record has no row to count: where zero passes, those that do not pass are looked for.
        turned = passes_count(leaf, 0)
        found = model.id.in_(sa.select(key).where(*tests).group_by(key).having(sa.not_(passes) if turned else passes))
        return sa.not_(found) if turned else found


def _words(model: Any, text: str) -> list[Criterion]:
    """An index of words answers for a class; what lies behind a link or is counted is read instead."""
    if isinstance(model, type):
        session: Session = current_app.extensions["peyvand"].runtime.database.session()
        return holds_words(session, model, text)
    return alias_holds(model, text)


def _linked(
    field: Field, model: Any, test: Callable[[Any], Criterion] | None = None, ids: Sequence[int] | None = None
) -> Criterion:
    """Whether ``field`` leads to a record that is there and passes ``test``.

    Args:
        ids: the only records that can pass, where that is known: an index on the foreign key finds them.
    """
    linked: Any = field.target
    target: Any = aliased(linked)
    tests = [target.archived_at.is_(None)] if issubclass(linked, Record) else []
    if test is not None:
        tests.append(test(target))
    if field.kind != "link":
        return getattr(model, field.name).of_type(target).any(sa.and_(sa.true(), *tests))
    key = getattr(model, key_of(field, sa.inspect(model).mapper.class_))
    few = [] if ids is None else [_number(key).in_(ids)]
    if linked is User:
        return sa.and_(key.is_not(None), *few)  # nobody is hidden, and a user is never looked into
    return sa.and_(key.is_not(None), *few, key.in_(sa.select(target.id).where(*tests)))


def _is(record_id: int, target: Any) -> Criterion:
    same: Criterion = _number(target.id) == record_id
    return same


def _number(column: Any) -> Any:
    # Compared as a bigint, for PostgreSQL refuses a parameter beyond the column's own type.
    return sa.type_coerce(column, sa.BigInteger)


def _present(column: Any) -> Criterion:
    present: Criterion = column.is_not(None)
    return present


def _filled(column: Any) -> Criterion:
    return sa.and_(column.is_not(None), sa.type_coerce(column, sa.String) != "")


def _text(column: Any, operator: str, value: Any) -> Criterion:
    plain = sa.type_coerce(column, sa.String)  # a value is compared as it is, without what the type does on storing
    if operator in ("eq", "in"):
        values = (value,) if operator == "eq" else value
        every = dict.fromkeys(one for text in values for one in spellings(text))
        return plain.in_(list(every))
    before = "%" if operator == "contains" else ""
    patterns = [f"{before}{_escaped(one)}%" for one in spellings(value)]
    return sa.or_(*(_Like(plain, sa.literal(pattern, sa.String)) for pattern in patterns))


def _escaped(text: str) -> str:
    for sign in (_ESCAPE, "%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text


def _compared(number: Any, operator: str, value: Any) -> Criterion:
    if operator == "between":
        return sa.and_(number >= value[0], number <= value[1])
    compared: Criterion = COMPARE[operator](number, value)
    return compared


def _amount(field: Field, column: Any, operator: str, value: Any) -> Criterion:
    if field.kind == "integer":
        column = _number(column)
    elif field.kind == "decimal":
        value = tuple(float(one) for one in value) if operator == "between" else float(value)
        column = sa.type_coerce(column, sa.Float)
    return _compared(column, operator, value)


def _counted(leaf: RelatedCount, number: Any) -> Criterion:
    test = _compared(number, leaf.operator.negates or leaf.operator.name, leaf.value)
    return sa.not_(test) if leaf.operator.negates else test
