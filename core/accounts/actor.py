"""The actor on whose behalf the current unit of work runs.

Nobody acts by default, and nobody may do nothing: a forgotten ``acting_as`` is a refusal, never a leak.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.accounts.rights import Rights


@dataclass(frozen=True)
class Actor:
    """Who acts, from where.

    ``permissions`` are names granted by roles, and ``rights`` says how far each of them reaches; without ``rights``
    they reach every record. ``system`` is the installation itself, which may do everything, and
    ``reason`` says why it does; of a program that acts for a person it names the access token. ``source`` is ``web``,
    ``job``, ``command``, ``import`` or ``api``. ``operation`` is the id of the operation or job that this is part of.
    Whoever is ``read_only`` stores nothing, whatever the rights say (``core.records.gate``).
    """

    user_id: int | None = None
    name: str = ""
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    system: bool = False
    reason: str = ""
    source: str = "web"
    address: str = ""
    operation: str | None = field(default=None)
    rights: Rights | None = None
    read_only: bool = False

    def may(self, permission: str) -> bool:
        """Whether the roles grant ``permission``; rules of plugins come after (``core.records.policy``)."""
        return self.system or permission in self.permissions

    def hidden(self, record_type: str) -> frozenset[str]:
        """The fields of a record type that are not there for this actor."""
        return frozenset() if self.system or self.rights is None else self.rights.hidden(record_type)

    def fixed(self, record_type: str) -> frozenset[str]:
        """The fields of a record type that this actor may not change."""
        return frozenset() if self.system or self.rights is None else self.rights.fixed(record_type)


NOBODY = Actor()
_acting: ContextVar[Actor] = ContextVar("acting", default=NOBODY)


def acting() -> Actor:
    """The current actor; ``NOBODY`` where none was set."""
    return _acting.get()


@contextlib.contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Act as ``actor`` inside the block."""
    token = _acting.set(actor)
    try:
        yield actor
    finally:
        _acting.reset(token)


@contextlib.contextmanager
def as_system(reason: str, *, source: str = "job") -> Iterator[Actor]:
    """Act as the installation itself. ``reason`` is written into the audit rows."""
    current = acting()
    with acting_as(
        Actor(
            current.user_id,
            current.name,
            system=True,
            reason=reason,
            source=source,
            address=current.address,
            operation=current.operation,
            read_only=current.read_only,
        )
    ) as actor:
        yield actor
