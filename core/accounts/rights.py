"""What the roles of a person grant: permissions, each within a scope, and what is hidden or read-only of a record.

    User.roles ──rights_of──▶ Rights ──▶ Actor ──▶ core.records.policy (may), core.records.gate (session)

Several roles add up: what one of them grants is granted, within the widest scope, and a field that one of them shows is
shown. Within one role everything holds together: the scope and every record rule for the verb.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from core.accounts.actor import Actor, acting
from core.accounts.models import Role, User
from core.accounts.roles import FieldRight, RecordRule, RoleGrant
from core.parts import ADMINISTRATOR

NONE, OWN, TEAM, TEAMS, ALL = SCOPES = ("none", "own", "team", "teams", "all")
HIDDEN, READ, EDIT = ACCESSES = ("hidden", "read", "edit")
_CACHE = "peyvand_rights"
_KEPT = 500  # sets of roles


@dataclass(frozen=True)
class Rule:
    """A condition that records must fulfil; ``condition`` is its tree as JSON (``core.records.conditions``)."""

    id: int
    name: str
    condition: str


@dataclass(frozen=True)
class Grant:
    """That a role grants a permission: within ``scope``, to records that fulfil all ``rules``."""

    role: str
    scope: str = ALL
    rules: tuple[Rule, ...] = ()

    @property
    def unbounded(self) -> bool:
        return self.scope == ALL and not self.rules


@dataclass(frozen=True, eq=False)
class Rights:
    """Everything a set of roles grants; made once and never changed, so that it may be shared and compared by identity.

    ``grants`` are by permission, ``fields`` by record type and field: ``hidden`` or ``read``. ``everything`` is the
    administrator's.
    """

    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    everything: bool = False
    kept: dict[Any, Any] = field(default_factory=dict)
    """What others work out from these rights alone, so that it is worked out once."""

    @cached_property
    def permissions(self) -> frozenset[str]:
        """The names of what is granted at all."""
        return frozenset(self.grants)

    def bounds(self, permission: str) -> tuple[Grant, ...]:
        """The grants of ``permission`` where every one of them is bounded; empty where it reaches every record."""
        grants = self.grants.get(permission, ())
        return () if any(grant.unbounded for grant in grants) else grants

    def hidden(self, record_type: str) -> frozenset[str]:
        """The fields of a record type that are not there for these roles."""
        return self._hidden.get(record_type, frozenset())

    def fixed(self, record_type: str) -> frozenset[str]:
        """The fields that these roles may not change: hidden or read-only."""
        return frozenset(self.fields.get(record_type, ()))

    @cached_property
    def hides(self) -> bool:
        """Whether any field is hidden."""
        return any(self._hidden.values())

    @cached_property
    def _hidden(self) -> Mapping[str, frozenset[str]]:
        return {
            name: frozenset(entry for entry, access in entries.items() if access == HIDDEN)
            for name, entries in self.fields.items()
        }


def plain_rule(row: RecordRule) -> Rule:
    """A rule as rights hold it."""
    return Rule(row.id, row.name, json.dumps(row.condition, ensure_ascii=False))


def actor_of(user: User, *, source: str = "web", address: str = "", operation: str | None = None) -> Actor:
    """``user`` with the rights of this moment, acting from ``source``."""
    rights = rights_of(sa.orm.object_session(user) or _session(), user.roles)
    roles = frozenset(role.name for role in user.roles)
    return Actor(
        user.id, str(user), roles, rights.permissions, rights=rights, source=source, address=address,
        operation=operation,
    )  # fmt: skip


def may_give(session: Session, role: Role) -> bool:
    """Whether the current actor may give ``role`` to somebody or take it away: only what he may do himself."""
    actor = acting()
    if actor.system or (actor.rights is not None and actor.rights.everything):
        return True
    if role.name == ADMINISTRATOR or actor.rights is None:
        return False
    if role.name in actor.roles:
        return True
    return covers(actor.rights, rights_of(session, [role]))


def covers(own: Rights, other: Rights) -> bool:
    """Whether ``own`` may do all that ``other`` may, with every record and every field."""
    if own.everything:
        return True
    if other.everything or any(name not in own.grants or own.bounds(name) for name in other.permissions):
        return False
    # A role that shows what is hidden here, or lets it be changed, would open it: roles add up.
    return not any(
        ACCESSES.index(other.fields.get(record_type, {}).get(name, EDIT)) > ACCESSES.index(access)
        for record_type, closed in own.fields.items()
        if f"{record_type}.see" in other.grants
        for name, access in closed.items()
    )


def rights_of(session: Session, roles: Iterable[Role]) -> Rights:
    """What ``roles`` grant on the current Site.

    Read once for each set of roles: a role carries the number of its last change, and that is part of the key.
    """
    made: dict[Any, Rights] = current_app.extensions.setdefault(_CACHE, {})
    wanted = sorted(roles, key=lambda role: role.id)
    key = tuple((role.id, role.rights_version) for role in wanted)
    if key not in made:
        if len(made) >= _KEPT:
            made.clear()
        made[key] = _read(session, wanted)
    return made[key]


def _session() -> Session:
    return cast(Session, current_app.extensions["peyvand"].runtime.database.session())


def _read(session: Session, roles: list[Role]) -> Rights:
    site = current_app.extensions["peyvand"]
    if any(role.name == ADMINISTRATOR for role in roles):
        # An administrator role that could be narrowed would one day lock everybody out.
        names = site.grants.get(ADMINISTRATOR, ())
        return Rights({name: (Grant(ADMINISTRATOR),) for name in names}, everything=True)
    ids = [role.id for role in roles]
    chosen: dict[int, dict[str, str]] = {number: {} for number in ids}
    for row in session.scalars(sa.select(RoleGrant).where(RoleGrant.role_id.in_(ids))):
        chosen[row.role_id][row.permission] = row.scope
    rules: dict[tuple[int, str], list[Rule]] = {}
    for rule in session.scalars(sa.select(RecordRule).where(RecordRule.role_id.in_(ids)).order_by(RecordRule.id)):
        for verb in rule.verbs:
            rules.setdefault((rule.role_id, f"{rule.record_type}.{verb}"), []).append(plain_rule(rule))
    grants: dict[str, list[Grant]] = {}
    seeing: dict[str, set[int]] = {}
    for role in roles:
        scopes = dict.fromkeys(site.grants.get(role.name, ()), ALL) | chosen[role.id]
        for permission, scope in scopes.items():
            if scope == NONE:
                continue
            bound = tuple(rules.get((role.id, permission), ()))
            grants.setdefault(permission, []).append(Grant(role.name, scope, bound))
            if permission.endswith(".see"):
                seeing.setdefault(permission.removesuffix(".see"), set()).add(role.id)
    for name, permission in site.permissions.items():
        # Of configuration without which records cannot be read, a role that shows the records shows all there is.
        for given in grants.get(permission.comes_with, ()):
            grants.setdefault(name, []).append(Grant(given.role))
            if name.endswith(".see"):
                seeing.setdefault(name.removesuffix(".see"), set()).update(
                    role.id for role in roles if role.name == given.role
                )
    kept = {name: tuple(found) for name, found in grants.items()}
    return Rights(MappingProxyType(kept), MappingProxyType(_fields(session, ids, seeing)))


def _fields(session: Session, ids: list[int], seeing: Mapping[str, set[int]]) -> dict[str, dict[str, str]]:
    """The most open of what the roles say of each field; only roles that show the records at all are asked."""
    said: dict[tuple[str, str], dict[int, str]] = {}
    for row in session.scalars(sa.select(FieldRight).where(FieldRight.role_id.in_(ids))):
        said.setdefault((row.record_type, row.field), {})[row.role_id] = row.access
    found: dict[str, dict[str, str]] = {}
    for (record_type, name), by_role in said.items():
        answers = [by_role.get(number, EDIT) for number in seeing.get(record_type, ())]
        access = max(answers, key=ACCESSES.index, default=HIDDEN)
        if access != EDIT:
            found.setdefault(record_type, {})[name] = access
    return found
