"""Roles as an administrator makes them: what they grant and how far, rules on records, and rights on fields.

Nothing here commits. Every change raises the role's number, by which each process notices at its next request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.accounts.models import Base, Role, User, user_role
from core.errors import Blocked, ValidationError
from core.parts import EVERYONE
from core.text import clean

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 255
MOST_RULES = 50  # of a role: every one of them becomes a part of every query


class RoleGrant(Base):
    """How far a role grants a permission. What has no row is as the plugin that declared it wants it for the role."""

    __tablename__ = "core_role_grant"

    role_id: Mapped[int] = mapped_column(sa.ForeignKey("core_role.id", ondelete="CASCADE"), primary_key=True)
    permission: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    scope: Mapped[str] = mapped_column(sa.String(10))


class FieldRight(Base):
    """That a role hides a field, or shows it without letting it be changed."""

    __tablename__ = "core_field_right"

    role_id: Mapped[int] = mapped_column(sa.ForeignKey("core_role.id", ondelete="CASCADE"), primary_key=True)
    record_type: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    field: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    access: Mapped[str] = mapped_column(sa.String(10))


class RecordRule(Base):
    """A condition under which a role reaches records of a type, for some verbs."""

    __tablename__ = "core_record_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    role_id: Mapped[int] = mapped_column(sa.ForeignKey("core_role.id", ondelete="CASCADE"), index=True)
    record_type: Mapped[str] = mapped_column(sa.String(80))
    name: Mapped[str] = mapped_column(sa.String(120))
    verbs: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    condition: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)


def save_role(session: Session, role: Role, name: str, description: str = "") -> None:
    """Give ``role`` a name and a description; built-in roles keep their names.

    Raises:
        ValidationError: no name, or one that another role has.
    """
    plain = " ".join(clean(name).split())[:NAME_LENGTH]
    if role.name in EVERYONE:
        plain = role.name
    if not plain:
        raise ValidationError(name=_("This field is required."))
    same = sa.select(Role.id).where(sa.func.lower(Role.name) == plain.lower(), Role.id != (role.id or 0))
    if plain.lower() in EVERYONE and role.name != plain or session.scalar(same.limit(1)) is not None:
        raise ValidationError(name=_("There is a role of this name already."))
    role.name, role.description = plain, clean(description).strip()[:DESCRIPTION_LENGTH]
    session.add(role)
    touch(role)


def touch(role: Role) -> None:
    """Say that what ``role`` grants has changed."""
    role.rights_version = (role.rights_version or 0) + 1


def set_grants(session: Session, role: Role, scopes: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """Store how far ``role`` grants each permission that is named; others stay as they are.

    Returns:
        What was changed: permission to old and new scope, as the audit keeps it.
    """
    stored = {row.permission: row for row in _rows(session, RoleGrant, role)}
    changed: dict[str, tuple[str | None, str]] = {}
    for permission, scope in scopes.items():
        row = stored.get(permission)
        if row is None:
            session.add(RoleGrant(role_id=role.id, permission=permission, scope=scope))
            changed[permission] = (None, scope)
        elif row.scope != scope:
            changed[permission] = (row.scope, scope)
            row.scope = scope
    touch(role)
    return changed


def set_field_rights(
    session: Session, role: Role, record_type: str, accesses: Mapping[str, str], *, free: str = "edit"
) -> dict[str, tuple[str | None, str | None]]:
    """Store what ``role`` may do with the fields of a record type that are named; ``free`` needs no row.

    Returns:
        What was changed: field to old and new access.
    """
    stored = {row.field: row for row in _rows(session, FieldRight, role) if row.record_type == record_type}
    changed: dict[str, tuple[str | None, str | None]] = {}
    for name, access in accesses.items():
        row, wanted = stored.get(name), None if access == free else access
        if (row.access if row is not None else None) == wanted:
            continue
        changed[f"{record_type}.{name}"] = (row.access if row is not None else None, wanted)
        if row is not None and wanted is None:
            session.delete(row)
        elif row is not None:
            row.access = str(wanted)
        else:
            session.add(FieldRight(role_id=role.id, record_type=record_type, field=name, access=str(wanted)))
    touch(role)
    return changed


def rules_of(session: Session, role: Role) -> list[RecordRule]:
    """The record rules of ``role``, in the order in which they were made."""
    return list(session.scalars(sa.select(RecordRule).where(RecordRule.role_id == role.id).order_by(RecordRule.id)))


def copy_role(session: Session, role: Role, name: str, grants: Mapping[str, str]) -> Role:
    """A new role that grants what ``role`` grants now.

    Args:
        grants: the scope of each permission as ``role`` has it, defaults of a built-in role included.

    Raises:
        ValidationError: on ``name``.
    """
    made = Role(name="", permissions=[])
    save_role(session, made, name, role.description or "")
    session.flush()
    set_grants(session, made, grants)
    for right in _rows(session, FieldRight, role):
        session.add(FieldRight(role_id=made.id, record_type=right.record_type, field=right.field, access=right.access))
    for rule in rules_of(session, role):
        session.add(
            RecordRule(role_id=made.id, record_type=rule.record_type, name=rule.name, verbs=list(rule.verbs),
                       condition=dict(rule.condition))
        )  # fmt: skip
    return made


def delete_role(session: Session, role: Role) -> None:
    """Remove a role that nobody has.

    Raises:
        Blocked: it is built in, or somebody has it.
    """
    if role.name in EVERYONE:
        raise Blocked(_("This role is built in and cannot be deleted."))
    if size_of(session, role):
        raise Blocked(_("Somebody has this role. Give them another one first."))
    session.delete(role)


def size_of(session: Session, role: Role) -> int:
    """How many users have ``role``."""
    return session.scalar(sa.select(sa.func.count()).where(user_role.c.role_id == role.id)) or 0


def roles_named(session: Session, names: Iterable[str]) -> list[Role]:
    """The roles of these names.

    Raises:
        ValidationError: on ``role``, where one is not there or none was named.
    """
    wanted = set(names)
    found = list(session.scalars(sa.select(Role).where(Role.name.in_(wanted)).order_by(Role.id)))
    if not wanted or len(found) < len(wanted):
        raise ValidationError(role=_("There is no such role."))
    return found


def people_with(session: Session, role: Role, limit: int) -> list[User]:
    """Up to ``limit`` users who have ``role``."""
    statement = sa.select(User).where(User.roles.any(Role.id == role.id)).order_by(sa.func.lower(User.name), User.id)
    return list(session.scalars(statement.limit(limit)))


def _rows(session: Session, table: Any, role: Role) -> list[Any]:
    return list(session.scalars(sa.select(table).where(table.role_id == role.id)))
