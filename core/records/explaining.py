"""Why somebody may, or may not, do something with a record: the roles and rules that decide, each as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from core.accounts.actor import acting, acting_as
from core.accounts.models import User, role_label
from core.accounts.rights import ALL, OWN, TEAM, TEAMS, Grant, actor_of
from core.parts import ADMINISTRATOR
from core.records import scopes
from core.records.catalog import RecordType
from core.records.conditions import sentence
from core.records.policy import current_hooks
from core.records.record import Record

SCOPE_LABELS = {
    OWN: _l("one's own"),
    TEAM: _l("those of one's teams"),
    TEAMS: _l("those of one's teams and the teams below"),
    ALL: _l("all"),
}
EXPLAINED = ("see", "edit", "delete", "export")


@dataclass(frozen=True)
class Reason:
    """One sentence; ``good`` when it speaks for allowing."""

    good: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """What comes of asking for one verb, and all that was considered."""

    verb: str
    allowed: bool
    reasons: tuple[Reason, ...]


def explain(session: Session, user: User, record_type: RecordType, record: Record) -> list[Verdict]:
    """What ``user`` may do with ``record``, and why.

    Args:
        session: the unit of work of whoever asks, who must see the record.
        user: about whom is asked.
        record_type: the type of the record.
        record: the record, as whoever asks sees it.
    """
    verdicts: list[Verdict] = []
    with acting_as(actor_of(user, source="job")):
        for verb in EXPLAINED:
            reasons = list(_reasons(session, user, record_type, record, verb))
            granted = any(reason.good for reason in reasons)
            denied = [] if not granted else list(_denials(session, record_type, record, verb))
            seen = verb == "see" or verdicts[0].allowed
            if granted and not seen:
                denied.append(Reason(False, _("Only what is seen can be worked on.")))
            verdicts.append(Verdict(verb, granted and not denied, (*reasons, *denied)))
    return verdicts


def _reasons(
    session: Session, user: User, record_type: RecordType, record: Record, verb: str
) -> Iterator[Reason]:
    permission = f"{record_type.name}.{verb}"
    rights = acting().rights
    grants = {grant.role: grant for grant in rights.grants.get(permission, ())} if rights is not None else {}
    if not user.active:
        yield Reason(False, _("%(name)s cannot sign in.", name=user))
        return
    for role in user.roles:
        grant = grants.get(role.name)
        if rights is not None and rights.everything:
            if role.name == ADMINISTRATOR:
                yield Reason(True, _("Administrators may do everything."))
        elif grant is None:
            yield Reason(False, _("The role “%(role)s” does not grant it.", role=role_label(role.name)))
        else:
            yield from _of_grant(session, record_type, grant, record)
    if not user.roles:
        yield Reason(False, _("%(name)s has no role.", name=user))


def _of_grant(session: Session, record_type: RecordType, grant: Grant, record: Record) -> Iterator[Reason]:
    names = {"role": role_label(grant.role), "scope": SCOPE_LABELS[grant.scope], "type": record_type.plural}
    told = _("The role “%(role)s” grants it for %(scope)s of “%(type)s”.", **names)
    within = scopes.within(grant.scope, record)
    if not within:
        yield Reason(False, f"{told} {_whose(session, record)}")
        return
    failed = [rule for rule in grant.rules if not scopes.passes(record_type, rule, record)]
    for rule in failed:
        condition = scopes.read_rule(record_type, rule)
        words = sentence(condition) if condition is not None else _("It can no longer be read.")
        yield Reason(False, _("%(told)s The rule “%(rule)s” does not hold: %(words)s", told=told, rule=rule.name,
                              words=words))  # fmt: skip
    if not failed:
        yield Reason(True, told if grant.scope == ALL else f"{told} {_whose(session, record)}")


def _whose(session: Session, record: Record) -> str:
    ids = sorted(scopes.responsible(record))
    people = session.scalars(sa.select(User).where(User.id.in_(ids)).order_by(User.id)) if ids else ()
    names = _(", ").join(str(user) for user in people)
    return _("It belongs to %(names)s.", names=names) if names else _("It belongs to nobody.")


def _denials(session: Session, record_type: RecordType, record: Record, verb: str) -> Iterator[Reason]:
    """What modules say against it."""
    hooks, permission = current_hooks(), f"{record_type.name}.{verb}"
    for plugin, call in hooks.each("can", actor=acting(), permission=permission, record=record):
        if call() is False:
            yield Reason(False, _("The module “%(plugin)s” denies it.", plugin=plugin))
    if verb != "see":
        return
    model: Any = record_type.model
    here = sa.select(model.id).where(model.id == record.id)
    if session.scalar(here.execution_options(include_archived=True)) is None:
        yield Reason(False, _("A module keeps the record private, or the record is gone."))


def hidden_and_fixed(user: User, record_type: RecordType) -> tuple[list[str], list[str]]:
    """The labels of the fields that ``user`` does not see, and of those he sees and may not change."""
    actor = actor_of(user, source="job")
    hidden, fixed = actor.hidden(record_type.name), actor.fixed(record_type.name)
    fields = record_type.all_fields
    told = {name: str(fields[name].label) for name in fixed if name in fields}
    return (
        sorted(label for name, label in told.items() if name in hidden),
        sorted(label for name, label in told.items() if name not in hidden),
    )


def grants_of(user: User) -> dict[str, tuple[Grant, ...]]:
    """What the roles of ``user`` grant, by permission."""
    rights = actor_of(user, source="job").rights
    return dict(rights.grants) if rights is not None else {}


def known_types() -> list[RecordType]:
    """The record types of the Site in the order of the menu."""
    catalog = current_app.extensions["peyvand"].catalog
    return sorted(catalog, key=lambda entry: (entry.screen.weight, entry.name) if entry.screen else (99, entry.name))
