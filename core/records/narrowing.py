"""What narrows a query: archived rows left out, and rows that the actor may not see (``core.records.gate.narrow``)."""

from __future__ import annotations

import operator
from collections.abc import Sequence, Set
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from flask import g
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from core.accounts.actor import acting
from core.database.likely import Likely
from core.records.field_rights import hidden_parts
from core.records.policy import row_criteria
from core.records.record import Record

KEPT = 500  # actors of a process whose options are kept
Criteria = list[tuple[type, Any]]

# What was found out about statements that are run again.
_narrowed: WeakKeyDictionary[Any, tuple[tuple[Any, ...], Any]] = WeakKeyDictionary()
_sources: WeakKeyDictionary[Any, frozenset[type[Any]]] = WeakKeyDictionary()
_kept: dict[Any, tuple[Criteria, tuple[Any, ...]]] = {}

_WITHOUT_ARCHIVED = with_loader_criteria(
    Record, lambda model: Likely(model.archived_at.is_(None)), include_aliases=True, propagate_to_loaders=False
)


def with_options(statement: Any, options: tuple[Any, ...]) -> Any:
    """``statement`` with ``options``: the same one as before, where both are the same as before.

    What SQLAlchemy finds out about a statement it keeps with it, which is a third of running one by a key.
    """
    before = _narrowed.get(statement)
    if before is not None and are_same(before[0], options):
        return before[1]
    made = statement.options(*options)
    _narrowed[statement] = (options, made)
    return made


def are_same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether two sequences hold the same objects."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


def asked_for(state: ORMExecuteState) -> frozenset[type[Any]]:
    """The classes that a query asks for by themselves, also where it only counts them."""
    statement = state.statement
    if statement not in _sources:
        found = {mapper.class_ for mapper in state.all_mappers}
        for source in getattr(statement, "_from_obj", ()):
            entity = source._annotations.get("parententity")
            if entity is not None:
                found.add(entity.mapper.class_)
        _sources[statement] = frozenset(found)
    return _sources[statement]


def narrowed(statement: sa.Select[Any], model: type[Record]) -> sa.Select[Any]:
    """``statement`` over ``model`` as the session narrows it, for use where the session does not see it as its own."""
    return statement.options(*narrowing({model}, archived=False))


def narrowing(models: Set[type[Any]], *, archived: bool) -> tuple[Any, ...]:
    """The options that leave out archived rows, unless wanted, and rows the actor may not see.

    They are the same for every query of a request, so they are worked out once for each set of bases.
    """
    always = () if archived else (_WITHOUT_ARCHIVED,)
    actor = acting()
    if actor.system:
        return always
    mappers = [sa.inspect(model) for model in models]
    bases = frozenset(mapper.class_ for mapper in mappers if mapper.polymorphic_on is not None and not mapper.inherits)
    made: dict[Any, tuple[Any, ...]] = g.setdefault("narrowing", {})
    key = (actor, bases)
    if key not in made:
        made[key] = _options_of(key, [*row_criteria(bases), *hidden_parts()])
    return (*always, *made[key])


def _options_of(key: Any, criteria: Criteria) -> tuple[Any, ...]:
    """The options for ``criteria``: those of the actor's request before, where they say the same.

    They are asked for anew in every request, because a plugin may change its mind at any time.
    """
    before = _kept.get(key)
    if before is not None and _say_the_same(before[0], criteria):
        return before[1]
    if len(_kept) >= KEPT:
        _kept.clear()
    made = tuple(with_loader_criteria(model, found, include_aliases=True) for model, found in criteria)
    _kept[key] = (criteria, made)
    return made


def _say_the_same(some: Criteria, others: Criteria) -> bool:
    return len(some) == len(others) and all(
        model is other and _is_same(found, criterion)
        for (model, found), (other, criterion) in zip(some, others, strict=True)
    )


def _is_same(one: Any, other: Any) -> bool:
    """Whether two criteria are the same SQL with the same values, as SQLAlchemy itself knows statements again.

    One that it cannot know again is like no other.
    """
    if one is other:
        return True
    keys = one._generate_cache_key(), other._generate_cache_key()
    if keys[0] is None or keys[1] is None or keys[0].key != keys[1].key:
        return False
    values = [[parameter.effective_value for parameter in key.bindparams] for key in keys]
    return bool(values[0] == values[1])
