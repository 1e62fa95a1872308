"""Who may do what to which record: roles grant within bounds, plugins may deny.

    may      for one record, or for a type: every button, every check before a write
    rows     for a query: what it may find (``row_criteria`` for all queries of the session, ``row_criterion`` for one)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from flask import current_app
from sqlalchemy import and_, false, inspect, or_
from sqlalchemy.orm import Mapper

from core.accounts.actor import acting
from core.accounts.rights import Grant
from core.errors import Forbidden
from core.extension.hooks import Hooks


def current_hooks() -> Hooks:
    """The hooks of the Site this unit of work runs in."""
    return cast(Hooks, current_app.extensions["peyvand"].hooks)


def may(permission: str, record: Any = None, *, bounded: bool = True) -> bool:
    """Whether the current actor may; a permission that nobody declared is refused.

    Args:
        permission: its name.
        record: the record it is about, as it is in memory.
        bounded: whether scopes and rules are asked too; the gate asks them about the record as it is stored.
    """
    actor = acting()
    if actor.system:
        return True
    if not actor.may(permission) or (bounded and record is not None and not within_bounds(permission, record)):
        return False
    return False not in current_hooks().veto("can", actor=actor, permission=permission, record=record)


def within_bounds(permission: str, record: Any) -> bool:
    """Whether the scopes and rules of the current actor's roles reach ``record``; plugins are not asked."""
    grants = bounds(permission)
    if not grants:
        return True
    record_type = current_app.extensions["peyvand"].catalog.of(type(record))
    return record_type is None or scopes().reaches(record_type, grants, record)


def bounds(permission: str) -> tuple[Grant, ...]:
    """The bounded grants by which the current actor has ``permission``; none where it reaches every record."""
    actor = acting()
    return () if actor.system or actor.rights is None else actor.rights.bounds(permission)


def scopes() -> Any:
    """The module that reads bounds. It needs the conditions, which ask this module what may be seen."""
    from core.records import scopes as module

    return module


def require(permission: str, record: Any = None) -> None:
    """Refuse unless the current actor may.

    Raises:
        Forbidden: the permission is missing or a plugin denied it.
    """
    if not may(permission, record):
        raise Forbidden(permission)


def row_criteria(bases: Iterable[type] = ()) -> Iterator[tuple[type, Any]]:
    """What narrows the current actor's queries: pairs of a record class and an SQL criterion.

    Args:
        bases: common bases at the top of the query, such as what people and companies share. Those without a screen of
            their own hide what their subclasses hide. SQLAlchemy cannot adapt a criterion of a base class where a
            subclass is joined under another name, so they are asked for only where they are queried themselves; links
            to them are refused by the Site.
    """
    actor = acting()
    if actor.system:
        return
    site = current_app.extensions["peyvand"]
    for record_type in site.catalog:
        if not actor.may(f"{record_type.name}.see"):
            yield record_type.model, false()
            continue
        grants = bounds(f"{record_type.name}.see")
        if grants:
            yield record_type.model, scopes().criterion(record_type, grants)
        yield from _filtered(site.hooks, record_type.model)
    for base in bases:
        if site.catalog.of(base) is not None:
            continue
        mapper: Mapper[Any] = inspect(base)
        for record_type in site.catalog:
            if not issubclass(record_type.model, base):
                continue
            others = mapper.polymorphic_on != inspect(record_type.model).polymorphic_identity
            grants = bounds(f"{record_type.name}.see")
            if not actor.may(f"{record_type.name}.see"):
                yield base, others
            elif grants:
                # In the words of the subclass, whose columns a rule may name; they lie in the table of the base.
                yield base, or_(others, scopes().criterion(record_type, grants))
        yield from _filtered(site.hooks, base)


def _filtered(hooks: Hooks, model: type) -> Iterator[tuple[type, Any]]:
    if hooks.implements("query_filter"):
        for criterion in hooks.veto("query_filter", model=model, actor=acting()):
            if criterion is not None:
                yield model, criterion


def row_criterion(model: type) -> Any:
    """What a row of ``model`` must fulfil for the current actor to see it; None where every row is seen.

    For criteria on other classes that hang on what a record is about; queries of ``model`` itself are narrowed anyway.
    """
    actor = acting()
    if actor.system:
        return None
    return reach(model, "see")


def reach(model: Any, verb: str) -> Any:
    """What a row of ``model`` must fulfil for the current actor to ``verb`` it, seeing it aside; None for every row."""
    permission = f"{model.__record_type__}.{verb}"
    if acting().system:
        return None
    if not acting().may(permission):
        return false()
    criteria = [criterion for _model, criterion in _filtered(current_hooks(), model)] if verb == "see" else []
    record_type = current_app.extensions["peyvand"].catalog.of(model)
    grants = bounds(permission)
    if grants and record_type is not None:
        criteria.append(scopes().criterion(record_type, grants))
    return and_(*criteria) if criteria else None


def sees_every(model: type) -> bool:
    """Whether nothing narrows the current actor's queries of ``model``; only then may he see totals of all records."""
    roots = {base for base in model.__mro__ if hasattr(base, "__mapper__")} - {model}
    return not any(issubclass(model, narrowed) for narrowed, _criterion in row_criteria(roots))
