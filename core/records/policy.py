"""Who may do what to which record: roles grant, plugins may deny."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from flask import current_app
from sqlalchemy import and_, false, inspect
from sqlalchemy.orm import Mapper

from core.accounts.actor import acting
from core.errors import Forbidden
from core.extension.hooks import Hooks


def current_hooks() -> Hooks:
    """The hooks of the Site this unit of work runs in."""
    return cast(Hooks, current_app.extensions["peyvand"].hooks)


def may(permission: str, record: Any = None) -> bool:
    """Whether the current actor may; a permission that nobody declared is refused."""
    actor = acting()
    if actor.system:
        return True
    if not actor.may(permission):
        return False
    return False not in current_hooks().veto("can", actor=actor, permission=permission, record=record)


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
        else:
            yield from _filtered(site.hooks, record_type.model)
    for base in bases:
        if site.catalog.of(base) is not None:
            continue
        mapper: Mapper[Any] = inspect(base)
        for record_type in site.catalog:
            if issubclass(record_type.model, base) and not actor.may(f"{record_type.name}.see"):
                yield base, mapper.polymorphic_on != inspect(record_type.model).polymorphic_identity
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
    if not actor.may(f"{model.__record_type__}.see"):  # type: ignore[attr-defined]
        return false()
    criteria = [criterion for _model, criterion in _filtered(current_hooks(), model)]
    return and_(*criteria) if criteria else None


def sees_every(model: type) -> bool:
    """Whether nothing narrows the current actor's queries of ``model``; only then may he see totals of all records."""
    roots = {base for base in model.__mro__ if hasattr(base, "__mapper__")} - {model}
    return not any(issubclass(model, narrowed) for narrowed, _criterion in row_criteria(roots))
