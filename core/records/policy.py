"""Who may do what to which record: roles grant, plugins may deny."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from flask import current_app
from sqlalchemy import false, inspect

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


def row_criteria() -> Iterator[tuple[type, Any]]:
    """What narrows the current actor's queries: pairs of a record class and an SQL criterion."""
    actor = acting()
    if actor.system:
        return
    site = current_app.extensions["peyvand"]
    bases: set[type] = set()
    for record_type in site.catalog:
        mapper = inspect(record_type.model)
        base = mapper.base_mapper.class_
        if not actor.may(f"{record_type.name}.see"):
            yield record_type.model, false()
            if mapper.polymorphic_identity is not None and base is not record_type.model:
                # A link to the common base must not show what the type itself hides.
                yield base, mapper.base_mapper.polymorphic_on != mapper.polymorphic_identity
        else:
            yield from _filtered(site.hooks, record_type.model)
        if site.catalog.of(base) is None:
            bases.add(base)
    for base in bases:
        yield from _filtered(site.hooks, base)


def _filtered(hooks: Hooks, model: type) -> Iterator[tuple[type, Any]]:
    if hooks.implements("query_filter"):
        for criterion in hooks.veto("query_filter", model=model, actor=acting()):
            if criterion is not None:
                yield model, criterion
